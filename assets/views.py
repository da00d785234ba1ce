"""An organization's home, its libraries and their assets, as people see them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from assets.contracts import CreateLibrary, GetAsset, LibraryRecord, ListAssets, ListLibraries, ListTags, VariantRecord
from assets.operations.assets import get_asset, list_assets, newest_pictures
from assets.operations.libraries import create_library, list_libraries
from assets.operations.tags import list_tags
from orgs.access import Level
from orgs.forms import NameAndAddressForm
from orgs.principal import organization_page, principal_for_user
from raster.contracts import read_json
from raster.errors import BadUserInput, LibraryURLTaken
from raster.pages import Paging, page_number

LIBRARIES_ON_A_PAGE = 48
ASSETS_ON_A_PAGE = 60
MOST_TAGS_SHOWN = 30
SHOWN_BY_BROWSERS = frozenset({"image/avif", "image/gif", "image/jpeg", "image/png", "image/svg+xml", "image/webp"})


@dataclass(frozen=True)
class Picture:
    """What an ``<img>`` shows of an asset; ``source`` is empty where a browser can show nothing of it."""

    asset: VariantRecord
    source: str
    source_set: str

    @property
    def type_name(self) -> str:
        """The type in a word, for a tile without a picture."""
        return self.asset.content_type.rpartition("/")[2].partition("+")[0].upper()


@dataclass(frozen=True)
class LibraryCard:
    library: LibraryRecord
    cover: Picture | None


def picture(asset: VariantRecord) -> Picture:
    """Return the asset's sizes as an ``<img>`` takes them, or its original where it has none."""
    sizes = sorted((int(width), url) for width, url in asset.sizes.items())
    if not sizes:
        return Picture(asset, asset.url if asset.content_type in SHOWN_BY_BROWSERS else "", "")
    return Picture(asset, sizes[0][1], ", ".join(f"{url} {width}w" for width, url in sizes))


@login_required
def home(request: HttpRequest, organization: str) -> HttpResponse:
    """Show the libraries of an organization that the person sees."""
    principal = principal_for_user(request)
    context = organization_page(principal, principal.organization(organization))
    command = ListLibraries(organization_id=organization, page=page_number(request), page_size=LIBRARIES_ON_A_PAGE)
    libraries = list_libraries(principal, command)
    covers = {slug: picture(asset) for slug, asset in newest_pictures(principal, command).items()}
    cards = [LibraryCard(library, covers.get(library.id)) for library in libraries.data]
    return render(request, "assets/home.html", {**context, "cards": cards, "pages": Paging.of(libraries)})


@login_required
def create(request: HttpRequest, organization: str) -> HttpResponse:
    """Make a library."""
    principal = principal_for_user(request)
    context = organization_page(principal, principal.organization(organization))
    if not context["may_manage"]:
        raise PermissionDenied
    form = NameAndAddressForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        command = {"organization_id": organization, **form.cleaned_data}
        try:
            made = create_library(principal, read_json(CreateLibrary, command))
        except LibraryURLTaken as refusal:
            form.add_error("slug", refusal.message)
        except BadUserInput as refusal:
            form.add_error("name", refusal.message)
        else:
            return redirect("library", organization, made.id)
    return render(request, "assets/create.html", {**context, "form": form})


@login_required
def library(request: HttpRequest, organization: str, library: str) -> HttpResponse:
    """Show a library's assets, newest first, or those with a tag."""
    principal = principal_for_user(request)
    row = principal.library(organization, library, Level.READ)
    tags = request.GET.getlist("tag")
    ids = {"organization_id": organization, "library_id": library}
    command = {**ids, "tags": tags, "page": page_number(request), "page_size": ASSETS_ON_A_PAGE}
    assets = list_assets(principal, read_json(ListAssets, command))
    context = {
        **organization_page(principal, principal.organization(organization)),
        "library": row,
        "may_write": row.level >= Level.WRITE,
        "pictures": [picture(asset) for asset in assets.data],
        "total": assets.total,
        "pages": Paging.of(assets),
        "tags": list_tags(principal, ListTags(**ids, limit=MOST_TAGS_SHOWN)).data,
        "chosen_tags": tags,
    }
    return render(request, "assets/library.html", context)


@login_required
def asset(request: HttpRequest, organization: str, library: str, asset: str) -> HttpResponse:
    """Show an asset: the picture, its link, and what is known of it."""
    principal = principal_for_user(request)
    row = principal.library(organization, library, Level.READ)
    record = get_asset(principal, GetAsset(organization_id=organization, library_id=library, asset_id=asset))
    context = {
        **organization_page(principal, principal.organization(organization)),
        "library": row,
        "asset": record,
        "picture": picture(record),
        "variants": [picture(variant) for variant in record.variants],
        "created": datetime.fromtimestamp(record.created / 1000, UTC),
        "updated": datetime.fromtimestamp(record.updated / 1000, UTC),
    }
    return render(request, "assets/asset.html", context)
