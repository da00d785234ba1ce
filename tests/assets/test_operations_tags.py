"""Tags go on and off as whole sets, are compared without case, and count what really changed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydantic import ValidationError

from assets.contracts import ListTags, TagAssets, UntagAssets
from assets.models import Asset, AssetTag, Tag
from assets.operations.tags import list_tags, tag_assets, untag_assets
from orgs.access import Origin, UserPrincipal
from orgs.models import AuditEntry
from raster.errors import LibraryNotAuthorized, LibraryReadOnly, OrganizationNotFound, RasterError, ResourceNotFound
from tests.factories import AssetFactory, Cast


def principal(cast: Cast, name: str) -> UserPrincipal:
    return UserPrincipal(Origin("web"), getattr(cast, name))


def arguments(assets: list[Asset], tags: list[str], organization: str, library: str) -> dict[str, object]:
    return {
        "organizationId": organization,
        "libraryId": library,
        "assetIds": [asset.pk for asset in assets],
        "tags": tags,
    }


def tag(
    cast: Cast, assets: list[Asset], *tags: str, by: str = "bob", organization: str = "acme", library: str = "barcelona"
) -> int:
    command = TagAssets.model_validate(arguments(assets, list(tags), organization, library))
    return tag_assets(principal(cast, by), command).tagged_count


def untag(
    cast: Cast, assets: list[Asset], *tags: str, by: str = "bob", organization: str = "acme", library: str = "barcelona"
) -> int:
    command = UntagAssets.model_validate(arguments(assets, list(tags), organization, library))
    return untag_assets(principal(cast, by), command).untagged_count


def tags_of(asset: Asset) -> list[str]:
    return [asset_tag.tag.text for asset_tag in asset.asset_tags.select_related("tag")]


@pytest.mark.parametrize(
    ("person", "organization", "library", "refusal"),
    [
        ("dave", "acme", "barcelona", OrganizationNotFound),
        ("bob", "nobody", "barcelona", OrganizationNotFound),
        ("bob", "acme", "paris", LibraryNotAuthorized),
        ("bob", "acme", "unknown", LibraryNotAuthorized),
        ("carol", "acme", "barcelona", LibraryReadOnly),
    ],
)
def test_who_may_not_write_changes_no_tag(
    cast: Cast, person: str, organization: str, library: str, refusal: type[RasterError]
) -> None:
    asset = AssetFactory(library=cast.barcelona, tagged=["sea"])
    for operation in (tag, untag):
        with pytest.raises(refusal):
            operation(cast, [asset], "sea", "sky", by=person, organization=organization, library=library)
    assert tags_of(asset) == ["sea"]
    assert Tag.objects.count() == 1


def test_tags_out_of_reach_are_not_listed(cast: Cast) -> None:
    AssetFactory(library=cast.paris, tagged=["sea"])
    with pytest.raises(LibraryNotAuthorized):
        list_tags(principal(cast, "carol"), ListTags(organization_id="acme", library_id="paris"))
    with pytest.raises(OrganizationNotFound):
        list_tags(principal(cast, "dave"), ListTags(organization_id="acme", library_id="barcelona"))


@pytest.mark.parametrize("operation", [tag, untag])
def test_one_asset_that_is_not_there_stops_all(cast: Cast, operation: type) -> None:
    asset = AssetFactory(library=cast.barcelona, tagged=["sea"])
    others = (
        AssetFactory(library=cast.barcelona, trashed=timezone.now(), tagged=["sea"]),
        AssetFactory(library=cast.paris, tagged=["sea"]),
        Asset(pk="unknown"),
    )
    before = set(AssetTag.objects.values_list("asset", "tag"))
    for other in others:
        with pytest.raises(ResourceNotFound, match="nothing was changed"):
            operation(cast, [asset, other], "sea", "sky")
    assert set(AssetTag.objects.values_list("asset", "tag")) == before
    assert not Tag.objects.filter(text="sky").exists()
    assert not AuditEntry.objects.filter(action__startswith="asset.").exists()


@pytest.mark.parametrize(
    "text", ["index", "Trash", " INDEX ", "", "   ", "a,b", "x" * 65, "two\nlines", "nul\x00", "right\u202eleft"]
)
@pytest.mark.parametrize("operation", [tag, untag])
def test_a_tag_that_is_none_is_refused_before_any_write(cast: Cast, operation: type, text: str) -> None:
    asset = AssetFactory(library=cast.barcelona)
    with pytest.raises(ValidationError):
        operation(cast, [asset], "sea", text)
    assert not Tag.objects.exists()


def test_the_lists_have_limits(cast: Cast) -> None:
    assets = [Asset(pk=f"asset{number}") for number in range(101)]
    for ids, tags in ((assets, ["sea"]), ([], ["sea"]), (assets[:1], []), (assets[:1], [f"t{n}" for n in range(21)])):
        with pytest.raises(ValidationError):
            tag(cast, ids, *tags)


def test_only_pairs_that_are_new_count(cast: Cast) -> None:
    first, second = AssetFactory(library=cast.barcelona, tagged=["sea"]), AssetFactory(library=cast.barcelona)
    assert tag(cast, [first, second], "sea", "sky") == 3
    assert tag(cast, [first, second], "sea", "sky") == 0
    assert tag(cast, [first, first], "sky", "SKY", "sun") == 1
    assert set(tags_of(first)) == {"sea", "sky", "sun"}


def test_a_tag_stays_as_it_was_first_written(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    assert tag(cast, [asset], "  Été ", "STRASSE") == 2
    assert tag(cast, [asset], "ÉTÉ", "e\u0301te\u0301", "straße") == 0
    assert sorted(tags_of(asset)) == ["STRASSE", "Été"]
    assert tag(cast, [asset], "été vert") == 1


def test_a_tag_written_twice_in_one_call_is_kept_as_the_first(cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona)
    assert tag(cast, [asset], "Sky", "SKY", "sky") == 1
    assert tags_of(asset) == ["Sky"]


def test_tags_come_off_in_any_case_and_only_pairs_that_are_gone_count(cast: Cast) -> None:
    first, second = AssetFactory(library=cast.barcelona, tagged=["Sea"]), AssetFactory(library=cast.barcelona)
    assert untag(cast, [first, second], "SEA", "unknown") == 1
    assert untag(cast, [first, second], "sea") == 0
    assert tags_of(first) == []


def test_a_tag_on_no_asset_is_forgotten_and_may_come_back_in_another_spelling(cast: Cast) -> None:
    first, second = (AssetFactory(library=cast.barcelona, tagged=["Sea"]) for _ in range(2))
    untag(cast, [first], "sea")
    assert Tag.objects.get().text == "Sea"
    untag(cast, [second], "sea")
    assert not Tag.objects.exists()
    tag(cast, [first], "SEA")
    assert tags_of(first) == ["SEA"]


def test_libraries_have_tags_of_their_own(cast: Cast) -> None:
    here, there = AssetFactory(library=cast.barcelona, tagged=["Sea"]), AssetFactory(library=cast.paris, tagged=["SEA"])
    untag(cast, [here], "sea")
    assert tags_of(there) == ["SEA"]


def test_a_change_is_recorded_and_moves_updated_and_no_change_does_neither(cast: Cast) -> None:
    asset, tagged = AssetFactory(library=cast.barcelona), AssetFactory(library=cast.barcelona, tagged=["sea"])
    before, untouched = asset.updated, tagged.updated
    tag(cast, [asset, tagged], "sea")
    asset.refresh_from_db()
    tagged.refresh_from_db()
    assert asset.updated > before
    assert tagged.updated == untouched
    tag(cast, [asset, tagged], "sea")
    entry = AuditEntry.objects.get(action="asset.tag")
    assert (entry.actor, entry.target) == ("bob@example.com", "Barcelona (barcelona)")
    assert entry.after == {"assets": [asset.pk], "tags": ["sea"]}
    untag(cast, [asset, tagged], "sea")
    untag(cast, [asset, tagged], "sea")
    assert AuditEntry.objects.get(action="asset.untag").after["assets"] == sorted([asset.pk, tagged.pk])


def test_the_most_used_come_first_and_only_what_is_live_counts(cast: Cast) -> None:
    first = AssetFactory(library=cast.barcelona, tagged=["sky", "sea", "Blue"])
    AssetFactory(library=cast.barcelona, tagged=["sea"])
    AssetFactory(library=cast.barcelona, tagged=["sky", "gone"], trashed=timezone.now())
    AssetFactory(library=cast.barcelona, tagged=["sky", "night"], parent=first)
    AssetFactory(library=cast.paris, tagged=["sea", "paris"])
    page = list_tags(principal(cast, "carol"), ListTags(organization_id="acme", library_id="barcelona"))
    assert [(tag.id, tag.count, tag.type) for tag in page.data] == [
        ("sea", 2, "user"),
        ("Blue", 1, "user"),
        ("sky", 1, "user"),
    ]
    short = list_tags(principal(cast, "carol"), ListTags(organization_id="acme", library_id="barcelona", limit=1))
    assert ([tag.id for tag in short.data], short.total) == (["sea"], 3)


def test_tagging_many_takes_as_many_queries_as_tagging_one(cast: Cast) -> None:
    assets: list[Asset] = [AssetFactory(library=cast.barcelona) for _ in range(20)]
    counts = []
    for chosen, tags in ((assets[:1], ["a"]), (assets[1:], [f"tag {number}" for number in range(20)])):
        with CaptureQueriesContext(connection) as queries:
            tag(cast, chosen, *tags)
        counts.append(len(queries))
    assert counts[0] == counts[1]
