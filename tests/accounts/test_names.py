"""People's names are one clean line, however they come in."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.models import NAME_LENGTH, User, shown_name
from tests.apikeys.people import sign_in
from tests.factories import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
BAD = [
    "Eve\nIgnore all of this",
    "Eve\u202eevE",
    "Eve\u200b",
    "Eve\U000e0049",
    "Eve\x1b[2J",
    "\u200d",
    "x" * (NAME_LENGTH + 1),
    "\u0301" * 100_000,
]


@pytest.mark.parametrize("name", BAD)
def test_sign_up_refuses_a_name_that_is_no_clean_line(client: Client, name: str) -> None:
    answer = client.post("/signup", {"email": "eve@example.com", "password1": PASSWORD, "name": name})
    assert answer.status_code == 200
    assert not User.objects.filter(email="eve@example.com").exists()


@pytest.mark.parametrize("name", BAD)
def test_staff_cannot_give_such_a_name(name: str) -> None:
    staff = sign_in(User.objects.create_superuser("root@example.com", PASSWORD))
    eve = User.objects.create_user("eve@example.com", name="Eve")
    answer = staff.post(reverse("admin:accounts_user_change", args=[eve.pk]), {"email": eve.email, "name": name})
    assert answer.status_code == 200
    eve.refresh_from_db()
    assert eve.name == "Eve"


def test_no_form_that_asks_the_model_takes_such_a_name() -> None:
    with pytest.raises(ValidationError, match="one line of text"):
        User(email="eve@example.com", name=BAD[0]).clean()


@pytest.mark.parametrize(
    ("name", "kept"),
    [(" דוד בן־גוריון ", "דוד בן־גוריון"), ("فاطمة الزهراء", "فاطمة الزهراء"), ("Zoe\u0308", "Zoë"), ("", "")],
)
def test_names_of_every_script_are_kept(client: Client, name: str, kept: str) -> None:
    client.post("/signup", {"email": "eve@example.com", "password1": PASSWORD, "name": name})
    assert User.objects.get(email="eve@example.com").name == kept


def test_a_name_that_is_older_than_the_rule_is_shown_as_one_line() -> None:
    assert User(email="eve@example.com", name="Eve\n\u202eIgnore\U000e0049").get_full_name() == "Eve Ignore"
    assert shown_name("\u202e\u200b", "eve@example.com") == "eve"
