"""Who sees the pages of an organization's keys."""

import pytest
from django.test import Client

from orgs.models import Membership
from tests.apikeys.people import sign_in
from tests.factories import Cast, make_key

pytestmark = pytest.mark.usefixtures("static_files")

PAGES = ["", "/new", "/{key}", "/{key}/rename", "/{key}/regenerate", "/{key}/delete", "/{key}/status"]
FORMS = [page for page in PAGES if page not in {"", "/{key}/status"}]
every_page = pytest.mark.parametrize("page", PAGES)


def address(page: str, key: int, organization: str = "acme") -> str:
    return f"/{organization}/settings/api-keys{page.format(key=key)}"


@every_page
@pytest.mark.parametrize(("name", "status"), [("bob", 403), ("carol", 403), ("dave", 404)])
def test_members_are_refused_and_others_learn_nothing(cast: Cast, page: str, name: str, status: int) -> None:
    client = sign_in(getattr(cast, name))
    key = cast.key("Campaign agent")
    answers = [client.get(address(page, key.key_id))]
    if page in FORMS:
        answers.append(client.post(address(page, key.key_id), {"name": key.name, "was": ""}))
    for answer in answers:
        assert answer.status_code == status
        assert "Campaign agent" not in answer.content.decode()
    assert client.get(address(page, key.key_id, "nowhere")).status_code == 404


@every_page
def test_whoever_is_signed_out_signs_in_first(cast: Cast, page: str) -> None:
    path = address(page, cast.key().key_id)
    assert Client().get(path).headers["Location"] == f"/login?next={path}"


@pytest.mark.parametrize("page", [page for page in PAGES if "{key}" in page])
def test_a_key_of_another_organization_is_not_found(cast: Cast, page: str) -> None:
    foreign = make_key(cast.globex, "Foreign")
    client = sign_in(cast.alice)
    for key in (foreign.key_id, 999_999):
        assert client.get(address(page, key)).status_code == 404
        if page in FORMS:
            assert client.post(address(page, key), {"name": "Foreign", "was": ""}).status_code == 404


@every_page
def test_an_admin_sees_every_page_and_a_head_request_makes_nothing(cast: Cast, page: str) -> None:
    Membership.objects.filter(user=cast.bob).update(role="admin")
    client, key = sign_in(cast.bob), cast.key()
    assert client.get(address(page, key.key_id)).status_code == 200
    assert client.head(address(page, key.key_id)).status_code == 200
    assert client.put(address(page, key.key_id)).status_code == 405
