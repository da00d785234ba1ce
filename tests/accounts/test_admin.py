"""The Django admin: for staff alone, every model, no secret, and what has rules goes through its operation."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Session, User
from apikeys.contracts import RevealedKey
from apikeys.models import APIKey, Claim, KeyGrant
from assets.events import record_event
from assets.models import Installation, Leftover, UploadLink
from orgs.models import AuditEntry
from tests.apikeys.people import TOO_LONG_AGO, sign_in
from tests.factories import OPERATOR, PASSWORD, AssetFactory, Cast

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
READ_ONLY = {"orgs", "assets", "apikeys"}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def address(model: type[Model], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.fixture
def key(cast: Cast) -> RevealedKey:
    """A key of Acme, and a row of every other model."""
    record_event(OPERATOR, [AssetFactory(library=cast.barcelona, tagged=["sea"]).pk], "upload")
    for user in (cast.alice, cast.bob):
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    UploadLink.objects.create(
        digest=b"d" * 32, library=cast.barcelona, credential_class="user", credential_id=1, expires=timezone.now()
    )
    Installation.objects.create()
    Leftover.objects.create(name="originals/aa/a", size=1, found=timezone.now(), seen=timezone.now())
    Claim.objects.create(organization=cast.acme, digest=b"d" * 32, email="erin@example.com", address="192.0.2.1")
    return cast.key("Agent", barcelona="write", paris="read")


@pytest.fixture
def staff(key: RevealedKey) -> Client:
    """A signed-in superuser."""
    return sign_in(User.objects.create_superuser("root@example.com", PASSWORD))


@pytest.mark.parametrize("way", ["one", "selected"])
def test_deleting_a_key_needs_a_recent_sign_in(staff: Client, key: RevealedKey, way: str) -> None:
    late = sign_in(User.objects.get(email="root@example.com"), seconds_ago=TOO_LONG_AGO)
    where = address(APIKey, "delete", key.key_id) if way == "one" else address(APIKey, "changelist")
    form = {} if way == "one" else {"action": "delete_selected", "_selected_action": key.key_id}
    for data in (form, {**form, "post": "yes"}):
        assert late.post(where, data).headers["Location"].startswith(reverse("account_reauthenticate"))
    assert APIKey.objects.filter(pk=key.key_id).exists()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_nobody_but_staff_sees_the_admin(client: Client, cast: Cast, model: type[Model]) -> None:
    stranger = client.get(address(model, "changelist"), follow=True)
    assert stranger.request["PATH_INFO"] == reverse("account_login")
    client.force_login(cast.alice, "allauth.account.auth_backends.AuthenticationBackend")
    refused = client.get(address(model, "changelist"), follow=True)
    assert refused.status_code == 403


def test_staff_without_a_permission_do_not_act_on_keys(client: Client, cast: Cast, key: RevealedKey) -> None:
    User.objects.filter(pk=cast.bob.pk).update(is_staff=True)
    cast.bob.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    client.force_login(cast.bob, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(address(APIKey, "changelist")).status_code == 200
    for action in ("narrow_to_none", "delete_selected"):
        client.post(address(APIKey, "changelist"), {"action": action, "_selected_action": key.key_id, "post": "yes"})
    assert client.post(address(APIKey, "delete", key.key_id), {"post": "yes"}).status_code == 403
    assert KeyGrant.objects.filter(key=key.key_id).count() == 2


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_model_can_be_listed_searched_and_looked_at_without_a_secret(
    staff: Client, key: RevealedKey, model: type[Model]
) -> None:
    row = model._default_manager.first()
    pages = [staff.get(address(model, "changelist")), staff.get(address(model, "changelist"), {"q": "a"})]
    if row is not None:
        pages += [staff.get(address(model, page, row.pk)) for page in ("change", "history")]
    stored = APIKey.objects.get()
    secrets = [
        key.secret,
        key.secret[16:48],
        bytes(stored.digest).hex(),
        repr(bytes(stored.digest)),
        *User.objects.exclude(password="!").values_list("password", flat=True),
        *(user.password.rpartition("$")[2] for user in User.objects.exclude(password="!")),
        *Session.objects.values_list("session_key", flat=True),
        staff.cookies["raster_session"].value,
        "argon2",
    ]
    for page in pages:
        assert page.status_code == 200
        assert [secret for secret in secrets if secret in page.content.decode()] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_one(
    staff: Client, cast: Cast, model: type[Model], django_assert_max_num_queries: Any
) -> None:
    for name in "abcdefghij":
        cast.key(name, barcelona="read", paris="write")
    AssetFactory.create_batch(10, library=cast.paris, tagged=["one", "two"])
    with django_assert_max_num_queries(9):
        staff.get(address(model, "changelist"))


@pytest.mark.parametrize(
    "model", [model for model in MODELS if model._meta.app_label in READ_ONLY], ids=lambda model: model._meta.label
)
def test_what_has_rules_is_neither_added_nor_changed_by_hand(staff: Client, model: type[Model]) -> None:
    row = model._default_manager.first()
    assert row is not None
    before = list(model._default_manager.values())
    assert staff.get(address(model, "add")).status_code == 403
    assert staff.post(address(model, "change", row.pk), {"name": "Changed"}).status_code == 403
    if model is not APIKey:
        assert staff.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        staff.post(
            address(model, "changelist"), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
        )
    assert list(model._default_manager.values()) == before


def test_sessions_are_not_in_the_admin() -> None:
    assert Session not in MODELS


def test_staff_take_a_keys_access_away(staff: Client, key: RevealedKey) -> None:
    staff.post(address(APIKey, "changelist"), {"action": "narrow_to_none", "_selected_action": key.key_id})
    assert not KeyGrant.objects.exists()
    entry = AuditEntry.objects.get(action="api_key.scope")
    assert (entry.actor, entry.face) == ("staff root@example.com", "admin")
    assert entry.after == {"access": {"barcelona": "none", "paris": "none"}}


@pytest.mark.parametrize("way", ["one", "selected"])
def test_staff_delete_a_key_after_a_confirmation(staff: Client, key: RevealedKey, way: str) -> None:
    where = address(APIKey, "delete", key.key_id) if way == "one" else address(APIKey, "changelist")
    form = {} if way == "one" else {"action": "delete_selected", "_selected_action": key.key_id}
    asked = staff.get(where) if way == "one" else staff.post(where, form)
    assert b"Are you sure" in asked.content
    assert APIKey.objects.exists()
    staff.post(where, {**form, "post": "yes"})
    assert not APIKey.objects.exists()
    entry = AuditEntry.objects.get(action="api_key.delete")
    assert (entry.actor, entry.before) == (
        "staff root@example.com",
        {"access": {"barcelona": "write", "paris": "read"}},
    )


def test_staff_make_a_user_who_can_sign_in_and_cannot_delete_one(staff: Client, cast: Cast) -> None:
    form = {"email": "Eve@example.com", "name": "Eve", "usable_password": "true", "password1": PASSWORD}
    staff.post(address(User, "add"), {**form, "password2": PASSWORD})
    eve = User.objects.get(email="eve@example.com")
    assert eve.check_password(PASSWORD)
    staff.post(address(User, "change", eve.pk), {"email": "other@example.com", "name": "Eve E.", "is_active": "on"})
    eve.refresh_from_db()
    assert (eve.email, eve.name) == ("eve@example.com", "Eve E.")
    assert EmailAddress.objects.get(user=eve).verified
    assert staff.post(address(User, "delete", eve.pk), {"post": "yes"}).status_code == 403


def test_staff_set_a_password_without_seeing_the_old_one(staff: Client, cast: Cast) -> None:
    where = reverse("admin:auth_user_password_change", args=[cast.carol.pk])
    assert b"$" not in staff.get(where).content
    staff.post(where, {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"})
    cast.carol.refresh_from_db()
    assert cast.carol.check_password(PASSWORD)


def test_staff_who_are_no_superusers_cannot_give_themselves_rights_or_touch_superusers(
    client: Client, cast: Cast
) -> None:
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    User.objects.filter(pk=cast.bob.pk).update(is_staff=True)
    cast.bob.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    client.force_login(cast.bob, "allauth.account.auth_backends.AuthenticationBackend")
    client.post(
        address(User, "change", cast.bob.pk), {"email": cast.bob.email, "is_active": "on", "is_superuser": "on"}
    )
    cast.bob.refresh_from_db()
    assert (cast.bob.is_superuser, cast.bob.is_active) == (False, True)
    assert client.post(address(User, "change", root.pk), {"email": "mine@example.com"}).status_code == 403
    assert client.get(reverse("admin:auth_user_password_change", args=[root.pk])).status_code == 403


def test_the_admin_gives_no_address_and_no_group_to_anybody() -> None:
    """Either would let staff become a superuser: by a reset mailed to the address, or by the group's rights."""
    assert not admin.site.is_registered(EmailAddress)
    assert not admin.site.is_registered(Group)
