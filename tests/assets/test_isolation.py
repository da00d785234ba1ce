"""What the process of a file can reach: its file, what it makes, and nothing else of the machine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from assets.decode.isolation import REFUSED
from assets.decoding import PROBE, Decoder, close_children
from assets.signatures import PNG

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux'.")

#: Isolates itself like the process of a file, and tries what is named in its arguments.
TRYING = """
import ctypes, json, os, signal, socket, subprocess, sys, threading
from pathlib import Path
from assets.decode.isolation import isolate
from assets.decode.jobs import limit

path, folder, deeds = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
limit(30, 2 * 1024**3)
told = {"offers": isolate(path, folder)}
for deed in deeds:
    try:
        exec(deed)
        told[deed] = ""
    except Exception as error:
        told[deed] = type(error).__name__
print(json.dumps(told), flush=True)
os._exit(0)
"""
FILES = {
    "(path.parent / 'other').read_text()": "PermissionError",
    "open(path, 'r+')": "PermissionError",
    "path.unlink()": "PermissionError",
    "(folder / 'new').write_text('more')": "PermissionError",
    "os.symlink(path, folder / 'link')": "PermissionError",
    "os.link(path, folder / 'link')": "PermissionError",
    "(folder / '320.webp').unlink()": "PermissionError",
    "os.listdir('/')": "PermissionError",
    "open('/etc/passwd')": "PermissionError",
    "open(f'/proc/{os.getppid()}/environ')": "PermissionError",
    "open('/proc/self/environ')": "PermissionError",
    "open('manage.py')": "PermissionError",
    "os.listdir('templates')": "PermissionError",
    "path.read_text()": "",
    "(folder / '320.webp').write_text('a picture')": "",
    "import fractions": "",
}
CALLS = {
    "socket.socket()": "PermissionError",
    "socket.socket(socket.AF_UNIX)": "PermissionError",
    "socket.socketpair()": "PermissionError",
    "os.fork()": "PermissionError",
    "os.posix_spawn('/bin/true', ['true'], {})": "PermissionError",
    "os.execv('/bin/true', ['true'])": "PermissionError",
    "os.kill(os.getppid(), signal.SIGTERM)": "PermissionError",
    "os.kill(os.getppid(), 0)": "PermissionError",
    "signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 0)": "PermissionError",
    "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))": "PermissionError",
    "thread = threading.Thread(target=len, args=('',)); thread.start(); thread.join()": "",
}


def tried(tmp_path: Path, deeds: dict[str, str]) -> dict[str, Any]:
    path, folder = tmp_path / "file", tmp_path / "folder"
    path.write_text("a file")
    (tmp_path / "other").write_text("another's")
    folder.mkdir()
    (folder / "320.webp").touch()
    ran = subprocess.run(
        [sys.executable, "-c", TRYING, str(path), str(folder), json.dumps(list(deeds))],
        cwd=django_settings.BASE_DIR,
        stdout=subprocess.PIPE,
        check=True,
    )
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


@pytest.mark.parametrize(("kind", "deeds"), [("files", FILES), ("calls", CALLS)])
def test_the_process_of_a_file_reaches_nothing_else(tmp_path: Path, kind: str, deeds: dict[str, str]) -> None:
    told = tried(tmp_path, deeds)
    if not told.pop("offers")[kind]:
        pytest.skip(f"This kernel does not isolate {kind}.")
    assert told == deeds


#: A reader that a file has taken over. It tells by a width what it could do.
TAKEN_OVER = """
import os
from assets.decode.pictures import Opened

def open_file(path, file_type):
    told = 1
    for number, deed in enumerate(({deeds})):
        try:
            deed()
            told += 2 << number
        except OSError:
            pass
    return Opened(told, told, None)
"""
DEEDS = (
    "lambda: open({secret!r})",  # 2
    "lambda: open(f'/proc/{{os.getppid()}}/environ')",  # 4
    "lambda: os.close(os.fork())",  # 8
    "lambda: [open(os.devnull) for _ in range(100)]",  # 16
    "lambda: open('new', 'w')",  # 32
    "lambda: open(path)",  # 64
    "lambda: os.write(1, b'words')",  # 128
    "lambda: os.fstat(5)",  # 256
)


def test_a_reader_that_was_taken_over_is_isolated(tmp_path: Path, settings: Settings) -> None:
    secret, path, base = tmp_path / "secret", tmp_path / "file", tmp_path / "base"
    secret.write_text("nobody's business")
    path.write_text("a file")
    for part in ("assets/decode", "assets/__init__.py", "assets/images.py", "assets/signatures.py"):
        copied = base / part
        copied.parent.mkdir(parents=True, exist_ok=True)
        source = django_settings.BASE_DIR / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copied)
    (base / "raster").mkdir()
    for name in ("__init__.py", "errors.py"):
        shutil.copy(django_settings.BASE_DIR / "raster" / name, base / "raster")
    deeds = ", ".join(DEEDS).format(secret=str(secret))
    (base / "assets/decode/readers/vips.py").write_text(TAKEN_OVER.replace("{deeds}", deeds))
    offers = tried(tmp_path, {})["offers"]
    if not all(offers.values()):
        pytest.skip("This kernel does not isolate.")
    settings.BASE_DIR = base
    close_children()
    try:
        assert Decoder().run("probe", path, PNG, PROBE).width == 1 + 64 + 128
    finally:
        close_children()


def test_it_writes_and_opens_no_more_than_it_needs(tmp_path: Path) -> None:
    much = "(folder / '320.webp').write_bytes(bytes(40 * 1024**2))"
    many = "kept = [open(os.devnull) for _ in range(100)]"
    assert {deed: told for deed, told in tried(tmp_path, {many: "", much: ""}).items() if deed != "offers"} == {
        many: "OSError",
        much: "OSError",
    }


def test_the_numbers_of_calls_are_the_systems_own() -> None:
    """They are written down for two machines: this one's are looked up in the system's own list, where it has one."""
    machine = {"x86_64": 0, "aarch64": 1}.get(os.uname().machine)
    headers = [Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm-generic/unistd.h")]
    if machine is None or not headers[machine].exists():
        pytest.skip("The list of this machine is not installed.")
    lines = (line.split() for line in headers[machine].read_text().splitlines())
    listed = {words[1].removeprefix("__NR_"): words[2] for words in lines if len(words) == 3 and words[0] == "#define"}
    assert {name: listed.get(name) for name, numbers in REFUSED.items() if numbers[machine]} == {
        name: str(numbers[machine]) for name, numbers in REFUSED.items() if numbers[machine]
    }
