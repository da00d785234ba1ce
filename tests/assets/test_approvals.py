"""People judge files; the judgement replaces the one before, and whoever uploaded the file is told."""

import pytest
from django.utils import timezone
from pydantic import ValidationError
from pytest_django import Settings

from accounts.models import User
from assets.contracts import ApprovalRecord, Approved, GetAsset, SetAssetApproval
from assets.emails import MAILS
from assets.models import Asset, AssetEvent
from assets.operations.approvals import set_asset_approval
from assets.operations.assets import get_asset
from orgs.models import AuditEntry, LibraryMembership, Membership
from raster.errors import (
    ApprovalRequiresUser,
    LibraryNotAuthorized,
    LibraryReadOnly,
    OrganizationNotFound,
    RasterError,
    ResourceNotFound,
)
from tests.assets.people import key_principal, person
from tests.factories import OPERATOR, AssetFactory, Cast
from tests.mails import delivered_mails


def command(asset: Asset | str, state: str = "approved", **more: str) -> SetAssetApproval:
    asset_id = asset if isinstance(asset, str) else asset.pk
    place = {"organizationId": "acme", "libraryId": "barcelona"}
    return SetAssetApproval.model_validate({**place, "assetId": asset_id, "state": state, **more})


def approve(cast: Cast, asset: Asset, state: str = "approved", note: str = "", by: str = "bob") -> Approved:
    return set_asset_approval(person(cast, by), command(asset, state, note=note))


def approval_of(cast: Cast, asset: Asset) -> ApprovalRecord | None:
    one = GetAsset(organization_id="acme", library_id="barcelona", asset_id=asset.pk)
    return get_asset(person(cast, "carol"), one).approval


def from_(cast: Cast, uploader: User | None) -> Asset:
    asset: Asset = AssetFactory(library=cast.barcelona, uploaded_by=uploader, name="Sea")
    return asset


