"""Asking a person whether an app may connect, and doing what they answer.

What a client asked for is kept as it was checked, in a row that only the session and the person who were shown it can
use, once: the form carries the row's id and the person's choices, and nothing else that a browser sends counts.
"""

import secrets as random
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.limits import Limit
from connections import resources, secrets
from connections.clients import note_use
from connections.contracts import (
    Allow,
    AskedAuthorization,
    Consent,
    DeviceStart,
    LibraryChoice,
    OrganizationChoice,
)
from connections.devices import allow_device, deny_device
from connections.emails import tell_of_connection
from connections.ending import record
from connections.models import (
    CONNECTION_LIFETIME,
    AuthorizationCode,
    AuthorizationRequest,
    Connection,
    ConnectionLibrary,
    ConnectionMembership,
    DeviceAuthorization,
)
from connections.redirects import matches_redirect_uri
from connections.return_address import is_private_use, place_of, with_answer
from connections.tokens import scope_of
from connections.trust import plain_text, shown_name, trust_in
from orgs.access import Level, UserPrincipal
from orgs.models import Library, Membership, Organization
from raster.errors import BadUserInput, LibraryNotAuthorized, OrganizationNotFound

REQUEST_LIFETIME = timedelta(minutes=10)
CODE_LIFETIME = timedelta(seconds=60)
#: Browsers ask before they open a program, and people take their time to answer.
PROGRAM_CODE_LIFETIME = timedelta(minutes=5)
ID_BYTES = 32
LONGEST_USER_AGENT = 120
REQUESTS_OF_USER = Limit("authorization requests", 200, 600)


class RequestUnknown(Exception):
    """There is no such request for this person in this session, or none that could still be asked."""


class RequestOver(Exception):
    """The request was answered, was open for too long, or its app changed meanwhile: it has to be shown again."""


def begin_authorization(principal: UserPrincipal, session_digest: str, asked: AskedAuthorization) -> str:
    """Keep what a client asks for, to be shown to this person in this session; return the request's id.

    Call it outside of a transaction that may be undone.

    Raises:
        RateLimited: the person was asked too often.
    """
    REQUESTS_OF_USER.hit(principal.user_id)
    request_id = random.token_urlsafe(ID_BYTES)
    AuthorizationRequest.objects.create(
        digest=secrets.digest(request_id),
        session_digest=session_digest,
        user=principal.user,
        client=asked.client,
        client_edition=asked.client.edition,
        device=asked.device,
        redirect_uri=asked.redirect_uri,
        state=asked.state or "",
        code_challenge=asked.code_challenge,
        asked_read=asked.scope.read,
        asked_write=asked.scope.write,
        asked_offline=asked.scope.offline,
        all_organizations=asked.scope.all_organizations,
        resource=asked.resource,
        expires=timezone.now() + REQUEST_LIFETIME,
    )
    note_use(asked.client)
    return request_id


def begin_again(principal: UserPrincipal, session_digest: str, request_id: str) -> str:
    """Ask once more what a request that is over asked; return the id of the new one.

    Raises:
        RequestUnknown: it is not this session's, or its app or device cannot ask for this any more.
    """
    row = _own(principal, session_digest, request_id).first()
    if row is None or not _can_still_ask(row):
        raise RequestUnknown
    asked = AskedAuthorization(
        client=row.client,
        redirect_uri=row.redirect_uri,
        state=row.state or None,
        code_challenge=row.code_challenge,
        scope=row.asked,
        resource=row.resource,
        device=row.device,
    )
    return begin_authorization(principal, session_digest, asked)


def answered_device(principal: UserPrincipal, session_digest: str, request_id: str) -> DeviceAuthorization | None:
    """Return the device that a request of this session is for, if a person answered it."""
    row = _own(principal, session_digest, request_id).first()
    device = row.device if row else None
    return device if device and device.state != DeviceAuthorization.State.PENDING else None


