"""Organizations without an account: capped, claimed once by who may, and removed with their files when nobody does."""

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pydantic import ValidationError
from pytest_django import Settings

from accounts.limits import Limit
from accounts.models import User
from accounts.people import verify_address
from apikeys import unclaimed
from apikeys.contracts import Claimed, ClaimOrganization, FindClaim, StartedOrganization, StartOrganization
from apikeys.models import APIKey, Claim
from apikeys.unclaimed import (
    MOST_OF_AN_EMAIL,
    StarterPrincipal,
    claim_organization,
    find_claim,
    remove_unclaimed,
    start_organization,
)
from assets import storage
from assets.contracts import CreateLibrary, UploadSource
from assets.models import Asset
from assets.operations.libraries import create_library
from assets.operations.uploads import upload_source
from orgs.access import OrganizationRef, Origin, UserPrincipal
from orgs.contracts import LimitOrganization
from orgs.models import AuditEntry, Membership, Organization
from orgs.operations import limit_organization
from raster.contracts import read_json
from raster.errors import (
    BadUserInput,
    EndpointNotFound,
    EphemeralLibraryLimitExceeded,
    EphemeralStorageLimitExceeded,
    Forbidden,
    InvalidAPIKey,
    OrganizationNotFound,
    RateLimited,
)
from tests.apikeys.people import principal_for
from tests.assets import pictures
from tests.assets.people import at_once
from tests.factories import Cast, UserFactory
from tests.mails import delivered_mails

ERIN = "erin@example.com"

pytestmark = pytest.mark.usefixtures("own_storage")


def start(email: str = ERIN, address: str = "192.0.2.1", **more: str) -> StartedOrganization:
    return start_organization(Origin("mcp", address), StartOrganization.model_validate({"email": email, **more}))


def secret_of(started: StartedOrganization) -> str:
    return started.claim_url.rpartition("/")[2]


def someone(email: str = ERIN, *, verified: bool = True) -> UserPrincipal:
    user = User.objects.filter(email=email).first() or UserFactory(email=email)
    if verified:
        verify_address(user)
    return UserPrincipal(Origin("web"), user)


def claim(
    started: StartedOrganization, principal: UserPrincipal, *, regenerate: bool = True, somebody_else: bool = False
) -> Claimed:
    command = ClaimOrganization(secret=secret_of(started), regenerate=regenerate, is_somebody_else=somebody_else)
    return claim_organization(principal, command)


def upload(started: StartedOrganization) -> Asset:
    place = {"organizationId": started.organization_id, "libraryId": started.library_id}
    data = base64.b64encode(pictures.encoded("png", 40, 30)).decode()
    source = {"kind": "base64", "filename": "sea.png", "mimeType": "image/png", "data": data}
    command = read_json(UploadSource, {**place, "source": source})
    return Asset.objects.get(pk=upload_source(principal_for(started.api_key), command).assets[0].id)


