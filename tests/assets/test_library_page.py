"""A library and its assets, as a person sees them."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from assets.models import Asset
from tests.factories import AssetFactory, Cast

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
