"""Listing, creating and renaming libraries."""

import secrets
import string
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from assets.contracts import CreateLibrary, LibraryRecord, ListLibraries, RenameLibrary, TagRecord
from assets.models import Asset, AssetQuerySet, Tag
from assets.quota import check_libraries
from orgs import audit
from orgs.access import Level, Principal
from orgs.models import SLUG_LENGTH, Library
from orgs.slugs import RESERVED_LIBRARY_SLUGS
from raster.contracts import Page
from raster.errors import Forbidden, InternalServerError, LibraryURLTaken
from raster.fold import slugify

MOST_USED_TAGS = 10
SUFFIX_ALPHABET = string.ascii_lowercase + string.digits
SUFFIX_LENGTH = 4
SLUG_ATTEMPTS = 10


def list_libraries(principal: Principal, command: ListLibraries) -> Page[LibraryRecord]:
    """Return a page of the organization's libraries that the caller reaches, by name."""
    organization = principal.organization(command.organization_id)
    reach = principal.libraries().filter(organization_id=organization.id).order_by("name", "slug")
    start = (command.page - 1) * command.page_size
    rows = list(reach[start : start + command.page_size])
    return Page[LibraryRecord](
        data=_library_records(rows), page=command.page, page_size=command.page_size, total=reach.count()
    )


def create_library(principal: Principal, command: CreateLibrary) -> LibraryRecord:
    """Make a library, with write on it for the caller.

    A caller who does not see every library of the organization gets four random characters added to the slug, so
    that a refusal tells nothing about slugs that are taken.

    Raises:
        LibraryURLTaken: the slug is taken or reserved; told only to callers who see every library.
        LibraryLimitExceeded: the organization holds as many libraries as it may.
    """
    organization = principal.organization(command.organization_id)
    principal.check_may_create_library(organization)
    may_choose = principal.sees_every_library(organization)
    wanted = command.slug or slugify(command.name)
    for attempt in range(SLUG_ATTEMPTS):
        exact = may_choose and bool(wanted) and (command.slug is not None or attempt == 0)
        slug = wanted if exact else _with_suffix(wanted or "library")
        if slug in RESERVED_LIBRARY_SLUGS:
            taken = True
        else:
            try:
                with transaction.atomic():
                    check_libraries(organization.id)
                    library = Library.objects.create(organization_id=organization.id, slug=slug, name=command.name)
                    principal.adopt(library)
                    audit.record(
                        principal, organization.id, "library.create", str(library), after={"name": library.name}
                    )
            except IntegrityError:
                taken = True
            else:
                library.level = Level.WRITE
                return _library_records([library])[0]
        if taken and exact and command.slug is not None:
            raise LibraryURLTaken
    raise InternalServerError


def rename_library(principal: Principal, command: RenameLibrary) -> LibraryRecord:
    """Give a library another name; its id stays.

    Raises:
        LibraryReadOnly: the caller has read only.
        Forbidden: a person who is neither the library's owner nor an admin of its organization.
    """
    with transaction.atomic():
        library = principal.library(command.organization_id, command.library_id, Level.WRITE, lock=True)
        if not principal.may_manage(library):
            raise Forbidden("Only the library's owner and admins of the organization rename it.")
        if library.name != command.name:
            audit.record(
                principal,
                library.organization_id,
                "library.rename",
                str(library),
                before={"name": library.name},
                after={"name": command.name},
            )
            library.name = command.name
            library.save(update_fields=["name"])
    return _library_records([library])[0]


def _library_records(libraries: list[Library]) -> list[LibraryRecord]:
    """Return what the APIs show of libraries that came through ``Principal.libraries()``, by three queries for all."""
    ids = [library.pk for library in libraries]
    photo = Q(content_type__startswith="image/")
    live = {
        library: (assets, photos)
        for library, assets, photos in _of(Asset.objects.main().live(), ids)
        .annotate(assets=Count("pk"), photos=Count("pk", filter=photo))
        .values_list("library", "assets", "photos")
    }
    trash = dict(_of(Asset.objects.in_trash(), ids).annotate(assets=Count("pk")).values_list("library", "assets"))
    tags = _most_used_tags(ids)
    return [
        LibraryRecord(
            id=library.slug,
            name=library.name,
            assets_count=live.get(library.pk, (0, 0))[0],
            photos_count=live.get(library.pk, (0, 0))[1],
            trash_count=trash.get(library.pk, 0),
            access="write" if library.level >= Level.WRITE else "read",
            tags=[tag.id for tag in tags.get(library.pk, [])],
            used_tags=tags.get(library.pk, []),
        )
        for library in libraries
    ]


def _of(assets: AssetQuerySet, library_ids: list[int]) -> QuerySet[Asset, Any]:
    return assets.filter(library__in=library_ids).order_by().values("library")


def _most_used_tags(library_ids: list[int]) -> dict[int, list[TagRecord]]:
    ranked = (
        Tag.objects.filter(
            library__in=library_ids,
            asset_tags__asset__trashed__isnull=True,
            asset_tags__asset__parent__isnull=True,
        )
        .annotate(uses=Count("asset_tags"))
        .annotate(rank=Window(RowNumber(), partition_by=[F("library")], order_by=[F("uses").desc(), F("folded").asc()]))
        .filter(rank__lte=MOST_USED_TAGS)
        .order_by("library", "rank")
    )
    tags: dict[int, list[TagRecord]] = {}
    for library_id, text, uses in ranked.values_list("library_id", "text", "uses"):
        tags.setdefault(library_id, []).append(TagRecord(id=text, count=uses))
    return tags


def _with_suffix(slug: str) -> str:
    suffix = "".join(secrets.choice(SUFFIX_ALPHABET) for _ in range(SUFFIX_LENGTH))
    return f"{slug[: SLUG_LENGTH - SUFFIX_LENGTH - 1].rstrip('-')}-{suffix}"
