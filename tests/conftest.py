"""Fixtures that every test may use."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import TransactionTestCase
from pytest_django import Settings
from whitenoise.base import WhiteNoise  # type: ignore[import-untyped]

from assets import ownership
from raster.logs import JSONFormatter
from tests.emptying import empty_database
from tests.environment import DATA_DIR, TEST_LOG
from tests.factories import Cast, make_cast
from tests.server import Server, running_server
from tests.sites import Authority, Site, make_authority, running_site


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what looks back at the whole run after everything else."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="session", autouse=True)
def test_log() -> Iterator[None]:
    """Keep what the code under test logs in this process, as a server would write it."""
    handler = logging.FileHandler(TEST_LOG)
    handler.setFormatter(JSONFormatter())
    logging.getLogger().addHandler(handler)
    logging.getLogger("raster").info("The tests begin")
    yield
    logging.getLogger().removeHandler(handler)
    handler.close()


@pytest.fixture
def cast(db: None) -> Cast:
    """Alice owns Acme, bob edits Barcelona, carol views it, dave belongs elsewhere."""
    return make_cast()


@pytest.fixture(scope="session", autouse=True)
def storage_of_another() -> None:
    """Have the storage be another installation's to begin with: most tests leave files, and then their rows go."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    for name in (ownership.MARK, ownership.NEWEST_UPLOAD):
        (root / name).write_text("{}")


@pytest.fixture
def own_storage(db: None) -> None:
    """Make the storage the test database's own, so that it may delete files."""
    ownership.adopt()


@pytest.fixture(scope="session", autouse=True)
def static_files() -> None:
    """Collect the static files, whose hashed names the pages' templates look up."""
    call_command("collectstatic", interactive=False, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def static_files_read_once(static_files: None) -> Iterator[None]:
    """Have WhiteNoise look through the static files once in this process, and not again for each test's client."""
    known: dict[tuple[str, str], dict[str, object]] = {}
    read = WhiteNoise.update_files_dictionary

    def read_once(whitenoise: WhiteNoise, root: str, prefix: str) -> None:
        if (root, prefix) not in known:
            read(whitenoise, root, prefix)
            known[root, prefix] = dict(whitenoise.files)
        whitenoise.files.update(known[root, prefix])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoise, "update_files_dictionary", read_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    """Empty the database quickly after each test that committed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_database)
        yield


@pytest.fixture(scope="session")
def server_log() -> Path:
    """The file that the session's servers log to; a test at the end searches it for secrets."""
    return DATA_DIR / "server.log"


@pytest.fixture(scope="session")
def session_server(django_db_setup: None, static_files: None, server_log: Path) -> Iterator[Server]:
    with running_server(server_log) as server:
        yield server


@pytest.fixture
def server(transactional_db: None, session_server: Server) -> Server:
    """A running server on the test database; what a test commits, it sees."""
    return session_server


@pytest.fixture(scope="session")
def authority() -> Authority:
    return make_authority()


@pytest.fixture
def site(authority: Authority, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An HTTPS site on this machine that the code under test may fetch from."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificates))
    settings.FETCH_ALLOWED_HOSTS = frozenset({"localhost"})
    with running_site(authority) as running:
        yield running


@pytest.fixture
def plain_site(site: Site) -> Iterator[Site]:
    """The same over plain HTTP."""
    with running_site(None) as running:
        yield running
