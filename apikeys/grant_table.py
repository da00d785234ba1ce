"""The table of an organization's libraries with a key's level on each."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count

from apikeys.contracts import Access
from apikeys.models import APIKey, KeyGrant
from assets.models import Asset
from orgs.access import Level, OrganizationRef, Principal


@dataclass(frozen=True, slots=True)
class Row:
    """A library. ``held`` is the level that the key has, ``access`` the one that is chosen."""

    slug: str
    name: str
    assets: int
    held: Access
    access: Access


@dataclass(frozen=True, slots=True)
class GrantTable:
    """Every library that the person may grant, in the order of their names."""

    rows: list[Row]

    @property
    def was(self) -> str:
        """The levels held when the page was made, as its form sends them back."""
        return ",".join(f"{row.slug}:{row.held}" for row in self.rows if row.held != "none")

    @property
    def summary(self) -> str:
        """The chosen levels in words. static/js/api-keys.js says the same of what is chosen later."""
        chosen = [row.access for row in self.rows]
        return access_in_words(chosen.count("write"), chosen.count("read"))


def grant_table(
    principal: Principal,
    organization: OrganizationRef,
    key: APIKey | None = None,
    chosen: Mapping[str, Access] | None = None,
) -> GrantTable:
    """Return the table of a key, or of one to be made, with ``chosen`` levels in place of the ones held."""
    libraries = principal.libraries().filter(organization_id=organization.id).order_by("name", "slug")
    counts = (
        Asset.objects.live()
        .main()
        .filter(library__organization_id=organization.id)
        .order_by()
        .values_list("library")
        .annotate(Count("pk"))
    )
    assets = dict(counts)
    grants = KeyGrant.objects.filter(key=key).values_list("library", "level") if key is not None else ()
    held = {library: Level(level).word for library, level in grants}
    rows = []
    for pk, slug, name in libraries.values_list("pk", "slug", "name"):
        level: Access = held.get(pk, "none")
        rows.append(Row(slug, name, assets.get(pk, 0), level, (chosen or {}).get(slug, level)))
    return GrantTable(rows)


def access_in_words(writes: int, reads: int) -> str:
    """Return ``Write on 1 library, Read on 3``."""
    parts = [f"{word} on {count:,}" for word, count in (("Write", writes), ("Read", reads)) if count]
    if not parts:
        return "No access to any library"
    first = writes or reads
    parts[0] += " library" if first == 1 else " libraries"
    return ", ".join(parts)
