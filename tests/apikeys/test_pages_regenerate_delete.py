"""Ending a key's value, or the key: only on purpose, and at once."""

import pytest

from apikeys import secrets
from apikeys.models import APIKey
from orgs.models import AuditEntry
from raster.errors import InvalidAPIKey
from tests.apikeys.people import TOO_LONG_AGO, hidden_field, principal_for, sign_in, whole_database
from tests.factories import Cast

pytestmark = pytest.mark.usefixtures("static_files")


@pytest.mark.parametrize("act", ["regenerate", "delete"])
def test_a_sign_in_that_is_not_recent_is_asked_for_first(cast: Cast, act: str) -> None:
    key = cast.key("CI")
    path = f"/acme/settings/api-keys/{key.key_id}/{act}"
    fresh = hidden_field(sign_in(cast.alice).get(path), "nonce") if act == "regenerate" else ""
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    answer = client.post(path, {"name": "CI", "nonce": fresh})
    assert answer.headers["Location"].startswith("/reauthenticate?next=")
    assert principal_for(key.secret).name == "CI"


def test_a_key_is_regenerated_by_its_own_form_alone(cast: Cast) -> None:
    key, other = cast.key("CI"), cast.key("Other")
    client = sign_in(cast.alice)
    path = f"/acme/settings/api-keys/{key.key_id}/regenerate"
    of_other = hidden_field(client.get(f"/acme/settings/api-keys/{other.key_id}/regenerate"), "nonce")
    of_creation = hidden_field(client.get("/acme/settings/api-keys/new"), "nonce")
    for wrong in ("", "x", of_other, of_creation):
        assert client.post(path, {"nonce": wrong}).headers["Location"] == path
    assert principal_for(key.secret).name == "CI"


def test_the_new_value_is_shown_once_and_the_old_one_is_refused_at_once(cast: Cast) -> None:
    key = cast.key("CI", barcelona="write")
    client = sign_in(cast.alice)
    path = f"/acme/settings/api-keys/{key.key_id}/regenerate"
    form = client.get(path)
    assert "never" in form.content.decode()
    answer = client.post(path, {"nonce": hidden_field(form, "nonce")})
    assert answer.status_code == 200
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    shown = secrets.PATTERN.search(answer.content.decode())
    assert shown
    with pytest.raises(InvalidAPIKey):
        principal_for(key.secret)
    assert principal_for(shown[0]).key_id == key.key_id
    assert shown[0][-38:] not in whole_database()

    again = client.post(path, {"nonce": hidden_field(form, "nonce")})
    assert again.status_code == 409
    assert "This key was already regenerated" in again.content.decode()
    assert principal_for(shown[0]).key_id == key.key_id
    assert AuditEntry.objects.filter(action="api_key.regenerate").count() == 1


@pytest.mark.parametrize("name", ["", "ci", "C I", "CI2"])
def test_nothing_is_deleted_without_its_name(cast: Cast, name: str) -> None:
    key = cast.key("CI")
    answer = sign_in(cast.alice).post(f"/acme/settings/api-keys/{key.key_id}/delete", {"name": name})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert 'aria-invalid="true"' in page
    assert ("Type the key&#x27;s name." if not name else "This is not the key&#x27;s name, which is CI.") in page
    assert principal_for(key.secret).name == "CI"


def test_a_key_that_is_named_is_deleted(cast: Cast) -> None:
    key, other = cast.key("CI", barcelona="write"), cast.key("Other")
    client = sign_in(cast.alice)
    answer = client.post(f"/acme/settings/api-keys/{key.key_id}/delete", {"name": "CI"}, follow=True)
    assert "CI was deleted. It is refused from now on." in answer.content.decode()
    assert [row.pk for row in APIKey.objects.all()] == [other.key_id]
    with pytest.raises(InvalidAPIKey):
        principal_for(key.secret)
    entry = AuditEntry.objects.get(action="api_key.delete")
    assert (entry.target, entry.before, entry.actor) == (
        f"CI (rstk_{key.public_id}…)",
        {"access": {"barcelona": "write"}},
        "alice@example.com",
    )