def let_time_pass() -> None:
    Organization.objects.exclude(unclaimed_until=None).update(unclaimed_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    "email", ["", "erin", "erin@", "a b@example.com", "x" * 250 + "@example.com", "e\n@example.com"]
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(ValidationError):
        StartOrganization(email=email)


def test_where_it_is_not_allowed_nothing_is_started(db: None, settings: Settings) -> None:
    settings.ANONYMOUS = False
    with pytest.raises(EndpointNotFound):
        start()
    assert not Organization.objects.exists()


def test_a_starter_is_no_operator(cast: Cast) -> None:
    starter = StarterPrincipal(Origin("mcp"), OrganizationRef(cast.acme.pk, "acme", "Acme"))
    with pytest.raises(Forbidden):
        limit_organization(starter, LimitOrganization(organization_id="acme"))
    with pytest.raises(OrganizationNotFound):
        starter.organization("globex")
    assert {library.slug for library in starter.libraries()} == {"barcelona", "paris"}


def test_an_email_has_a_cap_of_its_own(db: None) -> None:
    for _ in range(MOST_OF_AN_EMAIL):
        start()
    with pytest.raises(BadUserInput):
        start(ERIN.upper(), "198.51.100.1")
    start("frank@example.com", "192.0.2.2")


def test_an_address_has_a_cap_a_day(db: None) -> None:
    for number in range(unclaimed.STARTS.most):
        start(f"{number}@example.com", "192.0.2.9")
    Claim.objects.all().delete()
    with pytest.raises(RateLimited):
        start("another@example.com", "192.0.2.9")


@pytest.mark.parametrize(
    ("limit", "address"),
    [
        (unclaimed.STARTS_OF_CUSTOMER, "2001:db8:0:00{}::1"),
        (unclaimed.STARTS_OF_NETWORK, "2001:db8:0:{}00::1"),
        (unclaimed.STARTS_OF_NETWORK, "192.0.2.{}"),
    ],
)
def test_a_network_has_a_cap_a_day(db: None, limit: Limit, address: str) -> None:
    for number in range(limit.most):
        start(f"{number}@example.com", address.format(number + 10))
    Claim.objects.all().delete()
    with pytest.raises(RateLimited) as refused:
        start("another@example.com", address.format(90))
    assert 0 < refused.value.retry_after <= limit.seconds
    start("another@example.com", "2001:db9::1")


def test_the_last_share_is_for_networks_that_have_few(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unclaimed, "MOST_OF_ALL", 10)
    for number in range(7):
        start(f"{number}@example.com", f"192.0.2.{number}")
    with pytest.raises(RateLimited):
        start("7@example.com", "192.0.2.7")
    for number in range(3):
        start("erin@example.com", f"198.51.{number}.1")
    with pytest.raises(RateLimited):
        start("frank@example.com", "203.0.113.1")


@pytest.mark.parametrize("cap", ["MOST_OF_ALL", "MOST_OF_A_NETWORK"])
def test_a_full_pot_says_when_it_has_room_again(db: None, monkeypatch: pytest.MonkeyPatch, cap: str) -> None:
    monkeypatch.setattr(unclaimed, cap, 2)
    monkeypatch.setattr(unclaimed, "SHARED", 1)
    first, _ = start("first@example.com"), start("second@example.com", "192.0.2.2")
    soon = timezone.now() + timedelta(minutes=7)
    Organization.objects.filter(slug=first.organization_id).update(unclaimed_until=soon)
    with pytest.raises(RateLimited) as refused:
        start("third@example.com", "192.0.2.3")
    assert 400 < refused.value.retry_after <= 420
    Organization.objects.filter(slug=first.organization_id).update(unclaimed_until=timezone.now())
    start("third@example.com", "192.0.2.3")


def test_what_is_never_used_expires_within_a_day_and_what_is_used_within_thirty(db: None) -> None:
    unused, used = start(), start()
    day, days = timedelta(days=1), timedelta(days=30)
    assert abs(unused.expires_at - (timezone.now() + day).timestamp() * 1000) < 60_000
    principal_for(used.api_key).record_use()
    until = {row.slug: row.unclaimed_until or timezone.now() for row in Organization.objects.all()}
    assert abs(until[unused.organization_id] - (timezone.now() + day)) < timedelta(minutes=1)
    assert abs(until[used.organization_id] - (timezone.now() + days)) < timedelta(minutes=1)
    later = timezone.now() - timedelta(hours=1)
    APIKey.objects.update(last_used=later)
    principal_for(used.api_key).record_use()
    assert Organization.objects.get(slug=used.organization_id).unclaimed_until == until[used.organization_id]


def test_a_claimed_organization_is_never_given_a_time_by_its_use(db: None) -> None:
    started = start()
    claim(started, someone(), regenerate=False)
    principal_for(started.api_key).record_use()
    assert Organization.objects.get().unclaimed_until is None


def test_an_email_address_gets_one_mail_a_day(db: None, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True
    sent = [
        start(email, f"198.51.{number}.1").email_sent
        for number, email in enumerate([ERIN, ERIN.upper(), "f@b.example"])
    ]
    assert sent == [True, False, True]
    assert sorted(message.to[0] for message in delivered_mails()) == [ERIN, "f@b.example"]


@pytest.mark.django_db(transaction=True)
def test_at_once_no_more_are_started_than_one_after_another() -> None:
    calls = [lambda address=f"192.0.2.{number}": start(address=address) for number in range(8)]
    made = [outcome for outcome in at_once(*calls) if isinstance(outcome, StartedOrganization)]
    assert len(made) == Claim.objects.count() == MOST_OF_AN_EMAIL


def test_it_holds_one_library_and_little(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    started = start(name="برشلونة")
    assert started.organization_id.startswith("organization-")
    principal = principal_for(started.api_key)
    with pytest.raises(EphemeralLibraryLimitExceeded):
        create_library(principal, CreateLibrary(organization_id=started.organization_id, name="Second"))
    Organization.objects.update(storage_limit=10)
    with pytest.raises(EphemeralStorageLimitExceeded):
        upload(started)


def test_the_mail_has_the_link_and_no_text_of_the_callers(db: None, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True
    started = start(name="Buy pills at evil.example")
    [message] = delivered_mails()
    assert started.email_sent and message.to == [ERIN]
    assert started.claim_url in message.body
    assert "pills" not in f"{message.subject}{message.body}"
    settings.MAIL_CONFIGURED = False
    assert not start().email_sent


@pytest.mark.parametrize("spoil", [lambda _: let_time_pass(), lambda started: claim(started, someone())])
def test_a_link_that_is_over_answers_as_one_that_never_was(
    db: None, spoil: Callable[[StartedOrganization], object]
) -> None:
    started = start()
    spoil(started)
    told = set()
    for secret in (secret_of(started), "rstc_nonsense", ""):
        for use in (
            lambda: find_claim(someone(), FindClaim(secret=secret)),  # noqa: B023 - called at once
            lambda: claim_organization(someone(), ClaimOrganization(secret=secret, regenerate=True)),  # noqa: B023
        ):
            with pytest.raises(EndpointNotFound) as raised:
                use()
            told.add(raised.value.message)
    assert len(told) == 1


@pytest.mark.parametrize("verified", [True, False])
def test_somebody_else_says_so_and_an_address_counts_once_it_is_verified(db: None, verified: bool) -> None:
    started = start()
    stranger = someone("frank@example.com") if verified else someone(verified=False)
    assert not find_claim(stranger, FindClaim(secret=secret_of(started))).is_theirs
    with pytest.raises(BadUserInput):
        claim(started, stranger)
    assert not Membership.objects.exists()
    assert claim(started, stranger, somebody_else=True).organization_id == started.organization_id


def test_whoever_claims_it_owns_an_organization_like_any_other(db: None) -> None:
    started = start(name="Erin's")
    shown = find_claim(someone(), FindClaim(secret=secret_of(started)))
    assert (shown.name, shown.key_created_from, shown.is_theirs) == ("Erin's", "192.0.2.1", True)
    claimed = claim(started, someone())
    assert claimed.key is not None
    with pytest.raises(InvalidAPIKey):
        principal_for(started.api_key)
    assert principal_for(claimed.key.secret).home.slug == started.organization_id
    row = Organization.objects.get()
    assert (row.unclaimed_until, row.storage_limit, row.library_limit) == (None, None, None)
    assert Membership.objects.get().role == Membership.Role.OWNER
    create_library(someone(), CreateLibrary(organization_id=row.slug, name="Second"))
    let_time_pass()
    assert remove_unclaimed() == {"unclaimed organizations": 0}
    assert AuditEntry.objects.filter(action="organization.claim").exists()


def test_a_key_that_is_kept_goes_on(db: None) -> None:
    started = start()
    assert claim(started, someone(), regenerate=False).key is None
    assert principal_for(started.api_key).home.slug == started.organization_id


@pytest.mark.django_db(transaction=True)
def test_of_two_who_claim_at_once_one_gets_it() -> None:
    started = start()
    people = [someone(), someone("frank@example.com")]
    outcomes = at_once(*[lambda one=one: claim(started, one, somebody_else=True) for one in people])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Claimed", "EndpointNotFound"]
    assert Membership.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_nobody_claimed_is_removed_with_its_files_and_nothing_else(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = start(), start()
    there, away = upload(kept), upload(gone)
    others = [upload(gone) for _ in range(2)]
    Asset.objects.filter(pk=others[0].pk).update(parent=away)
    monkeypatch.setattr(unclaimed, "CHUNK", 1)
    Organization.objects.filter(slug=gone.organization_id).update(unclaimed_until=timezone.now())
    assert remove_unclaimed() == {"unclaimed organizations": 1}
    assert not Organization.objects.filter(slug=gone.organization_id).exists()
    assert [storage.stat(asset.file) for asset in (away, *others)] == [None] * 3
    assert storage.stat(there.file) is not None
    assert set(Organization.objects.values_list("slug", flat=True)) == {"acme", "globex", kept.organization_id}
    assert Asset.objects.get().pk == there.pk
    with pytest.raises(InvalidAPIKey):
        principal_for(gone.api_key)
    assert APIKey.objects.count() == 1
    assert remove_unclaimed() == {"unclaimed organizations": 0}


@pytest.mark.django_db(transaction=True)
def test_a_claim_and_the_removal_at_once_end_one_way_or_the_other() -> None:
    for _ in range(5):
        started, person = start(), someone()
        upload(started)
        Organization.objects.filter(slug=started.organization_id).update(
            unclaimed_until=timezone.now() + timedelta(milliseconds=30)
        )
        at_once(lambda: claim(started, person), remove_unclaimed)  # noqa: B023 - called at once
        left = Organization.objects.filter(slug=started.organization_id).first()
        if left is not None:
            assert Membership.objects.filter(organization=left).exists() == (left.unclaimed_until is None)
        let_time_pass()
        remove_unclaimed()
        Organization.objects.all().delete()
