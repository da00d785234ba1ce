"""Leaves out what another database would not change: the second run of ``.ci/test`` says ``--database-only``.

A test runs then if a fixture of it, or its mark, asks for the database, unless it is marked as one that need not.
"""

import pytest

OPTION = "--database-only"
DATABASE = frozenset({"db", "transactional_db", "django_db_setup"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="run only the tests that depend on the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption(OPTION):
        return
    left_out = [item for item in items if not depends_on_database(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if depends_on_database(item)]


def depends_on_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("once"):
        return False
    asked = DATABASE.intersection(getattr(item, "fixturenames", ()))
    return bool(asked) or item.get_closest_marker("django_db") is not None
