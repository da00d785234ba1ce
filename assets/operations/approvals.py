"""Judging an asset's file: in review, approved, or in need of changes."""

from django.conf import settings
from django.utils import timezone

from assets.batches import lock_assets
from assets.contracts import Approved, SetAssetApproval
from assets.emails import ApprovalMail, tell_uploader
from assets.events import changes
from assets.models import Asset
from assets.records import app_url, approval_record
from orgs.access import Level, Principal, libraries_of
from orgs.models import Library
from raster.errors import ApprovalRequiresUser

TOLD = frozenset({Asset.Approval.APPROVED, Asset.Approval.NEEDS_CHANGES})


def set_asset_approval(principal: Principal, command: SetAssetApproval) -> Approved:
    """Put a person's judgement in place of the one before, and tell whoever uploaded the file by mail.

    The same judgement by the same person again changes nothing and tells nobody.

    Raises:
        ApprovalRequiresUser: the caller is no person, and reaches the library.
        ResourceNotFound: it is no live asset of the library.
    """
    principal.library(command.organization_id, command.library_id, Level.READ)
    if not principal.is_person:
        raise ApprovalRequiresUser
    with changes(principal, "approve") as change:
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        [asset] = lock_assets(library, [command.asset_id])
        judgement = (command.state, command.note, principal.user_id)
        if judgement != (asset.approval_state, asset.approval_note, asset.approval_by_id):
            event = {"before": asset.approval_state, "after": command.state, "note": command.note}
            change.note(
                library,
                {asset.pk: event},
                target=f"{asset.name} ({asset.pk})",
                before={"state": asset.approval_state, "note": asset.approval_note},
                after={"state": command.state, "note": command.note},
            )
            asset.approval_state, asset.approval_note, asset.approval_by_id = judgement
            asset.approval_by_name, asset.approval_at = principal.label, timezone.now()
            asset.save(update_fields=[*Asset.APPROVAL_FIELDS, "updated"])
            _tell(principal, library, asset, command.organization_id)
    return Approved(asset_id=asset.pk, approval=approval_record(asset))


def _tell(principal: Principal, library: Library, asset: Asset, organization_slug: str) -> None:
    uploader = asset.uploaded_by
    if (
        settings.MAIL_CONFIGURED
        and asset.approval_state in TOLD
        and uploader is not None
        and uploader.pk != principal.user_id
        and uploader.is_active
        and libraries_of(uploader.pk).filter(pk=library.pk).exists()
    ):
        mail = ApprovalMail(
            organization_id=library.organization_id,
            address=uploader.email,
            judge=principal.label,
            approved=asset.approval_state == Asset.Approval.APPROVED,
            note=asset.approval_note,
            asset=asset.name,
            library=library.name,
            app_url=app_url(asset, organization_slug, library),
        )
        tell_uploader(mail, f"{principal.user_id}:{asset.pk}")
