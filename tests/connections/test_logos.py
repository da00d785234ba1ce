"""Logos are pictures of strangers, too: the server reads none of them itself."""

import json
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings

from assets.turns import decoding_turns
from connections.logos import _OWNER, read_logo
from tests.assets import pictures
from tests.waiting import wait_until

READING = """
import json, sys
import django
django.setup()
from pathlib import Path
from connections import documents
from connections.logos import read_logo
logo = read_logo(Path(sys.argv[1]).read_bytes())
print(json.dumps({"read": logo is not None, "modules": list(sys.modules)}))
"""


def test_the_server_itself_reads_no_logo(tmp_path: Path) -> None:
    path = tmp_path / "logo"
    path.write_bytes(pictures.encoded("png"))
    ran = subprocess.run(
        [sys.executable, "-c", READING, str(path)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "raster.settings"},
        stdout=subprocess.PIPE,
        check=True,
    )
    seen = json.loads(ran.stdout)
    assert seen["read"]
    assert not {"pyvips", "_libvips"} & set(seen["modules"])


def test_where_too_many_are_read_an_app_has_no_logo() -> None:
    logo = pictures.encoded("png")
    assert read_logo(logo) is not None

    def wait() -> None:
        with decoding_turns.turn(_OWNER):
            pass

    with ExitStack() as held:
        for _ in range(decoding_turns._most_of_one):
            held.enter_context(decoding_turns.turn(_OWNER))
        more = decoding_turns._most_asking - decoding_turns._most_of_one
        waiting = [threading.Thread(target=wait) for _ in range(more)]
        for thread in waiting:
            thread.start()
        wait_until(lambda: decoding_turns.waiting == more)
        assert read_logo(logo) is None
    for thread in waiting:
        thread.join(60)
