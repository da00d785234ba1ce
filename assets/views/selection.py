"""What is done to selected assets of a library, or to one from its own page."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from assets.contracts import (
    MOST_ASSETS,
    TRASH_DAYS,
    DeleteAssets,
    RestoreAssets,
    TagAssets,
    TransferAssets,
    UntagAssets,
)
from assets.forms import MoveForm, TagsForm
from assets.operations.tags import tag_assets, untag_assets
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, restore_assets
from assets.views.place import Place, back, changing
from assets.words import counted
from raster.contracts import read_json
from raster.errors import BadUserInput, ResourceNotFound

#: Does it to the assets with these ids, with what the form asked for, and returns what came of it in words.
Act = Callable[[list[str], dict[str, Any]], str]


@changing
def tag(request: HttpRequest, place: Place, asset: str = "") -> HttpResponse:
    """Put tags on assets."""

    def act(ids: list[str], asked: dict[str, Any]) -> str:
        command = read_json(TagAssets, {**place.ids, "asset_ids": ids, **asked})
        if not tag_assets(place.principal, command).tagged_count:
            return f"Nothing changed: {_these(ids)} had {_named(asked['tags'])} already."
        return f"{_were(ids)} tagged."

    _do(request, _chosen(request, asset), TagsForm(request.POST), act)
    return back(request, place, asset)


@changing
def untag(request: HttpRequest, place: Place, asset: str = "") -> HttpResponse:
    """Take tags off assets."""

    def act(ids: list[str], asked: dict[str, Any]) -> str:
        command = read_json(UntagAssets, {**place.ids, "asset_ids": ids, **asked})
        gone = untag_assets(place.principal, command).untagged_count
        if not gone:
            return f"Nothing changed: {_these(ids)} did not have {_named(asked['tags'])}."
        return f"{counted(gone, 'tag')} {'was' if gone == 1 else 'were'} removed from {counted(ids, 'asset')}."

    _do(request, _chosen(request, asset), TagsForm(request.POST), act)
    return back(request, place, asset)


@changing
def move(request: HttpRequest, place: Place, asset: str = "") -> HttpResponse:
    """Move assets to another library."""

    def act(ids: list[str], asked: dict[str, Any]) -> str:
        ends = {"source_library_id": place.library.slug, "target_library_id": asked["library"].slug}
        command = {"organization_id": place.organization.slug, **ends, "asset_ids": ids}
        transfer_assets(place.principal, read_json(TransferAssets, command))
        return f"{_were(ids)} moved to {asked['library'].name}."

    form = MoveForm(request.POST, libraries=place.other_libraries())
    moved = _do(request, _chosen(request, asset), form, act)
    return back(request, place, "" if moved else asset)


@changing
def delete(request: HttpRequest, place: Place, asset: str = "") -> HttpResponse:
    """Move assets to the trash."""

    def act(ids: list[str], asked: dict[str, Any]) -> str:
        moved = delete_assets(place.principal, read_json(DeleteAssets, {**place.ids, "ids": ids})).ids
        return f"{_were(moved)} moved to the trash. There {_it(moved)} can be restored for {TRASH_DAYS} days."

    moved = _do(request, _chosen(request, asset), forms.Form(request.POST), act)
    return back(request, place, "" if moved else asset)


@changing
def restore(request: HttpRequest, place: Place) -> HttpResponse:
    """Take assets out of the trash."""

    def act(ids: list[str], asked: dict[str, Any]) -> str:
        restored = restore_assets(place.principal, read_json(RestoreAssets, {**place.ids, "ids": ids})).ids
        return f"{_were(restored)} restored."

    _do(request, _chosen(request, ""), forms.Form(request.POST), act)
    return redirect("library_trash", place.organization.slug, place.library.slug)


def _do(request: HttpRequest, ids: list[str], form: forms.Form, act: Act) -> bool:
    """Do to assets what a form asks for, and say what came of it; return whether it was done."""
    ids = list(dict.fromkeys(ids))
    if not 1 <= len(ids) <= MOST_ASSETS:
        refused = f"Select 1 to {MOST_ASSETS} assets."
    elif not form.is_valid():
        refused = " ".join(str(error) for errors in form.errors.values() for error in errors)
    else:
        try:
            messages.success(request, act(ids, form.cleaned_data))
        except (BadUserInput, ResourceNotFound) as refusal:
            refused = refusal.message
        else:
            return True
    messages.error(request, refused)
    return False


def _chosen(request: HttpRequest, asset: str) -> list[str]:
    return [asset] if asset else request.POST.getlist("asset")


def _were(ids: list[str]) -> str:
    return f"{counted(ids, 'asset')} {'was' if len(ids) == 1 else 'were'}"


def _these(ids: list[str]) -> str:
    return "the asset" if len(ids) == 1 else f"these {len(ids)} assets"


def _it(ids: list[str]) -> str:
    return "it" if len(ids) == 1 else "they"


def _named(tags: list[str]) -> str:
    return f"the tag{'' if len(tags) == 1 else 's'} {', '.join(tags)}"
