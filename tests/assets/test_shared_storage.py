"""A server whose database is not the one of its storage deletes nothing: real servers, whose clean-ups run at once."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as project

from assets.ownership import MARK, NEWEST_UPLOAD
from tests.s3 import CREDENTIALS, Bucket, Service, running_service
from tests.server import Server, running_server
from tests.waiting import wait_until

REFUSED = "No stored file was deleted"
MARKS = {MARK, NEWEST_UPLOAD}


@dataclass
class Storage:
    """A storage that installations may share: a folder, or a bucket."""

    data_folder: Path
    bucket: Bucket | None = None

    @property
    def environment(self) -> dict[str, str]:
        place = {"RASTER_DATA_DIR": str(self.data_folder)}
        return place if self.bucket is None else {**place, **CREDENTIALS, "RASTER_STORAGE": self.bucket.setting}

    def names(self) -> set[str]:
        """Return the names of the files of assets."""
        if self.bucket is not None:
            names = {name.removeprefix(f"{self.bucket.prefix}/") for name in self.bucket.names()}
        else:
            media = self.data_folder / "media"
            names = {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}
        return names - MARKS

    def remove_marks(self) -> None:
        """Make it a storage of the time before there were marks."""
        for name in MARKS:
            if self.bucket is not None:
                key = f"{self.bucket.prefix}/{name}"
                self.bucket.service.client.delete_object(Bucket=self.bucket.name, Key=key)
            else:
                (self.data_folder / "media" / name).unlink()


@dataclass
class Installation:
    """A database in a file, and the storage that it is used with."""

    database: Path
    storage: Storage
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.database.with_suffix(".log")

    def on(self, storage: Storage) -> "Installation":
        """Return the same database with another storage."""
        return Installation(self.database, storage)

    def dump(self) -> Path:
        """Return a copy of the database as it is now."""
        copy = self.database.with_name(f"{uuid4().hex}.sqlite3")
        shutil.copyfile(self.database, copy)
        return copy

    @property
    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": f"sqlite:///{self.database}", **self.storage.environment}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=project.BASE_DIR,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def fill(self, pictures: int) -> None:
        filled = self.run("-m", "tests.assets.filled", str(pictures))
        assert filled.returncode == 0, filled.stderr

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """Run a server whose clean-ups run at once."""
        with running_server(self.log, application="tests.assets.hurried:application", **self.environment) as server:
            yield server

    def clean_up_twice(self, logged: str) -> list[str]:
        """Serve until this was logged twice; return the lines that are errors."""
        with self.serving() as server:
            wait_until(lambda: len(server.logged(logged)) >= 2, seconds=120)
            lines = self.log.read_text().splitlines()
        return [line for line in lines if '"level": "ERROR"' in line]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the schema and no rows."""
    folder = tmp_path_factory.mktemp("empty")
    installation = Installation(folder / "empty.sqlite3", Storage(folder))
    migrated = installation.run("manage.py", "migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    with_wal = installation.run(
        "-c",
        f"import sqlite3; sqlite3.connect({str(installation.database)!r}).execute('PRAGMA wal_checkpoint(TRUNCATE)')",
    )
    assert with_wal.returncode == 0, with_wal.stderr
    return installation.database


Maker = Callable[[], Storage]


@pytest.fixture(params=["folder", "bucket"])
def new_storage(request: pytest.FixtureRequest, tmp_path: Path, static_files: None) -> Maker:
    def make() -> Storage:
        folder = tmp_path / uuid4().hex
        folder.mkdir()
        (folder / "static").symlink_to(project.STATIC_ROOT)
        service: Service | None = request.getfixturevalue("service") if request.param == "bucket" else None
        return Storage(folder, Bucket(service) if service is not None else None)

    return make


@pytest.fixture
def new_installation(empty_database: Path, tmp_path: Path) -> Callable[[Storage], Installation]:
    def make(storage: Storage) -> Installation:
        database = tmp_path / f"{uuid4().hex}.sqlite3"
        shutil.copyfile(empty_database, database)
        return Installation(database, storage)

    return make


New = Callable[[Storage], Installation]


@pytest.mark.parametrize("marked", [True, False])
def test_an_empty_database_beside_a_full_storage_costs_no_file(
    new_storage: Maker, new_installation: New, marked: bool
) -> None:
    storage = new_storage()
    new_installation(storage).fill(3)
    if not marked:
        storage.remove_marks()
    files = storage.names()
    assert len(files) == 3
    errors = new_installation(storage).clean_up_twice(REFUSED)
    assert storage.names() == files
    assert len(errors) >= 2
    assert all("adopt_storage" in line for line in errors)


def test_a_changed_database_costs_no_file(new_storage: Maker, new_installation: New) -> None:
    storage, elsewhere = new_storage(), new_storage()
    new_installation(storage).fill(3)
    files = storage.names()
    another = new_installation(elsewhere)
    another.fill(1)
    errors = another.on(storage).clean_up_twice("marked as another installation's")
    assert storage.names() == files
    assert all("DATABASE_URL" in line for line in errors)


def test_an_old_dump_costs_no_file(new_storage: Maker, new_installation: New) -> None:
    storage = new_storage()
    installation = new_installation(storage)
    installation.fill(2)
    dump = installation.dump()
    installation.fill(2)
    files = storage.names()
    assert len(files) == 4
    Installation(dump, storage).clean_up_twice("uploads of")
    assert storage.names() == files


def test_two_installations_on_one_storage_cost_each_other_no_file(new_storage: Maker, new_installation: New) -> None:
    storage = new_storage()
    first, second = new_installation(storage), new_installation(storage)
    first.fill(2)
    second.fill(2)
    files = storage.names()
    assert len(files) == 4
    assert second.clean_up_twice("marked as another installation's")
    assert first.clean_up_twice("another installation uploads to the same storage")
    assert storage.names() == files


def test_a_server_does_delete_what_is_its_own(new_storage: Maker, new_installation: New) -> None:
    storage = new_storage()
    installation = new_installation(storage)
    installation.fill(2)
    files = storage.names()
    deleted = installation.run(
        "manage.py", "shell", "-v", "0", "-c",
        "from assets.models import Asset; print(Asset.objects.first().file); Asset.objects.first().delete()",
    )  # fmt: skip
    name = next(iter(re.findall(r"originals/\S+", deleted.stdout)))
    with installation.serving():
        wait_until(lambda: storage.names() == files - {name}, seconds=120)
