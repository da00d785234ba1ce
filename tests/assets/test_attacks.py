"""Files that are made to do harm: to the server they are a refusal, to their neighbours in an upload nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django import Settings

from assets import decoding
from assets.contracts import UploadAssets
from assets.decode import MAX_MADE_SIZE
from assets.decoding import DERIVE, PROBE, Decoder, DecodingFailed, Limits, close_children
from assets.operations.uploads import upload_assets
from assets.probe import Probed, probe
from assets.signatures import PNG
from assets.staging import stage
from tests.assets import attacks, pictures
from tests.assets.people import person
from tests.assets.test_decoding import SLOW_SVG
from tests.factories import Cast
from tests.waiting import wait_until

ATTACKS = {
    "png": attacks.png_of_texts,
    "tiff": attacks.tiff_of_directories,
    "webp": attacks.webp_of_frames,
}
MOST_GROWTH = 64 * 1024  # kilobytes
DECODERS = ("pyvips", "_libvips", "pillow_heif", "pypdfium2", "av")

#: A server's process that probes files and tells what that cost it.
PROBING = """
import json, resource, sys
import django
django.setup()
from pathlib import Path
from assets.decoding import Limits
from assets.operations import uploads
from assets.probe import probe
from assets.signatures import judge
from raster.errors import BadUserInput

def grown():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before, told = grown(), {}
for name in sys.argv[1:]:
    path = Path(name)
    try:
        told[path.name] = probe(path, judge(path.read_bytes()[:65536]), "", Limits(2, 1024**3)).width
    except BadUserInput as refusal:
        told[path.name] = refusal.message