def shown(principal: UserPrincipal, session_digest: str, request_id: str, choices: Allow | None = None) -> Consent:
    """Return what the page of a request shows, with what the person chose there before.

    Raises:
        RequestUnknown: the request is not this session's.
        RequestOver: it has to be shown again.
    """
    row = _own(principal, session_digest, request_id).first()
    if row is None:
        raise RequestUnknown
    if row.spent or row.expires <= timezone.now() or not _is_as_shown(row):
        raise RequestOver
    trust = trust_in(row.client, row.redirect_uri)
    organizations = _organization_choices(principal, row, choices)
    named = resources.organization_of(row.resource)
    return Consent(
        request_id=request_id,
        client_id=row.client_id,
        app_name=shown_name(row.client),
        trust=trust,
        has_logo=trust.is_verified and not trust.warning and row.client.logo is not None,
        returns_to=place_of(row.redirect_uri) if row.redirect_uri else None,
        organizations=organizations,
        is_named=named is not None,
        offers_all=_offers_all(row) and all(organization.is_allowed for organization in organizations),
        all_is_chosen=choices is not None and choices.all_organizations,
        asked_write=row.asked_write,
        read_only=choices.read_only if choices else row.device is not None,
        may_refresh=row.client.may_refresh,
        device=_device_start(row.device) if row.device else None,
        refused_address=_refused_address(row),
        again=_again(row),
    )


def allow(principal: UserPrincipal, session_digest: str, command: Allow) -> str | None:
    """Make the connection that a person allows; return where to send them, None where a device waits for it.

    Everything is asked anew: nothing of what the page showed is taken for granted.

    Raises:
        RequestUnknown: the request is not this session's.
        RequestOver: it has to be shown again; then nothing was allowed.
        BadUserInput: no organization was chosen, or libraries of another one, or the device waits no longer.
        OrganizationNotFound: the organization is unknown, not the person's, not what was asked for, or forbids it.
        LibraryNotAuthorized: a library is out of the person's reach there.
    """
    with transaction.atomic():
        row = _spend(principal, session_digest, command.request_id)
        held = _hold_libraries(principal, command.libraries)  # before organizations, as everything that locks both
        memberships = _chosen_memberships(principal, row, command)
        _check_ticked(principal, row, memberships, command)
        libraries = _chosen_libraries(principal, memberships, command.libraries, held)
        connection = Connection.objects.create(
            user=principal.user,
            client=row.client,
            client_edition=row.client_edition,
            all_organizations=command.all_organizations,
            narrowed=bool(libraries),
            asked_read=row.asked_read,
            asked_write=row.asked_write,
            asked_offline=row.asked_offline,
            may_write=row.asked_write and not command.read_only,
            resource=row.resource,
            way=Connection.Way.DEVICE if row.device else Connection.Way.BROWSER,
            expires=timezone.now() + CONNECTION_LIFETIME,
        )
        if not command.all_organizations:
            _grant(connection, memberships)
        ConnectionLibrary.objects.bulk_create(
            [ConnectionLibrary(connection=connection, library=library) for library in libraries]
        )
        _record(principal, row, connection, memberships, libraries)
        _mail(principal, row, connection, memberships)
        if row.device is not None:
            allow_device(row.device, connection)
            return None
        return with_answer(row.redirect_uri, {"code": _code(row, connection), "state": row.state or None})


def refuse(principal: UserPrincipal, session_digest: str, request_id: str) -> str | None:
    """Refuse what a client asked for; return where to send the person, None where a device was told.

    Raises:
        RequestUnknown: the request is not this session's.
        RequestOver: it was answered before, or was open for too long.
        BadUserInput: the device waits no longer.
    """
    with transaction.atomic():
        row = _spend(principal, session_digest, request_id)
        if row.device is not None:
            deny_device(row.device, principal.user)
            return None
        return _refused_address(row)


def _own(principal: UserPrincipal, session_digest: str, request_id: str) -> QuerySet[AuthorizationRequest]:
    return AuthorizationRequest.objects.select_related("client", "device").filter(
        digest=secrets.digest(request_id), session_digest=session_digest, user=principal.user
    )


def _spend(principal: UserPrincipal, session_digest: str, request_id: str) -> AuthorizationRequest:
    """Use a request up: of parallel answers one gets here, and the others see that it is over."""
    own = _own(principal, session_digest, request_id)
    now = timezone.now()
    if not own.filter(spent=None, expires__gt=now).update(spent=now):
        raise RequestOver if own.exists() else RequestUnknown
    row = own.get()
    if not _is_as_shown(row):
        raise RequestOver
    return row


def _is_as_shown(row: AuthorizationRequest) -> bool:
    is_waiting = row.device is None or _is_waiting(row.device)
    return row.client.is_active and row.client.edition == row.client_edition and is_waiting


