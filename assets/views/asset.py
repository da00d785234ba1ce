"""An asset: its picture and its link, what is known of it, and what can be done with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from assets.contracts import (
    AssetRecord,
    GetAsset,
    HistoryRecord,
    PromoteVariant,
    RenameAsset,
    SetAssetApproval,
    UpdateAssetDescription,
)
from assets.forms import ApprovalForm, DescriptionForm, PromoteForm, RenameForm
from assets.operations.approvals import set_asset_approval
from assets.operations.assets import get_asset, rename_asset, update_asset_description
from assets.operations.history import MOST_EVENTS, list_history
from assets.operations.variants import promote_variant
from assets.pictures import picture
from assets.views.library import writing
from assets.views.place import Place, back, changing, for_readers
from assets.words import did
from raster.contracts import read_json
from raster.errors import BadUserInput, Conflict, VariantNotFound
from raster.pages import moment


@dataclass(frozen=True)
class Event:
    """A line of an asset's history."""

    record: HistoryRecord
    did: str
    at: datetime


@for_readers
def asset(request: HttpRequest, place: Place, asset: str) -> HttpResponse:
    """Show an asset: the picture, its link, and what is known of it."""
    return _page(request, place, asset)


@for_readers
def history(request: HttpRequest, place: Place, asset: str) -> HttpResponse:
    """Show what was done to an asset."""
    command = GetAsset(**place.ids, asset_id=asset)
    record = get_asset(place.principal, command)
    events = [Event(event, did(event), moment(event.at)) for event in list_history(place.principal, command)]
    context = {"asset": record, "events": events, "is_cut": len(events) == MOST_EVENTS}
    return render(request, "assets/history.html", {**place.page(), **context})


@changing
def rename(request: HttpRequest, place: Place, asset: str) -> HttpResponse:
    """Give an asset another name."""
    form = RenameForm(request.POST)
    if not form.is_valid():
        return _page(request, place, asset, rename_form=form)
    rename_asset(place.principal, read_json(RenameAsset, {**place.ids, "asset_id": asset, **form.cleaned_data}))
    messages.success(request, "It has its new name. Links to it stay as they are.")
    return back(request, place, asset)


@changing
def describe(request: HttpRequest, place: Place, asset: str) -> HttpResponse:
    """Put another description in place of an asset's present one."""
    form = DescriptionForm(request.POST)
    if not form.is_valid():
        return _page(request, place, asset, description_form=form)
    command = {**place.ids, "asset_id": asset, **form.cleaned_data}
    update_asset_description(place.principal, read_json(UpdateAssetDescription, command))
    messages.success(request, "The description was saved.")
    return back(request, place, asset)


@changing
def approve(request: HttpRequest, place: Place, asset: str) -> HttpResponse:
    """Judge an asset's file."""
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        return _page(request, place, asset, approval_form=form)
    command = {**place.ids, "asset_id": asset, **form.cleaned_data}
    set_asset_approval(place.principal, read_json(SetAssetApproval, command))
    messages.success(request, "Your judgement was saved.")
    return back(request, place, asset)


@changing
def promote(request: HttpRequest, place: Place, asset: str) -> HttpResponse:
    """Put a variant in the place of its original."""
    variant = PromoteForm(request.POST).data.get("variant", "")
    try:
        command = {**place.ids, "asset_id": asset, "variant_id": variant}
        promote_variant(place.principal, read_json(PromoteVariant, command))
    except (BadUserInput, Conflict, VariantNotFound) as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "The variant took the original's place; the former original is a variant now.")
    return back(request, place, asset)


def _page(request: HttpRequest, place: Place, asset: str, **bound: forms.Form) -> HttpResponse:
    """Show an asset's page, with forms as they were sent where something in them needs another look."""
    record = get_asset(place.principal, GetAsset(**place.ids, asset_id=asset))
    context = {
        **place.page(),
        "asset": record,
        "picture": picture(record),
        "variants": [picture(variant) for variant in record.variants],
        "created": moment(record.created),
        "updated": moment(record.updated),
        "approved": moment(record.approval.at) if record.approval else None,
        **(_forms(request, place, record) if place.may_write else {}),
        **bound,
    }
    return render(request, "assets/asset.html", context)


def _forms(request: HttpRequest, place: Place, record: AssetRecord) -> dict[str, Any]:
    return {
        **writing(request, place),
        "rename_form": RenameForm(initial={"name": record.name}),
        "description_form": DescriptionForm(initial={"description": record.description}),
        "approval_form": ApprovalForm(initial={"state": record.approval.state if record.approval else "in_review"}),
    }
