"""A library and its assets, as a person sees them."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from assets.forms import MOST_OFFERED
from assets.models import Asset
from orgs.models import Library
from orgs.principal import MOST_IN_SIDEBAR
from tests.assets.test_library_changes import told
from tests.factories import AssetFactory, Cast, LibraryFactory

pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def beach(cast: Cast) -> Asset:
    return AssetFactory(
        library=cast.barcelona, name="Beach", sizes={"1280": "large.webp", "320": "small.webp"}, tagged=["Sea", "a&b"]
    )


def test_whoever_is_signed_out_signs_in_first(client: Client, beach: Asset) -> None:
    for path in ("/acme/barcelona", f"/acme/barcelona/{beach.pk}"):
        assert client.get(path).headers["Location"] == f"/login?next={path}"


def test_out_of_reach_and_unknown_are_the_same(client: Client, cast: Cast, beach: Asset) -> None:
    hidden = AssetFactory(library=cast.paris, name="Hidden")
    unknown_asset = "0" * len(beach.pk)
    for user in (cast.bob, cast.carol):
        client.force_login(user)
        answers = [
            client.get(path)
            for path in (
                "/acme/paris",
                "/acme/nowhere",
                "/globex/secret",
                f"/acme/paris/{hidden.pk}",
                f"/acme/barcelona/{hidden.pk}",
                f"/acme/barcelona/{unknown_asset}",
                f"/nowhere/barcelona/{beach.pk}",
            )
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
    client.force_login(cast.dave)
    assert client.get(f"/acme/barcelona/{beach.pk}").status_code == 404


def test_what_is_in_the_trash_is_not_shown(client: Client, cast: Cast, beach: Asset) -> None:
    Asset.objects.filter(pk=beach.pk).update(trashed="2026-01-01T00:00:00Z")
    client.force_login(cast.carol)
    assert "Beach" not in client.get("/acme/barcelona").content.decode()
    assert client.get(f"/acme/barcelona/{beach.pk}").status_code == 404


def test_an_empty_library_says_how_assets_get_in(client: Client, cast: Cast) -> None:
    client.force_login(cast.carol)
    assert "Whoever may write in this library uploads them" in client.get("/acme/barcelona").content.decode()
    client.force_login(cast.bob)
    assert "Drop images, videos or PDFs anywhere on this page" in client.get("/acme/barcelona").content.decode()


def test_a_picture_is_offered_in_its_sizes_with_its_name(client: Client, cast: Cast, beach: Asset) -> None:
    client.force_login(cast.carol)
    page = client.get("/acme/barcelona").content.decode()
    base = f"http://localhost:8000/media/{beach.pk}"
    assert f'srcset="{base}/320/small.webp 320w, {base}/1280/large.webp 1280w"' in page
    assert 'alt="Beach"' in page
    assert "1 asset" in page


def test_a_type_that_browsers_do_not_show_is_a_tile_with_its_name(client: Client, cast: Cast) -> None:
    AssetFactory(library=cast.barcelona, name="Scan", content_type="image/tiff")
    client.force_login(cast.carol)
    page = client.get("/acme/barcelona").content.decode()
    assert ">TIFF</span>" in page
    assert "<img" not in page.split("<main", 1)[1]


def test_names_are_text_and_never_markup(client: Client, cast: Cast) -> None:
    asset = AssetFactory(
        library=cast.barcelona, name="<b>bold</b>", description="<script>alert(1)</script>", tagged=['"><i>']
    )
    client.force_login(cast.carol)
    for path in ("/acme/barcelona", f"/acme/barcelona/{asset.pk}"):
        page = client.get(path).content.decode()
        assert "<b>bold" not in page
        assert "<script>alert" not in page
        assert '"><i>' not in page


@pytest.mark.parametrize(("tag", "shown"), [("sea", True), ("SEA", True), ("a%26b", True), ("hills", False)])
def test_tags_filter_in_whatever_case(client: Client, cast: Cast, beach: Asset, tag: str, shown: bool) -> None:
    AssetFactory(library=cast.barcelona, name="Untagged")
    client.force_login(cast.carol)
    page = client.get(f"/acme/barcelona?tag={tag}").content.decode()
    assert ('alt="Beach"' in page) is shown
    assert "Untagged" not in page
    assert 'href="?tag=a%26b"' in page


def test_the_chosen_tag_stays_on_the_next_page(client: Client, cast: Cast) -> None:
    for _ in range(61):
        AssetFactory(library=cast.barcelona, tagged=["sea"])
    client.force_login(cast.carol)
    first = client.get("/acme/barcelona?tag=sea").content.decode()
    assert 'href="?tag=sea&amp;page=2"' in first
    assert first.count('class="tile"') == 60
    second = client.get("/acme/barcelona?tag=sea&page=2").content.decode()
    assert second.count('class="tile"') == 1
    assert "Page 2 of 2" in second


@pytest.mark.parametrize("page", ["0", "-1", "x", "9999999", "1e3", "²"])
def test_a_page_that_is_none_is_the_first(client: Client, cast: Cast, beach: Asset, page: str) -> None:
    client.force_login(cast.carol)
    answer = client.get("/acme/barcelona", {"page": page})
    assert answer.status_code == 200
    assert 'alt="Beach"' in answer.content.decode()


def test_a_page_past_the_end_leads_back(client: Client, cast: Cast, beach: Asset) -> None:
    client.force_login(cast.carol)
    page = client.get("/acme/barcelona?page=999999").content.decode()
    assert "This page is past the end" in page
    assert 'href="?page=1"' in page


def test_the_page_of_an_asset_says_who_can_read_its_link(client: Client, cast: Cast, beach: Asset) -> None:
    Asset.objects.filter(pk=beach.pk).update(description="Two\n\nparagraphs")
    client.force_login(cast.carol)
    page = client.get(f"/acme/barcelona/{beach.pk}").content.decode()
    link = f"http://localhost:8000/media/{beach.pk}/Beach.jpg"
    assert f'value="{link}"' in page
    assert f'href="{link}?download"' in page
    assert "Whoever has this link can read the file, without signing in." in page
    assert "<p>paragraphs</p>" in page
    assert "800 × 600 px" in page
    assert 'href="/acme/barcelona?tag=a%26b"' in page


def test_variants_are_reached_through_their_original_and_lead_back(client: Client, cast: Cast, beach: Asset) -> None:
    variant = AssetFactory(library=cast.barcelona, parent=beach, name="Beach, cropped")
    client.force_login(cast.carol)
    assert "Beach, cropped" not in client.get("/acme/barcelona").content.decode()
    assert f"/acme/barcelona/{variant.pk}" in client.get(f"/acme/barcelona/{beach.pk}").content.decode()
    assert f"/acme/barcelona/{beach.pk}" in client.get(f"/acme/barcelona/{variant.pk}").content.decode()


def test_the_grid_takes_as_many_queries_for_many_assets(
    client: Client, cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        AssetFactory(library=cast.barcelona, tagged=["sea", f"tag {number}"])
    client.force_login(cast.carol)
    with django_assert_max_num_queries(20):
        assert client.get("/acme/barcelona").content.decode().count('class="tile"') == 60


def make_libraries(cast: Cast, count: int) -> None:
    """Give Acme more libraries: ``shelf-0``, ``shelf-1`` and so on."""
    Library.objects.bulk_create(
        Library(organization=cast.acme, name=f"Shelf {number}", slug=f"shelf-{number}") for number in range(count)
    )


def test_as_many_libraries_as_a_list_shows_are_listed(client: Client, cast: Cast, beach: Asset) -> None:
    make_libraries(cast, MOST_OFFERED - 1)  # and Paris
    client.force_login(cast.alice)
    for path in ("/acme/barcelona", f"/acme/barcelona/{beach.pk}"):
        page = client.get(path).content.decode()
        assert "<datalist" not in page
        assert page.count("<option value") == MOST_OFFERED + 3 * path.endswith(beach.pk)  # and three judgements


def test_pages_stay_small_however_many_libraries_there_are(
    client: Client, cast: Cast, beach: Asset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(cast.alice)
    paths = ("/acme/barcelona", f"/acme/barcelona/{beach.pk}", "/acme/search?q=beach", "/acme/barcelona?q=beach")
    few = [len(client.get(path).content) for path in paths]
    make_libraries(cast, 3000)
    for path, before in zip(paths, few, strict=True):
        with django_assert_max_num_queries(25):
            page = client.get(path).content.decode()
        assert page.count("shelf-") <= MOST_OFFERED + MOST_IN_SIDEBAR
        assert len(page) < before + 200 * (MOST_OFFERED + MOST_IN_SIDEBAR)
        assert page.count("<datalist") == ("search" not in path)


def test_the_sidebar_says_that_there_are_more_libraries_than_it_shows(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    make_libraries(cast, MOST_IN_SIDEBAR - 2)  # and Barcelona and Paris
    assert "All libraries" not in client.get("/acme/barcelona").content.decode()
    LibraryFactory(organization=cast.acme, name="Zebras")
    page = client.get("/acme/barcelona").content.decode()
    assert '<li><a href="/acme">All libraries</a></li>' in page
    assert '<a href="/acme/zebras">' not in page


@pytest.mark.parametrize("sent", ["shelf-2999", "Shelf 2999", " shelf-2999 "])
def test_a_library_among_too_many_to_list_is_typed(client: Client, cast: Cast, beach: Asset, sent: str) -> None:
    make_libraries(cast, 3000)
    client.force_login(cast.alice)
    page = client.get(f"/acme/barcelona/{beach.pk}").content.decode()
    assert 'list="libraries"' in page and '<datalist id="libraries">' in page
    assert "Shelf 2999" not in page
    assert "Write its id or its name." in page
    answer = client.post("/acme/barcelona/move", {"library": sent, "asset": beach.pk})
    assert told(answer) == ["1 asset was moved to Shelf 2999."]
    beach.refresh_from_db()
    assert beach.library.slug == "shelf-2999"


def test_an_id_goes_before_a_name_and_a_name_of_several_is_none(client: Client, cast: Cast, beach: Asset) -> None:
    make_libraries(cast, MOST_OFFERED)
    LibraryFactory(organization=cast.acme, name="shelf-7", slug="other")
    for slug in ("twin-1", "twin-2"):
        LibraryFactory(organization=cast.acme, name="Twin", slug=slug)
    client.force_login(cast.alice)
    answer = client.post(f"/acme/barcelona/{beach.pk}/move", {"library": "Twin"})
    assert told(answer)[-1] == "Several libraries have this name: write the id of one."
    client.post(f"/acme/barcelona/{beach.pk}/move", {"library": "shelf-7"})
    beach.refresh_from_db()
    assert beach.library.slug == "shelf-7"


@pytest.mark.parametrize("others", [0, MOST_OFFERED + 1])
def test_a_library_to_move_to_that_is_unknown_or_out_of_reach_is_one(
    client: Client, cast: Cast, beach: Asset, others: int
) -> None:
    membership = cast.bob.memberships.get()
    make_libraries(cast, others)
    for library in Library.objects.filter(slug__startswith="shelf-"):
        library.memberships.create(membership=membership, role="editor")
    LibraryFactory(organization=cast.acme, name="Read only", slug="seen").memberships.create(
        membership=membership, role="viewer"
    )
    client.force_login(cast.bob)
    assert "paris" not in client.get("/acme/barcelona").content.decode()
    for unreachable in ("paris", "Paris", "secret", "seen", "Read only", "nowhere", "barcelona", "é"):
        answer = client.post("/acme/barcelona/move", {"library": unreachable, "asset": beach.pk})
        assert answer.status_code == 302
        assert told(answer)[-1] == "Choose one of the libraries."
    beach.refresh_from_db()
    assert beach.library == cast.barcelona


def test_names_of_any_script_keep_to_themselves(client: Client, cast: Cast, beach: Asset) -> None:
    Library.objects.filter(pk=cast.barcelona.pk).update(name="مكتبة (1)")
    Asset.objects.filter(pk=beach.pk).update(name="صورة (2)", description="وصف")
    client.force_login(cast.alice)
    page = client.get("/acme/barcelona").content.decode()
    assert "<h1><bdi>مكتبة (1)</bdi></h1>" in page
    assert 'dir="auto" aria-hidden="true">صورة (2)</span>' in page
    page = client.get(f"/acme/barcelona/{beach.pk}").content.decode()
    assert "<h1><bdi>صورة (2)</bdi></h1>" in page
    assert "<bdi>مكتبة (1)</bdi></a></nav>" in page
    assert '<div class="prose" dir="auto"><p>وصف</p>' in page