def _can_still_ask(row: AuthorizationRequest) -> bool:
    if row.device is not None:
        return row.client.is_active and _is_waiting(row.device)
    return row.client.is_active and matches_redirect_uri(row.client, row.redirect_uri)


def _is_waiting(device: DeviceAuthorization) -> bool:
    return device.state == DeviceAuthorization.State.PENDING and device.expires > timezone.now()


def _offers_all(row: AuthorizationRequest) -> bool:
    return row.all_organizations and resources.organization_of(row.resource) is None


def _eligible(principal: UserPrincipal, row: AuthorizationRequest) -> list[tuple[Membership, bool]]:
    """Return the person's memberships that the request may be about, each with whether it may be chosen.

    The same one query whichever organization the request names, so that nothing tells unknown ones from others.
    """
    own = Membership.objects.select_related("organization__app_policy").filter(user=principal.user)
    named = resources.organization_of(row.resource)
    eligible = [
        (membership, _allows(membership.organization, row))
        for membership in own.order_by("organization__name", "organization__slug")
    ]
    if named is None:
        return eligible
    return [
        (membership, True)
        for membership, is_allowed in eligible
        if is_allowed and membership.organization.slug == named
    ]


def _allows(organization: Organization, row: AuthorizationRequest) -> bool:
    policy = getattr(organization, "app_policy", None)
    return policy is None or (policy.allows_apps and (row.device is None or policy.allows_devices))


def _organization_choices(
    principal: UserPrincipal, row: AuthorizationRequest, choices: Allow | None
) -> list[OrganizationChoice]:
    eligible = _eligible(principal, row)
    allowed = [membership.organization_id for membership, is_allowed in eligible if is_allowed]
    reach: dict[int, list[LibraryChoice]] = {pk: [] for pk in allowed}
    slugs = {membership.organization_id: membership.organization.slug for membership, _ in eligible}
    only = eligible[0][0].organization.slug if len(eligible) == 1 else None
    chosen_organization = choices.organization_id if choices else only
    chosen = set(choices.libraries) if choices else set()
    for library in principal.libraries().filter(organization__in=allowed).order_by("name", "slug"):
        path = f"{slugs[library.organization_id]}/{library.slug}"
        can_write = row.asked_write and library.level == Level.WRITE
        choice = LibraryChoice(path, library.slug, library.name, can_write, is_chosen=path in chosen)
        reach[library.organization_id].append(choice)
    return [
        OrganizationChoice(
            slug=membership.organization.slug,
            name=membership.organization.name,
            role=Membership.Role(membership.role).label.lower(),
            is_allowed=is_allowed,
            is_chosen=is_allowed and membership.organization.slug == chosen_organization,
            libraries=reach.get(membership.organization_id, []),
        )
        for membership, is_allowed in eligible
    ]


