"""The operator's commands on API keys: a key is the only thing on stdout."""

import io

import pytest
from django.core.management import CommandError, call_command

from apikeys import secrets
from apikeys.models import APIKey
from orgs.models import AuditEntry
from tests.factories import Cast


def run(*arguments: str) -> tuple[str, str]:
    """Run a command; return what it wrote to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def access(name: str) -> dict[str, int]:
    return dict(APIKey.objects.get(name=name).grants.values_list("library__slug", "level"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["create_api_key", "unknown", "New"], "Organization not found"),
        (["create_api_key", "acme", "CI"], "already has a key named CI"),
        (["create_api_key", "acme", " "], "name: a key's name has 1 to 100 characters"),
        (["create_api_key", "acme", "New", "--grant", "secret=read"], "no such library"),
        (["create_api_key", "acme", "New", "--grant", "barcelona=admin"], "access.barcelona: input should be 'none'"),
        (["create_api_key", "acme", "New", "--grant", "barcelona"], "not of the form library=level"),
        (["create_api_key", "acme", "New", "--grant", "paris=read", "--grant", "paris=write"], "named twice"),
        (["scope_api_key", "acme", "Unknown", "--grant", "paris=read"], "no API key named Unknown"),
        (["scope_api_key", "acme", "CI", "--grant", "paris=read", "--grant", "secret=read"], "no such library"),
        (["scope_api_key", "globex", "CI", "--grant", "secret=read"], "no API key named CI"),
        (["regenerate_api_key", "globex", "CI"], "no API key named CI"),
        (["delete_api_key", "unknown", "CI"], "Organization not found"),
    ],
)
def test_a_refusal_is_a_sentence_and_changes_nothing(cast: Cast, arguments: list[str], sentence: str) -> None:
    cast.key("CI", barcelona="write")
    before = list(APIKey.objects.values()), AuditEntry.objects.count()
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
    assert before == (list(APIKey.objects.values()), AuditEntry.objects.count())
    assert access("CI") == {"barcelona": 2}


def test_a_new_key_is_printed_alone_and_reaches_what_it_was_granted(cast: Cast) -> None:
    out, err = run("create_api_key", "acme", "CI", "--grant", "barcelona=write", "--grant", "paris=none")
    assert (out.count("\n"), err) == (1, "")
    assert secrets.public_id(out.strip()) == APIKey.objects.get().public_id
    assert access("CI") == {"barcelona": 2}


def test_a_key_can_be_made_to_expire(cast: Cast) -> None:
    run("create_api_key", "acme", "CI", "--expires-in-days", "30")
    key = APIKey.objects.get()
    assert key.expires is not None
    assert (key.expires - key.created).days in {29, 30}


def test_scoping_changes_the_named_libraries_and_keeps_the_others(cast: Cast) -> None:
    cast.key("CI", barcelona="write")
    run("scope_api_key", "acme", "CI", "--grant", "paris=read")
    assert access("CI") == {"barcelona": 2, "paris": 1}
    run("scope_api_key", "acme", "CI", "--grant", "barcelona=none")
    assert access("CI") == {"paris": 1}


def test_regenerating_prints_another_key_for_the_same_row(cast: Cast) -> None:
    old = cast.key("CI", barcelona="read")
    out, _ = run("regenerate_api_key", "acme", "CI")
    key = APIKey.objects.get()
    assert out.strip() != old.secret
    assert secrets.matches(out.strip(), secrets.Digest(bytes(key.digest), key.pepper))
    assert not secrets.matches(old.secret, secrets.Digest(bytes(key.digest), key.pepper))
    assert access("CI") == {"barcelona": 1}


def test_deleting_twice_is_no_failure(cast: Cast) -> None:
    cast.key("CI")
    assert run("delete_api_key", "acme", "CI") == ("", "")
    assert run("delete_api_key", "acme", "CI") == ("", "acme has no API key named CI.\n")
    assert AuditEntry.objects.get(action="api_key.delete").face == "cli"
