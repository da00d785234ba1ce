"""A search tells nothing of what the caller cannot reach: not by hits, counts, corrections, scores or its work."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apikeys.access import KeyPrincipal
from apikeys.models import APIKey
from assets.contracts import DeleteAssets, SearchResult
from assets.operations.trash import delete_assets
from orgs.access import OrganizationRef, Origin, Principal, UserPrincipal
from raster.errors import LibraryNotAuthorized, OrganizationNotFound
from tests.assets.searching import names, search
from tests.factories import AssetFactory, Cast

SECRETS = ("lighthouse", "light", "lighthosue", "shared lighthouse", "shared lighthosue", "shraed lighthouse")
NOWHERE = ("watermelon", "water", "watermeoln", "shared watermelon", "shared watermeoln", "shraed watermelon")


def key_of_barcelona(cast: Cast) -> Principal:
    key = APIKey.objects.get(pk=cast.key(barcelona="read").key_id)
    return KeyPrincipal(
        origin=Origin("mcp"),
        use_is_due=False,
        key_id=key.pk,
        public_id=key.public_id,
        name=key.name,
        organizations=(OrganizationRef(cast.acme.pk, cast.acme.slug, cast.acme.name),),
        is_shown_writes=True,
    )


def callers(cast: Cast) -> list[Principal]:
    """Return who reaches Barcelona and not Paris."""
    return [key_of_barcelona(cast), UserPrincipal(Origin("web"), cast.bob), UserPrincipal(Origin("web"), cast.carol)]


def answer(q: str, by: Principal) -> tuple[SearchResult, list[str]]:
    """Return a search's answer, and its statements without what was searched for."""
    with CaptureQueriesContext(connection) as captured:
        result = search(q, by=by)
    return result, [query["sql"].split("WHERE")[0] for query in captured]


@pytest.mark.parametrize("library", ["paris", "nowhere", "secret"])
def test_a_library_out_of_reach_fails_the_call(cast: Cast, library: str) -> None:
    for caller in callers(cast):
        for libraries in ([library], ["barcelona", library]):
            with pytest.raises(LibraryNotAuthorized):
                search("sea", by=caller, libraries=libraries)


def test_a_foreign_organization_is_unknown(cast: Cast) -> None:
    caller = key_of_barcelona(cast)
    for organization in ("globex", "nowhere"):
        with pytest.raises(OrganizationNotFound):
            search("sea", by=caller, organization=organization)


def test_only_what_is_in_reach_is_found(cast: Cast) -> None:
    for library in (cast.barcelona, cast.paris, cast.secret):
        AssetFactory(library=library, name=f"Sea of {library.name}")
    for caller in callers(cast):
        assert names("sea", by=caller) == names("", by=caller) == ["Sea of Barcelona"]
        assert search("sea", by=caller).found == 1
    assert names("sea", by=UserPrincipal(Origin("web"), cast.alice)) == ["Sea of Paris", "Sea of Barcelona"]


def test_words_out_of_reach_answer_like_words_that_are_nowhere(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, name="Shared", description="shared")
    for library in (cast.paris, cast.secret):
        AssetFactory(library=library, name="Lighthouse", tagged=["lighthouse"], description="lighthouse shared")
    trashed = AssetFactory(library=cast.barcelona, name="Lighthouse", tagged=["lighthouse"], description="lighthouse")
    delete_assets(
        UserPrincipal(Origin("web"), cast.alice),
        DeleteAssets(organization_id="acme", library_id="barcelona", ids=[trashed.pk]),
    )
    parent = AssetFactory(library=cast.barcelona, name="Shared")
    AssetFactory(library=cast.barcelona, parent=parent, name="Lighthouse")
    for caller in callers(cast):
        for secret, nowhere in zip(SECRETS, NOWHERE, strict=True):
            assert answer(secret, caller) == answer(nowhere, caller), secret
            assert search(secret, by=caller).model_dump() == {
                "hits": [],
                "found": 0,
                "foundCapped": False,
                "page": 1,
            }


def test_scores_do_not_follow_what_others_write(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, name="Sea", description="sea and sun")
    caller = key_of_barcelona(cast)
    before = search("sea sun", by=caller).model_dump()
    for library in (cast.paris, cast.secret):
        AssetFactory.create_batch(20, library=library, name="Sea and sun", description="sea sun sun")
    assert search("sea sun", by=caller).model_dump() == before


def test_corrections_follow_the_libraries_of_the_search(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, name="Lighthouse")
    AssetFactory(library=cast.paris, name="Lightmouse")
    AssetFactory(library=cast.paris, name="Lightmouse again")
    alice = UserPrincipal(Origin("web"), cast.alice)
    assert search("lightxouse", by=alice).corrected == "lightmouse", "two assets have it"
    assert search("lightxouse", by=alice, libraries=["barcelona"]).corrected == "lighthouse"
    assert search("lightxouse", by=key_of_barcelona(cast)).corrected == "lighthouse"


def test_a_key_without_a_grant_finds_nothing(cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, name="Sea")
    caller = key_of_barcelona(cast)
    APIKey.objects.get().grants.all().delete()
    for q in ("", "sea", "sae"):
        assert search(q, by=caller).found == 0


def test_what_was_trashed_meanwhile_is_gone(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, name="Sea")
    type(asset).objects.filter(pk=asset.pk).update(trashed=datetime(2026, 1, 1, tzinfo=UTC))
    assert names("sea") == [], "even while the index still has it"
