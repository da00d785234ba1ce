"""A key's page: what it reaches, saved without undoing what another tab saved."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.models import APIKey, KeyGrant
from orgs.models import AuditEntry, Library
from tests.apikeys.people import TOO_LONG_AGO, Answer, hidden_field, principal_for, sign_in, sign_in_again
from tests.factories import AssetFactory, Cast, make_key

pytestmark = pytest.mark.usefixtures("static_files")

MOST_QUERIES = 12


def form_of(answer: Answer) -> dict[str, str]:
    """Return the grant table as a browser would send it back."""
    chosen = re.findall(r'name="(access\.[a-z0-9-]+)" value="([a-z]+)" checked', answer.content.decode())
    return {"was": hidden_field(answer, "was"), **dict(chosen)}


def access(key_id: int) -> dict[str, int]:
    return dict(KeyGrant.objects.filter(key=key_id).values_list("library__slug", "level"))


@pytest.mark.parametrize("was", [None, "barcelona", "barcelona:admin", "barcelona:read;", "a:read,,b:read"])
def test_a_table_that_does_not_say_what_it_was_loaded_with_is_refused(cast: Cast, was: str | None) -> None:
    key = cast.key(paris="read")
    data = {"access.barcelona": "write"} | ({} if was is None else {"was": was})
    answer = sign_in(cast.alice).post(f"/acme/settings/api-keys/{key.key_id}", data)
    assert answer.status_code == 400
    assert access(key.key_id) == {"paris": 1}


def test_raising_to_write_needs_a_recent_sign_in_and_keeps_the_choices_until_then(cast: Cast) -> None:
    key = cast.key(paris="read")
    path = f"/acme/settings/api-keys/{key.key_id}"
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    form = form_of(client.get(path)) | {"access.barcelona": "write", "access.paris": "none"}
    answer = client.post(path, form)
    assert answer.headers["Location"].startswith("/reauthenticate?next=")
    assert access(key.key_id) == {"paris": 1}

    sign_in_again(client)
    shown = client.get(path)
    assert "nothing was saved yet" in shown.content.decode()
    assert form_of(shown) == form
    assert "Write on 1 library" in shown.content.decode()
    saved = client.post(path, form_of(shown), follow=True)
    assert access(key.key_id) == {"barcelona": 2}
    assert "Saved. It holds from the key&#x27;s next request on." in saved.content.decode()
    assert "nothing was saved yet" not in saved.content.decode()


def test_a_claim_that_write_was_held_already_does_not_get_around_the_sign_in(cast: Cast) -> None:
    key = cast.key(paris="read")
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    client.post(f"/acme/settings/api-keys/{key.key_id}", {"was": "paris:write", "access.paris": "write"})
    assert access(key.key_id) == {"paris": 1}


def test_taking_access_away_needs_no_second_sign_in(cast: Cast) -> None:
    key = cast.key(barcelona="write", paris="write")
    path = f"/acme/settings/api-keys/{key.key_id}"
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    answer = client.post(path, form_of(client.get(path)) | {"access.barcelona": "read", "access.paris": "none"})
    assert answer.headers["Location"] == path
    assert access(key.key_id) == {"barcelona": 1}


def test_a_second_tab_does_not_undo_what_the_first_one_saved(cast: Cast) -> None:
    key = cast.key(barcelona="write")
    path = f"/acme/settings/api-keys/{key.key_id}"
    client = sign_in(cast.alice)
    first, second = form_of(client.get(path)), form_of(client.get(path))
    client.post(path, first | {"access.barcelona": "none"})
    client.post(path, second | {"access.paris": "read"})
    assert access(key.key_id) == {"paris": 1}
    changes = AuditEntry.objects.filter(action="api_key.scope").order_by("id").values_list("before", "after")
    assert list(changes) == [
        ({"access": {"barcelona": "write"}}, {"access": {"barcelona": "none"}}),
        ({"access": {"paris": "none"}}, {"access": {"paris": "read"}}),
    ]


def test_a_library_that_was_deleted_meanwhile_fails_the_save_and_keeps_the_other_choices(cast: Cast) -> None:
    key = cast.key()
    path = f"/acme/settings/api-keys/{key.key_id}"
    client = sign_in(cast.alice)
    form = form_of(client.get(path)) | {"access.barcelona": "read", "access.paris": "read"}
    cast.barcelona.delete()
    answer = client.post(path, form, follow=True)
    assert "A library was deleted meanwhile, so nothing was saved." in answer.content.decode()
    assert access(key.key_id) == {}
    assert form_of(answer) == {"was": "", "access.paris": "read"}


def test_a_library_of_another_organization_cannot_be_granted(cast: Cast) -> None:
    key = cast.key()
    client = sign_in(cast.alice)
    client.post(f"/acme/settings/api-keys/{key.key_id}", {"was": "", "access.secret": "read"})
    assert access(key.key_id) == {}


def test_each_library_is_a_group_of_choices_with_its_name_and_its_assets(cast: Cast) -> None:
    key = cast.key(barcelona="write", paris="read")
    AssetFactory.create_batch(3, library=cast.barcelona)
    AssetFactory(library=cast.barcelona, trashed=timezone.now())
    page = sign_in(cast.alice).get(f"/acme/settings/api-keys/{key.key_id}").content.decode()
    rows = re.findall(r"<tr data-library=.*?</tr>", page, re.DOTALL)
    assert [re.findall(r"<legend[^>]*>(.*?)</legend>", row) for row in rows] == [["Barcelona"], ["Paris"]]
    assert '<span class="cell">3</span>' in rows[0]
    assert "Secret" not in page
    assert "Write on 1 library, Read on 1" in page


def test_a_thousand_libraries_take_as_many_queries_as_two(cast: Cast) -> None:
    key = cast.key(barcelona="write", paris="read")
    path = f"/acme/settings/api-keys/{key.key_id}"
    client = sign_in(cast.alice)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(path)
    Library.objects.bulk_create(
        Library(organization=cast.acme, slug=f"library-{number}", name=f"Library {number}") for number in range(1000)
    )
    with CaptureQueriesContext(connection) as many:
        answer = client.get(path)
    assert len(many) == len(few) <= MOST_QUERIES
    assert answer.content.decode().count("<fieldset") == 1002

    everything = form_of(answer) | {f"access.library-{number}": "read" for number in range(1000)}
    with CaptureQueriesContext(connection) as saving:
        client.post(path, everything)
    assert len(access(key.key_id)) == 1002
    assert len(saving) <= 30


def test_a_key_is_renamed_unless_the_name_is_taken(cast: Cast) -> None:
    key = cast.key("CI")
    cast.key("Taken")
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    path = f"/acme/settings/api-keys/{key.key_id}"
    answer = client.post(f"{path}/rename", {"name": "Taken"})
    assert "This organization already has a key named Taken." in answer.content.decode()
    assert 'value="Taken"' in answer.content.decode()
    assert client.post(f"{path}/rename", {"name": " Site "}).headers["Location"] == path
    assert APIKey.objects.get(pk=key.key_id).name == "Site"


def test_the_status_says_whether_the_present_value_was_used(cast: Cast) -> None:
    key = cast.key()
    client = sign_in(cast.alice)
    path = f"/acme/settings/api-keys/{key.key_id}/status"
    assert client.get(path).json() == {"used": False, "client": ""}
    principal_for(key.secret).record_use()
    assert client.get(path).json() == {"used": True, "client": "curl/8.5"}


def test_the_list_says_what_each_key_reaches_and_when_it_was_used(cast: Cast) -> None:
    client = sign_in(cast.alice)
    assert "No API keys yet" in client.get("/acme/settings/api-keys").content.decode()
    used = cast.key("Used", barcelona="write", paris="read")
    principal_for(used.secret).record_use()
    cast.key("Unused")
    APIKey.objects.filter(name="Used").update(expires=timezone.now() + timedelta(days=6))
    APIKey.objects.filter(name="Unused").update(expires=timezone.now() - timedelta(days=1))
    make_key(cast.globex, "Foreign")
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/acme/settings/api-keys").content.decode()
    assert len(queries) <= 6
    unused, used_row = re.findall(r"<tr>\s*<td>.*?</tr>", page, re.DOTALL)
    for words in ("Write · 1", "Read · 1", "203.0.113.7 · curl/8.5", 'class="badge warn"', "operator", used.public_id):
        assert words in used_row
    for words in ("No access", "never", "Expired"):
        assert words in unused
    assert "Foreign" not in page
