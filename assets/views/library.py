"""A library: its assets in a grid, searched and narrowed by tags, and its trash."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from assets.contracts import (
    MOST_ASSETS,
    SEARCH_LENGTH,
    TRASH_DAYS,
    ListTags,
    ListTrash,
    TrashedAsset,
)
from assets.forms import MoveForm, TagsForm
from assets.operations.tags import list_tags
from assets.operations.trash import list_trash
from assets.pictures import Picture, picture
from assets.tickets import upload_ticket
from assets.upload_links import PATH
from assets.views.grids import ASSETS_ON_A_PAGE, library_grid
from assets.views.place import Place, for_readers, for_writers
from raster.contracts import read_json
from raster.pages import Paging, moment, page_number

MOST_TAGS_SHOWN = 30


@dataclass(frozen=True)
class Trashed:
    """A row of the trash."""

    asset: TrashedAsset
    picture: Picture
    since: datetime
    until: datetime

    @property
    def days(self) -> int:
        """How many more days it can be restored, the last one included."""
        return max(0, math.ceil((self.until - timezone.now()) / timedelta(days=1)))


@for_readers
def library(request: HttpRequest, place: Place) -> HttpResponse:
    """Show a library's assets, newest first, or those that a search or tags find."""
    context = {
        **place.page(),
        "grid": library_grid(place.principal, place.ids, request),
        "tags": list_tags(place.principal, ListTags(**place.ids, limit=MOST_TAGS_SHOWN)).data,
        "chosen_tags": request.GET.getlist("tag"),
        "searched": request.GET.get("q", "").strip(),
        "search_length": SEARCH_LENGTH,
        "query": f"?{request.GET.urlencode()}" if request.GET else "",
        **(writing(request, place) if place.may_write else {}),
    }
    return render(request, "assets/library.html", context)


def writing(request: HttpRequest, place: Place) -> dict[str, Any]:
    """Return what pages need where the person may change something: the forms, and where files go."""
    moving = MoveForm(
        libraries=place.other_libraries(),
        loaded=place.loaded_libraries(),
        auto_id="selection_%s",
        use_required_attribute=False,
    )
    return {
        "upload_path": f"{PATH}web/{upload_ticket(request, place.library)}",
        "most_bytes": settings.MAX_FILE_SIZE,
        "most_selected": MOST_ASSETS,
        "tags_form": TagsForm(auto_id="selection_%s", use_required_attribute=False),
        "move_form": moving if moving.offered else None,
    }


@for_writers
def trash(request: HttpRequest, place: Place) -> HttpResponse:
    """Show what is in a library's trash, and until when."""
    command = {**place.ids, "page": page_number(request), "page_size": ASSETS_ON_A_PAGE}
    found = list_trash(place.principal, read_json(ListTrash, command))
    rows = [Trashed(asset, picture(asset), moment(asset.trashed), moment(asset.removed_from)) for asset in found.data]
    context = {"rows": rows, "total": found.total, "pages": Paging.of(found), "days": TRASH_DAYS}
    return render(request, "assets/trash.html", {**place.page(), **context})
