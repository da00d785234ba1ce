"""What is done to many assets at once takes as many queries as for two, and few."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.contracts import MOST_ASSETS, DeleteAssets, RestoreAssets, TagAssets, TransferAssets, UntagAssets
from assets.models import Asset, SearchEntry
from assets.operations.tags import tag_assets, untag_assets
from assets.operations.transfers import transfer_assets
from assets.operations.trash import delete_assets, restore_assets
from assets.search_index import PLACES_BEGIN
from tests.assets.people import person
from tests.factories import AssetFactory, Cast

#: Of which a transfer takes ten to find and lock its two libraries.
MOST_QUERIES = 26
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BARCELONA = {"organizationId": "acme", "libraryId": "barcelona"}
TAGS = ["Sea", "Sky", "Sun"]
Act = Callable[[Cast, list[str]], object]


def delete(cast: Cast, ids: list[str]) -> object:
    return delete_assets(person(cast, "alice"), DeleteAssets.model_validate({**BARCELONA, "ids": ids}))


def restore(cast: Cast, ids: list[str]) -> object:
    return restore_assets(person(cast, "alice"), RestoreAssets.model_validate({**BARCELONA, "ids": ids}))


def tag(cast: Cast, ids: list[str]) -> object:
    command = {**BARCELONA, "assetIds": ids, "tags": ["Moon", "Stars", "sea"]}
    return tag_assets(person(cast, "alice"), TagAssets.model_validate(command))


def untag(cast: Cast, ids: list[str]) -> object:
    command = {**BARCELONA, "assetIds": ids, "tags": ["sea", "sky", "moon"]}
    return untag_assets(person(cast, "alice"), UntagAssets.model_validate(command))


def transfer(cast: Cast, ids: list[str]) -> object:
    ends = {"sourceLibraryId": "barcelona", "targetLibraryId": "paris"}
    command = {"organizationId": "acme", **ends, "assetIds": ids}
    return transfer_assets(person(cast, "alice"), TransferAssets.model_validate(command))


def made(cast: Cast, number: int, seconds: int) -> list[str]:
    """Make assets with tags, a variant for each, at moments that lie apart."""
    ids = []
    for count in range(number):
        asset = AssetFactory(library=cast.barcelona, tagged=TAGS)
        AssetFactory(library=cast.barcelona, parent=asset)
        Asset.objects.filter(pk=asset.pk).update(created=BEGIN + count * timedelta(seconds=seconds))
        ids.append(asset.pk)
    return ids


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [0, 100])
@pytest.mark.parametrize("act", [delete, restore, tag, untag, transfer])
def test_a_hundred_assets_take_as_many_queries_as_two(cast: Cast, act: Act, seconds: int) -> None:
    few, many = (queries_of(cast, act, number, seconds) for number in (2, MOST_ASSETS))
    assert many == few
    assert len(many) <= MOST_QUERIES


@pytest.mark.django_db
def test_assets_come_back_beside_others_of_seconds_that_are_full(cast: Cast) -> None:
    ids = made(cast, 3, seconds=0)
    delete(cast, ids)
    place = 256 * int((BEGIN - PLACES_BEGIN).total_seconds())
    others = AssetFactory.create_batch(600, library=cast.barcelona)
    for count, other in enumerate(others):
        SearchEntry.objects.filter(asset=other).update(place=place + count)
    restore(cast, ids)
    places = SearchEntry.objects.filter(asset__in=ids).order_by("place").values_list("place", flat=True)
    assert list(places) == [place + 600, place + 601, place + 602]


def queries_of(cast: Cast, act: Act, number: int, seconds: int) -> list[str]:
    """Return how each statement begins; rows that go in by several, since SQLite limits their values, count once."""
    ids = made(cast, number, seconds)
    if act is restore:
        delete(cast, ids)
    with CaptureQueriesContext(connection) as captured:
        act(cast, ids)
    begins: list[str] = []
    for query in captured.captured_queries:
        begin = " ".join(query["sql"].split()[:3])
        if "SAVEPOINT" not in begin and not (begin.startswith("INSERT") and begin == begins[-1]):
            begins.append(begin)
    return begins
