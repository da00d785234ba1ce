"""What cannot be taken back easily asks who is there once more."""

import pytest

from orgs.models import Membership
from tests.apikeys.people import TOO_LONG_AGO, sign_in
from tests.factories import PASSWORD, Cast, give_password

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def test_a_form_that_comes_too_late_changes_nothing_and_is_shown_again(cast: Cast) -> None:
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    path = f"/acme/settings/members/{cast.bob.pk}/remove"
    answer = client.post(path)
    assert answer.headers["Location"] == f"/reauthenticate?next={path.replace('/', '%2F')}"
    assert Membership.objects.filter(user=cast.bob).exists()


def test_a_wrong_password_does_not_confirm(cast: Cast) -> None:
    give_password(cast.alice)
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    path = f"/acme/settings/members/{cast.bob.pk}"
    assert client.post("/reauthenticate", {"password": "wrong", "next": path}).status_code == 200
    assert client.get(path).status_code == 302


def test_the_right_password_leads_to_the_form_and_not_past_it(cast: Cast) -> None:
    give_password(cast.alice)
    client = sign_in(cast.alice, seconds_ago=TOO_LONG_AGO)
    path = f"/acme/settings/members/{cast.bob.pk}/remove"
    client.post(path)
    confirmed = client.post("/reauthenticate", {"password": PASSWORD, "next": path})
    assert confirmed.headers["Location"] == path
    page = client.get(path).content.decode()
    assert "Nothing was changed yet" in page
    assert Membership.objects.filter(user=cast.bob).exists()
    client.post(path)
    assert not Membership.objects.filter(user=cast.bob).exists()


def test_whoever_signed_in_just_now_is_not_asked(cast: Cast) -> None:
    client = sign_in(cast.alice)
    assert client.get(f"/acme/settings/members/{cast.bob.pk}").status_code == 200
