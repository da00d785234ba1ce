"""What a grid shows: a page of a library, or of what a search found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from assets.contracts import ListAssets, SearchAssets
from assets.operations.assets import list_assets
from assets.operations.search import search_assets
from assets.pictures import Picture, found_picture, picture
from orgs.access import Principal
from orgs.models import Library
from raster.contracts import read_json
from raster.errors import BadUserInput
from raster.pages import Paging, page_number

ASSETS_ON_A_PAGE = 60


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A page of pictures. ``refused`` says why a search cannot be done."""

    pictures: list[Picture]
    pages: Paging
    total: int
    is_capped: bool = False
    corrected: str = ""
    refused: str = ""


def library_grid(principal: Principal, ids: Mapping[str, str], request: HttpRequest) -> Grid:
    """Return a library's assets, newest first, or those that a search in it finds, with tags where some are chosen."""
    tags = request.GET.getlist("tag")
    if request.GET.get("q", "").strip():
        narrowed = {"organization_id": ids["organization_id"], "libraries": [ids["library_id"]], "tags": tags}
        return search_grid(principal, narrowed, request)
    command = {**ids, "tags": tags, "page": page_number(request), "page_size": ASSETS_ON_A_PAGE}
    assets = list_assets(principal, read_json(ListAssets, command))
    return Grid(pictures=[picture(asset) for asset in assets.data], pages=Paging.of(assets), total=assets.total)


def search_grid(
    principal: Principal,
    narrowed: Mapping[str, Any],
    request: HttpRequest,
    libraries: QuerySet[Library] | None = None,
) -> Grid:
    """Return what a search finds; ``libraries`` are those of the organization, where the grid is to name them."""
    asked = {"q": request.GET.get("q", ""), "page": page_number(request), "page_size": ASSETS_ON_A_PAGE}
    try:
        command = read_json(SearchAssets, {**narrowed, **asked})
    except BadUserInput as refusal:
        return Grid(pictures=[], pages=Paging(1, 1), total=0, refused=refusal.problems[0][1])
    result = search_assets(principal, command)
    names = None
    if libraries is not None:
        names = dict(libraries.filter(slug__in={hit.library_id for hit in result.hits}).values_list("slug", "name"))
    return Grid(
        pictures=[found_picture(hit, names) for hit in result.hits],
        pages=Paging(result.page, max(1, -(-result.found // ASSETS_ON_A_PAGE))),
        total=result.found,
        is_capped=result.found_capped,
        corrected=result.corrected or "",
    )