print(json.dumps({"told": told, "growth": grown() - before, "modules": list(sys.modules)}))
"""


def probed_apart(paths: list[Path]) -> Any:
    ran = subprocess.run(
        [sys.executable, "-c", PROBING, *map(str, paths)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "raster.settings"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(ran.stdout)


def test_the_server_itself_reads_no_header(tmp_path: Path) -> None:
    paths = []
    for kind in pictures.KINDS:
        paths.append(tmp_path / kind)
        paths[-1].write_bytes(pictures.encoded(kind))
    seen = probed_apart(paths)
    assert seen["told"] == dict.fromkeys(pictures.KINDS, 800)
    assert not set(DECODERS) & set(seen["modules"])


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_header_that_costs_much_costs_the_server_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    path.write_bytes(ATTACKS[kind]())
    seen = probed_apart([path])
    assert isinstance(seen["told"][kind], str)
    assert seen["growth"] < MOST_GROWTH


def test_what_attacks_is_left_out_by_name_and_the_rest_comes_in(cast: Cast) -> None:
    files = [stage("bomb.png", [attacks.png_of_texts()]), stage("sea.jpg", [pictures.jpeg()])]
    with files[0], files[1]:
        uploaded = upload_assets(
            person(cast, "bob"), UploadAssets(organization_id="acme", library_id="barcelona"), files
        )
    assert [asset.name for asset in uploaded.assets] == ["sea"]
    assert uploaded.response_text == (
        "Uploaded 1 of 2 files. Left out: bomb.png (The file cannot be opened within the limits of time and memory)."
    )


#: A decoder that a file has taken over: it does ``DEED`` in its folder and answers as it likes.
TAKEN_OVER = """
import json, os, sys, time
MADE = "320.webp"
job = json.loads(sys.stdin.readline())
os.chdir(job["folder"])
answer = {"width": 8, "height": 8}
{deed}
print(json.dumps({"answer": json.dumps(answer)}), flush=True)
sys.stdin.readline()
"""
TakenOver = Callable[[str], Decoder]


@pytest.fixture
def taken_over(tmp_path: Path, settings: Settings) -> Iterator[TakenOver]:
    """Have a program of the attacker's in the decoder's place, that does some lines of Python."""

    def take_over(deed: str) -> Decoder:
        package = tmp_path / "base" / "assets" / "decode"
        package.mkdir(parents=True)
        for name in ("assets/__init__.py", "assets/decode/__init__.py"):
            (tmp_path / "base" / name).touch()
        (package / "__main__.py").write_text(TAKEN_OVER.replace("{deed}", deed))
        settings.BASE_DIR = tmp_path / "base"
        return Decoder()

    close_children()
    yield take_over
    close_children()


DEEDS = {
    "a link to a secret": "os.unlink(MADE); os.symlink(SECRET, MADE); answer['made'] = [MADE]",
    "a second name of a secret": "os.unlink(MADE); os.link(SECRET, MADE); answer['made'] = [MADE]",
    "another name": "answer['made'] = [SECRET]; open(SECRET + '2', 'w').close()",
    "a name above": "answer['made'] = ['../' + MADE]",
    "a pipe": "os.unlink(MADE); os.mkfifo(MADE); answer['made'] = [MADE]",
    "nothing": "answer['made'] = [MADE]",
    "too much": f"open(MADE, 'wb').truncate({MAX_MADE_SIZE + 1}); answer['made'] = [MADE]",
    "a width of words": "answer['width'] = '8'",
    "a width of nothing": "answer['width'] = 0",
    "a width of more": "answer['width'] = 2**40",
    "a long blurhash": "answer['blurhash'] = 'A' * 10_000",
    "a blurhash of markup": "answer['blurhash'] = '<b>' + 'A' * 25",
    "more than is known": "answer['path'] = '/'",
    "no object": "answer = []",
    "a speech": "answer = {'refused': 'A' * 10_000}",
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_decoder_that_was_taken_over_has_nothing_believed(tmp_path: Path, taken_over: TakenOver, deed: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("nobody's business")
    decoder = taken_over(DEEDS[deed].replace("SECRET", repr(str(secret))))
    try:
        decoded = decoder.run("derive", secret, PNG, DERIVE)
    except DecodingFailed:
        return
    assert decoded.files == {}


def test_what_a_decoder_that_was_taken_over_may_do(taken_over: TakenOver) -> None:
    """The deeds above fail by what they do: this one, that does nothing wrong, is believed."""
    deed = "open('320.webp', 'w').write('a picture'); answer['made'] = ['320.webp']; answer['blurhash'] = 'A' * 28"
    decoded = taken_over(deed).run("derive", Path("/"), PNG, DERIVE)
    assert (decoded.width, decoded.blurhash, decoded.files) == (8, "A" * 28, {"320.webp": b"a picture"})


@pytest.mark.parametrize(
    "deed",
    ["while True: sys.stdout.write('x' * 1000)", "sys.stdout.write('x' * 10); time.sleep(60)", "time.sleep(60)"],
    ids=["endless words", "half an answer", "silence"],
)
def test_a_decoder_that_does_not_come_to_an_end_is_given_up(taken_over: TakenOver, deed: str) -> None:
    decoder = taken_over(deed)
    with pytest.raises(DecodingFailed):
        decoder.run("derive", Path("/"), PNG, Limits(0, PROBE.memory))


def processes_of(pid: int) -> list[int]:
    """Return a process and those that it started, as far as they run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = entry.read_text().split(" (", 1)
        except OSError:
            continue
        state, _, group = rest.rpartition(") ")[2].split()[:3]
        if int(group) == pid and state != "Z":
            found.append(int(number))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="It looks into /proc.")
def test_what_decodes_ends_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "slow.svg"
    path.write_bytes(SLOW_SVG)
    program = (
        "import django, sys, threading; django.setup()\n"
        "from pathlib import Path\n"
        "from assets.decoding import *; from assets.signatures import SVG\n"
        "decoder = Decoder()\n"
        "threading.Thread(target=decoder.run, args=('derive', Path(sys.argv[1]), SVG, DERIVE)).start()\n"
        "while not decoder.busy: pass\n"
        "print(decoder._children._process.pid, flush=True)\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "raster.settings"},
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    with server.stdout:
        pid = int(server.stdout.readline())
    wait_until(lambda: len(processes_of(pid)) == 2)
    server.kill()
    server.wait()
    wait_until(lambda: not processes_of(pid))


def test_what_starts_children_is_started_again_when_it_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(pictures.encoded("png", 8, 8))
    decoder = Decoder()
    assert probe(path, PNG) == Probed(8, 8)
    for children in decoding._idle:
        children.end()
        children._process.wait()
    assert decoder.run("probe", path, PNG, PROBE).width == 8