@pytest.fixture
def mailing(settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True


@pytest.mark.parametrize(
    ("by", "place", "refusal"),
    [
        ("dave", {}, OrganizationNotFound),
        ("bob", {"organizationId": "nobody"}, OrganizationNotFound),
        ("bob", {"libraryId": "paris"}, LibraryNotAuthorized),
        ("bob", {"libraryId": "unknown"}, LibraryNotAuthorized),
        ("carol", {}, LibraryReadOnly),
    ],
)
def test_who_may_not_write_judges_nothing(
    cast: Cast, by: str, place: dict[str, str], refusal: type[RasterError]
) -> None:
    asset = from_(cast, cast.alice)
    with pytest.raises(refusal):
        set_asset_approval(person(cast, by), command(asset, **place))
    assert approval_of(cast, asset) is None


@pytest.mark.parametrize(
    ("access", "refusal"),
    [
        ({"barcelona": "write"}, ApprovalRequiresUser),
        ({"barcelona": "read"}, ApprovalRequiresUser),  # the kind of credential comes before the level
        ({"paris": "write"}, LibraryNotAuthorized),  # and after what is out of reach
    ],
)
def test_a_key_is_told_that_people_judge(cast: Cast, access: dict[str, str], refusal: type[RasterError]) -> None:
    asset = from_(cast, cast.alice)
    caller = key_principal(cast, **access)
    for asset_id in (asset.pk, "a" * 22):
        with pytest.raises(refusal):
            set_asset_approval(caller, command(asset_id))
    with pytest.raises(ApprovalRequiresUser):
        set_asset_approval(OPERATOR, command(asset))
    assert approval_of(cast, asset) is None


def test_an_asset_that_is_missing_trashed_or_elsewhere_is_not_judged(cast: Cast) -> None:
    trashed = AssetFactory(library=cast.barcelona, trashed=timezone.now())
    for asset in (trashed, AssetFactory(library=cast.paris), AssetFactory(library=cast.secret), Asset(pk="a" * 22)):
        with pytest.raises(ResourceNotFound):
            approve(cast, asset)


@pytest.mark.parametrize("fields", [{"state": "rejected"}, {"state": ""}, {"note": "x" * 501}, {"note": "nul\x00"}])
def test_states_are_three_and_a_note_has_up_to_500_characters(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        command("a", **fields)
    command("a", note="x" * 500)


def test_a_judgement_replaces_the_one_before(cast: Cast) -> None:
    asset = from_(cast, cast.alice)
    first = approve(cast, asset, "needs_changes", "Brighter")
    assert first.asset_id == asset.pk
    assert first.approval == approval_of(cast, asset)
    second = approve(cast, asset, "approved", by="alice").approval
    assert second == approval_of(cast, asset)
    assert (second.state, second.note, second.by.name) == ("approved", "", "Alice")
    assert second.at >= first.approval.at


def test_the_same_judgement_again_changes_nothing_and_another_persons_does(cast: Cast, mailing: None) -> None:
    asset = from_(cast, cast.alice)
    once = approve(cast, asset, note="Fine")
    assert approve(cast, asset, note="Fine") == once
    assert len(delivered_mails()) == AssetEvent.objects.count() == 1
    assert approve(cast, asset, note="Fine", by="alice").approval.by.name == "Alice"


def test_a_variant_has_an_approval_of_its_own(cast: Cast) -> None:
    original = from_(cast, cast.alice)
    variant = AssetFactory(library=cast.barcelona, parent=original)
    approve(cast, variant, "needs_changes")
    one = GetAsset(organization_id="acme", library_id="barcelona", asset_id=original.pk)
    shown = get_asset(person(cast, "carol"), one)
    assert shown.approval is None
    assert shown.variants[0].approval is not None


def test_a_judgement_is_recorded(cast: Cast) -> None:
    asset = from_(cast, cast.alice)
    approve(cast, asset, "in_review")
    approve(cast, asset, "needs_changes", "Brighter")
    entry = AuditEntry.objects.filter(action="asset.approve").latest("pk")
    assert entry.before == {"state": "in_review", "note": ""}
    assert entry.after == {"state": "needs_changes", "note": "Brighter"}
    assert entry.target == f"Sea ({asset.pk})"


@pytest.mark.parametrize(("state", "subject"), [("approved", "Approved: Sea"), ("needs_changes", "Needs changes: Sea")])
def test_the_uploader_is_told_by_mail_once_it_is_written(
    cast: Cast,
    mailing: None,
    state: str,
    subject: str,
) -> None:
    asset = from_(cast, cast.alice)
    approve(cast, asset, state, "Look at <this> & that\nTwice")
    [message] = delivered_mails()
    assert (message.to, message.subject) == (["alice@example.com"], subject)
    assert f"/acme/barcelona/{asset.pk}" in message.body
    assert "Bob wrote:\n\nLook at <this> & that\nTwice\n" in message.body
    assert "bob@example.com" not in message.body


def test_who_goes_on_changing_a_note_fills_no_mailbox(cast: Cast, mailing: None) -> None:
    asset = from_(cast, cast.alice)
    for number in range(MAILS.most + 2):
        approve(cast, asset, "needs_changes", f"Note {number}")
    assert len(delivered_mails()) == MAILS.most


def _nobody(cast: Cast) -> User | None:
    return None


def _the_judge(cast: Cast) -> User | None:
    return cast.bob


def _somebody_who_left(cast: Cast) -> User | None:
    Membership.objects.filter(user=cast.carol).delete()
    return cast.carol


def _somebody_out_of_reach(cast: Cast) -> User | None:
    LibraryMembership.objects.filter(membership__user=cast.carol).delete()
    return cast.carol


def _somebody_of_another_organization(cast: Cast) -> User | None:
    return cast.dave


def _somebody_inactive(cast: Cast) -> User | None:
    cast.alice.is_active = False
    cast.alice.save()
    return cast.alice


@pytest.mark.parametrize(
    "uploader",
    [
        _nobody,
        _the_judge,
        _somebody_who_left,
        _somebody_out_of_reach,
        _somebody_of_another_organization,
        _somebody_inactive,
    ],
)
def test_nobody_else_is_told(cast: Cast, mailing: None, uploader: object) -> None:
    assert callable(uploader)
    asset = from_(cast, uploader(cast))
    approve(cast, asset)
    assert delivered_mails() == []


def test_nobody_is_told_of_a_review_or_without_mail(cast: Cast, settings: Settings) -> None:
    asset = from_(cast, cast.alice)
    settings.MAIL_CONFIGURED = True
    approve(cast, asset, "in_review")
    settings.MAIL_CONFIGURED = False
    approve(cast, asset)
    assert delivered_mails() == []


def test_a_judgement_outlives_the_account_of_whoever_made_it(cast: Cast) -> None:
    asset = from_(cast, cast.alice)
    approve(cast, asset)
    cast.bob.delete()
    approval = approval_of(cast, asset)
    assert approval is not None
    assert approval.by.name == "Bob"
