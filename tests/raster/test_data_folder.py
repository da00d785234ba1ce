"""Nobody but the user that Raster runs as can read what is in the data folder."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from django.conf import settings

from raster.data_folder import prepare
from tests.assets import pictures
from tests.server import running_server
from tests.waiting import wait_until

SECONDS = 60
LIBRARY = "/api/organizations/acme/libraries/barcelona"


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """What shells have, and what processes that a test starts inherit."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """Return what group or others may read, write or enter, of a folder and everything in it."""
    return [str(path) for path in (folder, *folder.rglob("*")) if _mode(path) & 0o077]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_whatever_an_installation_writes_is_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    database = f"sqlite:///{folder}/raster.sqlite3"
    for command in (["migrate"], ["collectstatic", "--no-input"], ["demo"]):
        subprocess.run(
            [sys.executable, "manage.py", *command, "--verbosity", "0"],
            cwd=settings.BASE_DIR,
            env={**os.environ, "RASTER_DATA_DIR": str(folder), "DATABASE_URL": database},
            capture_output=True,
            check=True,
        )
    key = json.loads((folder / "demo.json").read_text())["key"]
    headers = {"Authorization": f"Bearer {key}", "Api-Version": "2026-07-08"}
    environment = {"RASTER_DATA_DIR": str(folder), "DATABASE_URL": database, "RASTER_WORKER": "server"}
    with running_server(tmp_path / "log", **environment) as server, httpx2.Client(timeout=SECONDS) as browser:
        sizes = len(list(folder.glob("media/sizes/*/*")))
        files = {"file": ("sea.jpg", pictures.jpeg(1200, 800))}
        uploaded = httpx2.post(f"{server.url}{LIBRARY}/assets", headers=headers, files=files, timeout=SECONDS)
        assert uploaded.status_code == 200, uploaded.text
        form = browser.get(f"{server.url}/password/reset").text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token is not None
        answer = {"email": "alice@example.com", "csrfmiddlewaretoken": token[1]}
        browser.post(f"{server.url}/password/reset", data=answer, headers={"Referer": server.url})
        wait_until(lambda: bool(list(folder.glob("mail/*"))))
        wait_until(lambda: len(list(folder.glob("media/sizes/*/*"))) > sizes)
        assert {path.name for path in folder.iterdir()} >= {
            "demo.json", "mail", "media", "raster.sqlite3", "raster.sqlite3-wal", "secrets.json", "staging", "static",
        }  # fmt: skip
        assert open_to_others(folder) == []
    assert open_to_others(folder) == []


def test_what_an_older_version_left_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "media" / "originals").mkdir(parents=True)
    (tmp_path / "raster.sqlite3").touch()
    tmp_path.chmod(0o755)
    prepare(tmp_path)
    assert {_mode(tmp_path), _mode(tmp_path / "media")} == {0o700}
    assert _mode(tmp_path / "raster.sqlite3") == 0o600


def test_a_folder_shared_with_other_programs_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "photos").mkdir()
    tmp_path.chmod(0o755)
    prepare(tmp_path)
    assert (_mode(tmp_path), _mode(tmp_path / "photos"), _mode(tmp_path / "media")) == (0o755, 0o755, 0o700)


def test_links_and_folders_like_the_one_for_temporary_files_are_left_alone(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "data"
    elsewhere.mkdir()
    folder.mkdir()
    (folder / "media").symlink_to(elsewhere)
    folder.chmod(0o1777)
    prepare(folder)
    assert (_mode(elsewhere), _mode(folder)) == (0o755, 0o1777)


def test_what_belongs_to_another_user_is_left_alone(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files to others")
    (tmp_path / "media").mkdir()
    os.chown(tmp_path / "media", 65534, 65534)
    prepare(tmp_path)
    assert _mode(tmp_path / "media") == 0o755
