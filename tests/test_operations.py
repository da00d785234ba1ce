"""The packages of operations hold operations and nothing else: who asks, and what for."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

import apikeys.operations
import assets.operations
import connections.operations
import orgs.operations

#: A person's own pages ask for these, without a contract: by a row, a code, or a request of their session.
WITHOUT_CONTRACT = {
    "answered_device",
    "begin_again",
    "begin_authorization",
    "claim_device",
    "disconnect",
    "disconnect_app",
    "list_member_connections",
    "refuse",
    "shown",
}


def modules() -> Iterator[ModuleType]:
    for package in (apikeys.operations, assets.operations, connections.operations, orgs.operations):
        yield package
        for found in pkgutil.iter_modules(getattr(package, "__path__", ())):
            yield import_module(f"{package.__name__}.{found.name}")


def public(kind: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    """Yield what the modules define for others to use."""
    for module in modules():
        for name, value in inspect.getmembers(module, kind):
            # A type that pydantic makes, such as Page[Record], has the module that asked for it first.
            if value.__module__ == module.__name__ and name.isidentifier() and not name.startswith("_"):
                yield name, value


OPERATIONS = dict(public(inspect.isfunction))


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_told_who_asks_and_what_for(name: str) -> None:
    first, *others = inspect.signature(OPERATIONS[name]).parameters.values()
    assert first.name == "principal" and first.annotation.__name__.endswith("Principal")
    positional = [each for each in others if each.default is inspect.Parameter.empty]
    assert name in WITHOUT_CONTRACT or not positional or "command" in [each.name for each in positional[:2]]


def test_no_exception_is_listed_that_is_none() -> None:
    assert OPERATIONS.keys() >= WITHOUT_CONTRACT


def test_beside_operations_there_are_only_the_errors_of_their_own() -> None:
    assert all(issubclass(each, Exception) for _, each in public(inspect.isclass))
