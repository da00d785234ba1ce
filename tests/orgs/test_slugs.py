"""No organization and no library can take the place of a page."""

import re
from collections.abc import Iterator

import pytest
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from orgs.models import Organization
from orgs.slugs import RESERVED_LIBRARY_SLUGS, RESERVED_ORGANIZATION_SLUGS
from raster.asgi import MEDIA_PREFIX

SLUG = re.compile(r"[a-z0-9](-?[a-z0-9])*")


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """Return every route below ``resolver``, with converters and patterns as they are written."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern).removeprefix("^").removesuffix(r"\Z")
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        else:
            assert isinstance(entry, URLPattern)
            yield route


def segments(position: int, *, under_an_organization: bool) -> set[str]:
    """Return the fixed segments at a position of every route, with or without an organization before them."""
    found = set()
    for route in routes(get_resolver()):
        parts = route.split("/")
        if parts[0].startswith("<") is under_an_organization and len(parts) > position:
            found.add(parts[position])
    return {segment for segment in found if SLUG.fullmatch(segment)}


def test_every_first_segment_of_a_page_or_endpoint_is_reserved() -> None:
    outside_django = {path.strip("/") for path in ("/mcp", MEDIA_PREFIX, "/static/")}
    assert segments(0, under_an_organization=False) | outside_django <= RESERVED_ORGANIZATION_SLUGS


def test_every_segment_after_an_organization_is_reserved() -> None:
    assert segments(1, under_an_organization=True) <= RESERVED_LIBRARY_SLUGS


def test_every_reserved_slug_could_be_asked_for() -> None:
    assert all(SLUG.fullmatch(slug) for slug in RESERVED_ORGANIZATION_SLUGS | RESERVED_LIBRARY_SLUGS)


@pytest.mark.parametrize("path", ["/Acme", "/-acme", "/acme-", "/a--b", "/a_b", "/acme/", "/" + "a" * 64, "/a.php"])
def test_what_cannot_be_a_slug_is_no_address(path: str) -> None:
    with pytest.raises(Resolver404):
        resolve(path)


@pytest.mark.parametrize("slug", ["a", "acme", "a-b-c", "2026", "a" * 63])
def test_what_can_be_a_slug_is_the_address_of_an_organization(slug: str) -> None:
    Organization._meta.get_field("slug").run_validators(slug)
    assert resolve(f"/{slug}").url_name == "organization"


def test_no_page_has_a_slash_at_its_end_but_the_admins() -> None:
    assert [route for route in routes(get_resolver()) if route.endswith("/") and not route.startswith("admin/")] == []