def _chosen_memberships(principal: UserPrincipal, row: AuthorizationRequest, command: Allow) -> list[Membership]:
    """Return what the person chose, held so that they do not leave it and no admin forbids it meanwhile."""
    if not command.all_organizations and command.organization_id is None:
        raise BadUserInput("Choose an organization.")
    own = Organization.objects.filter(memberships__user=principal.user).order_by("pk")
    if not command.all_organizations:
        own = own.filter(slug=command.organization_id)
    held = set(own.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    chosen = [pair for pair in _eligible(principal, row) if pair[0].organization_id in held]
    if not chosen or not all(is_allowed for _, is_allowed in chosen):
        raise OrganizationNotFound
    if command.all_organizations and not _offers_all(row):
        raise OrganizationNotFound
    return [membership for membership, _ in chosen]


def _check_ticked(
    principal: UserPrincipal, row: AuthorizationRequest, memberships: list[Membership], command: Allow
) -> None:
    """Refuse libraries of an organization that was offered and not chosen: the person means one or the other."""
    chosen = {membership.organization_id for membership in memberships}
    ticked = {path.partition("/")[0] for path in command.libraries}
    offered = [membership.organization for membership, is_allowed in _eligible(principal, row) if is_allowed]
    others = [each.name for each in offered if each.slug in ticked and each.pk not in chosen]
    if others:
        names, own = " and ".join(others), " and ".join(membership.organization.name for membership in memberships)
        raise BadUserInput(
            f"You ticked libraries of {names}, but chose {own}: choose {others[0]}, or untick its libraries and choose "
            f"{own} again. Nothing was connected."
        )


def _hold_libraries(principal: UserPrincipal, paths: list[str]) -> list[int]:
    """Lock the libraries that were ticked, as far as the person reaches them."""
    if not paths:
        return []
    organizations, slugs = zip(*((path.partition("/")[0], path.partition("/")[2]) for path in paths), strict=True)
    reach = principal.libraries().filter(organization__slug__in=organizations, slug__in=slugs).order_by("pk")
    return list(reach.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def _chosen_libraries(
    principal: UserPrincipal, memberships: list[Membership], paths: list[str], held: list[int]
) -> list[Library]:
    """Return what was ticked, if the person reaches all of it still: their organizations are held by now."""
    organizations = {membership.organization_id: membership.organization.slug for membership in memberships}
    reach = principal.libraries().filter(organization__in=organizations, pk__in=held)
    found = {f"{organizations[library.organization_id]}/{library.slug}": library for library in reach}
    if not found.keys() >= set(paths):
        raise LibraryNotAuthorized
    return [found[path] for path in sorted(set(paths))]


def _grant(connection: Connection, memberships: list[Membership]) -> None:
    rows = [ConnectionMembership(connection=connection, membership=membership) for membership in memberships]
    ConnectionMembership.objects.bulk_create(rows)


def _record(
    principal: UserPrincipal,
    row: AuthorizationRequest,
    connection: Connection,
    memberships: list[Membership],
    libraries: list[Library],
) -> None:
    """Write down what was granted to whom: any number of apps may have one name, but none the id of another."""
    for membership in memberships:
        there = [library.slug for library in libraries if library.organization_id == membership.organization_id]
        record(
            principal,
            membership.organization_id,
            "connection.create",
            connection,
            client_id=row.client.client_id,
            trust=trust_in(row.client, row.redirect_uri).kind.value,
            access="write" if connection.may_write else "read",
            scope=scope_of(connection),
            resource=connection.resource or "any",
            all_organizations="yes" if connection.all_organizations else "no",
            libraries=", ".join(there) if connection.narrowed else "all",
            way=connection.way,
        )


def _mail(
    principal: UserPrincipal, row: AuthorizationRequest, connection: Connection, memberships: list[Membership]
) -> None:
    if settings.MAIL_CONFIGURED:
        names = [str(membership.organization) for membership in memberships]
        tell_of_connection(connection, row.redirect_uri, names, principal.origin)


def _code(row: AuthorizationRequest, connection: Connection) -> str:
    code = random.token_urlsafe(ID_BYTES)
    lifetime = PROGRAM_CODE_LIFETIME if is_private_use(row.redirect_uri) else CODE_LIFETIME
    AuthorizationCode.objects.create(
        digest=secrets.digest(code),
        connection=connection,
        redirect_uri=row.redirect_uri,
        code_challenge=row.code_challenge,
        expires=timezone.now() + lifetime,
    )
    return code


def _refused_address(row: AuthorizationRequest) -> str:
    """Return where a client is told that it was refused; empty for a device, which is told when it asks."""
    if not row.redirect_uri:
        return ""
    return with_answer(row.redirect_uri, {"error": "access_denied", "state": row.state or None})


def _again(row: AuthorizationRequest) -> str:
    """Return the path at which the same request begins anew, for another account."""
    if row.device is not None:
        return "/device"
    query = {
        "response_type": "code",
        "client_id": row.client.client_id,
        "redirect_uri": row.redirect_uri,
        "code_challenge": row.code_challenge,
        "code_challenge_method": "S256",
        "scope": row.asked.text,
        **({"state": row.state} if row.state else {}),
        **({"resource": _address_of(row.resource)} if row.resource else {}),
    }
    return f"{reverse('authorize')}?{urlencode(query)}"


def _address_of(resource: str) -> str:
    return str(settings.MCP_URL) if resource == resources.MCP else f"{settings.BASE_URL}/{resource}"


def _device_start(device: DeviceAuthorization) -> DeviceStart:
    user_agent = plain_text(device.user_agent, LONGEST_USER_AGENT)
    return DeviceStart(address=device.address, user_agent=user_agent, at=device.created)
