"""Every way in which a credential with write on Barcelona loses it, for tests that revoke one under way."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from apikeys.contracts import DeleteKey, RegenerateKey, ScopeKey
from apikeys.models import APIKey
from apikeys.operations import delete_key, regenerate_key, scope_key
from connections.ending import end_connection
from connections.models import AccessToken, Client, Connection
from orgs.contracts import RemoveMember
from orgs.models import LibraryMembership
from orgs.operations import remove_member
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import OPERATOR, Cast


@dataclass(frozen=True)
class Revocation:
    """A credential, how it is revoked, and the code and status that its next use gets."""

    credential: Callable[[Cast], str]
    revoke: Callable[[Cast], object]
    code: str
    status: int


def _key(cast: Cast) -> str:
    return cast.key(barcelona="write").secret


def _token(cast: Cast) -> str:
    """Return a token of bob's, through an app that he let write."""
    return tokens_of(connect(cast.bob, make_client(), cast.acme)).access


def _regenerate(_: Cast) -> None:
    regenerate_key(OPERATOR, RegenerateKey(organization_id="acme", key_id=APIKey.objects.get(name="Agent").pk))


def _delete(_: Cast) -> None:
    delete_key(OPERATOR, DeleteKey(organization_id="acme", key_id=APIKey.objects.get(name="Agent").pk))


def _scope(access: str) -> None:
    key_id = APIKey.objects.get(name="Agent").pk
    scope = {"organizationId": "acme", "keyId": key_id, "access": {"barcelona": access}}
    scope_key(OPERATOR, ScopeKey.model_validate(scope))


def _demote(_: Cast) -> None:
    LibraryMembership.objects.filter(membership__user__email="bob@example.com").update(role="viewer")


def _remove(cast: Cast) -> None:
    remove_member(OPERATOR, RemoveMember(organization_id="acme", user_id=cast.bob.pk))


def _deactivate(cast: Cast) -> None:
    User.objects.filter(pk=cast.bob.pk).update(is_active=False)


INVALID = ("INVALID_API_KEY", 401)
UNAUTHENTICATED = ("UNAUTHENTICATED", 401)
NO_LIBRARY = ("API_KEY_NOT_AUTHORIZED_FOR_LIBRARY", 404)
READ_ONLY = ("API_KEY_READ_ONLY", 403)
REVOCATIONS = {
    "key regenerated": Revocation(_key, _regenerate, *INVALID),
    "key deleted": Revocation(_key, _delete, *INVALID),
    "key expired": Revocation(_key, lambda _: APIKey.objects.update(expires=timezone.now()), *INVALID),
    "key restricted to read": Revocation(_key, lambda _: _scope("read"), *READ_ONLY),
    "key restricted to nothing": Revocation(_key, lambda _: _scope("none"), *NO_LIBRARY),
    "connection ended": Revocation(
        _token, lambda _: end_connection(None, Connection.objects.get(), "disconnected by its person"), *UNAUTHENTICATED
    ),
    "token revoked": Revocation(_token, lambda _: AccessToken.objects.all().delete(), *UNAUTHENTICATED),
    "connection expired": Revocation(
        _token, lambda _: Connection.objects.update(expires=timezone.now()), *UNAUTHENTICATED
    ),
    "connection restricted to other libraries": Revocation(
        _token, lambda _: Connection.objects.update(narrowed=True), *NO_LIBRARY
    ),
    "app refused": Revocation(_token, lambda _: Client.objects.update(is_active=False), *UNAUTHENTICATED),
    "person demoted": Revocation(_token, _demote, *READ_ONLY),
    "person removed": Revocation(_token, _remove, *UNAUTHENTICATED),
    "person deactivated": Revocation(_token, _deactivate, *UNAUTHENTICATED),
}
