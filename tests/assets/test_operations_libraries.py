"""Listing, creating and renaming libraries."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydantic import ValidationError

from apikeys.access import KEY_STATEMENT, KeyPrincipal, principal_from_row
from apikeys.contracts import RevealedKey
from assets.contracts import CreateLibrary, LibraryRecord, ListLibraries, RenameLibrary
from assets.operations.libraries import create_library, list_libraries, rename_library
from orgs.access import Origin, Principal, UserPrincipal
from orgs.models import AuditEntry, Library
from raster.errors import (
    Forbidden,
    LibraryNotAuthorized,
    LibraryReadOnly,
    LibraryURLTaken,
    OrganizationNotFound,
)
from tests.factories import OPERATOR, AssetFactory, Cast, LibraryFactory


def person(cast: Cast, name: str) -> UserPrincipal:
    return UserPrincipal(Origin("web"), getattr(cast, name))


def key_principal(revealed: RevealedKey) -> KeyPrincipal:
    text = revealed.secret
    with connection.cursor() as cursor:
        cursor.execute(KEY_STATEMENT, [text.removeprefix("rstk_")[:10]])
        return principal_from_row(text, cursor.fetchone(), Origin("mcp"))


def libraries(principal: Principal, **arguments: Any) -> list[LibraryRecord]:
    return list_libraries(principal, ListLibraries(organization_id="acme", **arguments)).data


def created(principal: Principal, name: str, slug: str | None = None) -> LibraryRecord:
    return create_library(principal, CreateLibrary(organization_id="acme", name=name, slug=slug))


def renamed(principal: Principal, library: str, name: str) -> LibraryRecord:
    return rename_library(principal, RenameLibrary(organization_id="acme", library_id=library, name=name))


def test_an_organization_out_of_reach_lists_and_takes_nothing(cast: Cast) -> None:
    for operation in (lambda: libraries(person(cast, "dave")), lambda: created(person(cast, "dave"), "Lisbon")):
        with pytest.raises(OrganizationNotFound):
            operation()
    assert Library.objects.count() == 3


def test_members_and_keys_that_only_read_create_nothing(cast: Cast) -> None:
    for name in ("bob", "carol"):
        with pytest.raises(Forbidden):
            created(person(cast, name), "Lisbon")
    with pytest.raises(LibraryReadOnly):
        created(key_principal(cast.key(barcelona="read")), "Lisbon")
    with pytest.raises(LibraryReadOnly):
        created(key_principal(cast.key("Without")), "Lisbon")
    assert Library.objects.count() == 3


def test_who_may_not_rename_is_told_what_they_may_know(cast: Cast) -> None:
    for name, library, refusal in (
        ("carol", "barcelona", LibraryReadOnly),
        ("bob", "barcelona", Forbidden),
        ("bob", "paris", LibraryNotAuthorized),
        ("bob", "unknown", LibraryNotAuthorized),
        ("alice", "secret", LibraryNotAuthorized),
    ):
        with pytest.raises(refusal):
            renamed(person(cast, name), library, "Renamed")
    assert not Library.objects.filter(name="Renamed").exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "two\nlines"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        CreateLibrary(organization_id="acme", name=name)
    with pytest.raises(ValidationError):
        RenameLibrary(organization_id="acme", library_id="barcelona", name=name)


@pytest.mark.parametrize("slug", ["", "-a", "a-", "a--b", "A", "a b", "é", "x" * 64, "a\n"])
def test_a_slug_that_is_none_is_refused(slug: str) -> None:
    with pytest.raises(ValidationError):
        CreateLibrary(organization_id="acme", name="Lisbon", slug=slug)


def test_each_caller_lists_what_they_reach_with_their_level(cast: Cast) -> None:
    def listed(principal: Principal) -> list[tuple[str, str]]:
        return [(library.id, library.access) for library in libraries(principal)]

    assert listed(person(cast, "alice")) == [("barcelona", "write"), ("paris", "write")]
    assert listed(person(cast, "bob")) == [("barcelona", "write")]
    assert listed(person(cast, "carol")) == [("barcelona", "read")]
    assert listed(key_principal(cast.key(paris="read"))) == [("paris", "read")]
    assert listed(key_principal(cast.key("Without"))) == []


def test_counts_are_of_live_main_assets(cast: Cast) -> None:
    main = AssetFactory(library=cast.barcelona, tagged=["sea"])
    AssetFactory(library=cast.barcelona, content_type="application/pdf", tagged=["sea", "Paper"])
    AssetFactory(library=cast.barcelona, parent=main, tagged=["variant"])
    AssetFactory(library=cast.barcelona, trashed=timezone.now(), tagged=["trashed"])
    AssetFactory(library=cast.paris)
    barcelona = libraries(person(cast, "carol"))[0]
    assert (barcelona.assets_count, barcelona.photos_count, barcelona.trash_count) == (2, 1, 1)
    assert barcelona.tags == ["sea", "Paper"]


def test_a_library_shows_its_ten_most_used_tags(cast: Cast) -> None:
    for most in range(12):
        AssetFactory(library=cast.barcelona, tagged=[f"tag {number:02}" for number in range(12 - most)])
    assert libraries(person(cast, "carol"))[0].tags == [f"tag {number:02}" for number in range(10)]


def test_pages_follow_each_other_and_end(cast: Cast) -> None:
    pages = [[library.id for library in libraries(OPERATOR, page=page, page_size=1)] for page in (1, 2, 3)]
    assert pages == [["barcelona"], ["paris"], []]


def test_a_list_takes_as_many_queries_for_one_library_as_for_thirty(cast: Cast) -> None:
    counts = []
    for more in (0, 28):
        for _ in range(more):
            AssetFactory(library=LibraryFactory(organization=cast.acme), tagged=["sea"])
        with CaptureQueriesContext(connection) as queries:
            libraries(person(cast, "alice"))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6


def test_who_sees_every_library_chooses_the_slug_and_is_told_that_it_is_taken(cast: Cast) -> None:
    assert created(person(cast, "alice"), "Lisbon").id == "lisbon"
    assert created(person(cast, "alice"), "Lisboa", "lisboa").id == "lisboa"
    for slug in ("lisbon", "paris", "settings"):
        with pytest.raises(LibraryURLTaken):
            created(person(cast, "alice"), "Another", slug)


def test_a_slug_made_from_a_taken_name_gets_a_suffix(cast: Cast) -> None:
    assert re.fullmatch("barcelona-[a-z0-9]{4}", created(person(cast, "alice"), "Barcelona").id)
    assert re.fullmatch("library-[a-z0-9]{4}", created(person(cast, "alice"), "برشلونة").id)
    assert re.fullmatch("settings-[a-z0-9]{4}", created(person(cast, "alice"), "Settings").id)
    longest = created(person(cast, "alice"), "x" * 100, "x" * 63)
    assert longest.id == "x" * 63


def test_a_key_always_gets_a_suffix_so_that_taken_slugs_do_not_show(cast: Cast) -> None:
    writer = key_principal(cast.key(barcelona="write"))
    for name, slug, start in (
        ("Lisbon", None, "lisbon"),
        ("Lisbon", "lisbon", "lisbon"),
        ("Paris", None, "paris"),
        ("Paris", "paris", "paris"),
        ("x", "x" * 63, "x" * 58),
    ):
        made = created(writer, name, slug)
        assert re.fullmatch(f"{start}-[a-z0-9]{{4}}", made.id)
        assert len(made.id) <= 63


def test_a_key_has_write_on_what_it_made_and_nobody_else_gained_access(cast: Cast) -> None:
    writer = key_principal(cast.key(barcelona="write"))
    other = key_principal(cast.key("Other", barcelona="write"))
    made = created(writer, "Lisbon")
    assert made.access == "write"
    assert [library.id for library in libraries(writer)] == ["barcelona", made.id]
    assert [library.id for library in libraries(other)] == ["barcelona"]
    assert [library.id for library in libraries(person(cast, "bob"))] == ["barcelona"]
    entry = AuditEntry.objects.get(action="library.create")
    assert entry.target == f"Lisbon ({made.id})"
    assert entry.actor.startswith("key Agent (rstk_")


def test_renaming_keeps_the_slug_and_is_recorded_once(cast: Cast) -> None:
    assert renamed(person(cast, "alice"), "paris", "  Paris 2  ").name == "Paris 2"
    renamed(person(cast, "alice"), "paris", "Paris 2")
    assert Library.objects.get(slug="paris").name == "Paris 2"
    entry = AuditEntry.objects.get(action="library.rename")
    assert (entry.before, entry.after) == ({"name": "Paris"}, {"name": "Paris 2"})
    assert renamed(key_principal(cast.key(paris="write")), "paris", "Paris 3").id == "paris"
