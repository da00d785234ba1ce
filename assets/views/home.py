"""An organization's home, and new libraries."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from assets.contracts import SEARCH_LENGTH, CreateLibrary, LibraryRecord, ListLibraries
from assets.operations.assets import newest_pictures
from assets.operations.libraries import create_library, list_libraries
from assets.pictures import Picture, picture
from orgs.forms import NameAndAddressForm
from orgs.principal import organization_page, principal_for_user
from raster.contracts import read_json
from raster.errors import BadUserInput, LibraryURLTaken
from raster.forms import add_problems
from raster.pages import Paging, page_number

LIBRARIES_ON_A_PAGE = 48


@dataclass(frozen=True)
class LibraryCard:
    library: LibraryRecord
    cover: Picture | None


@login_required
def home(request: HttpRequest, organization: str) -> HttpResponse:
    """Show the libraries of an organization that the person sees."""
    principal = principal_for_user(request)
    context = organization_page(principal, principal.organization(organization))
    command = ListLibraries(organization_id=organization, page=page_number(request), page_size=LIBRARIES_ON_A_PAGE)
    libraries = list_libraries(principal, command)
    covers = {slug: picture(asset) for slug, asset in newest_pictures(principal, command).items()}
    cards = [LibraryCard(library, covers.get(library.id)) for library in libraries.data]
    context |= {"cards": cards, "pages": Paging.of(libraries), "search_length": SEARCH_LENGTH}
    return render(request, "assets/home.html", context)


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
            add_problems(form, refusal, "name")
        else:
            return redirect("library", organization, made.id)
    return render(request, "assets/create.html", {**context, "form": form})
