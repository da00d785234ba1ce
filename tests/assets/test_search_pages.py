"""Searching on pages: in one library, and in all that a person reaches."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from assets.models import Asset
from tests.factories import AssetFactory, Cast

pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def assets(cast: Cast) -> list[Asset]:
    return [
        AssetFactory(library=cast.barcelona, name="Golden <beach>", tagged=["sea"]),
        AssetFactory(library=cast.barcelona, name="Hills", description="At the golden hour & later", tagged=["land"]),
        AssetFactory(library=cast.paris, name="Golden tower", tagged=["sea"]),
        AssetFactory(library=cast.secret, name="Golden secret"),
    ]


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.usefixtures("assets")
def test_nobody_finds_what_they_do_not_reach(client: Client, cast: Cast) -> None:
    client.force_login(cast.carol)
    for address in ("/acme/barcelona?q=golden", "/acme/search?q=golden", "/acme/search"):
        shown = page(client, address)
        assert "tower" not in shown
        assert "secret" not in shown
    assert "tower" not in page(client, "/acme/search?q=towr")
    assert "Showing results" not in page(client, "/acme/search?q=towr")
    for address in ("/globex/search?q=golden", "/acme/paris?q=golden", "/nowhere/search"):
        assert client.get(address).status_code == 404
    client.logout()
    assert client.get("/acme/search?q=x").headers["Location"] == "/login?next=/acme/search%3Fq%3Dx"


@pytest.mark.usefixtures("assets")
def test_a_library_is_searched_with_what_matched_marked(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    shown = page(client, "/acme/barcelona?q=golden")
    assert "<mark>Golden</mark> &lt;beach&gt;" in shown
    assert "matched in name" in shown
    assert "At the <mark>golden</mark> hour &amp; later" in shown
    assert "matched in description" in shown
    assert "tower" not in shown
    assert "2 results" in shown
    assert 'value="golden"' in shown
    assert "matched in tags (land)" in page(client, "/acme/barcelona?q=land")


@pytest.mark.usefixtures("assets")
def test_tags_and_words_narrow_together_and_stay_together(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    shown = page(client, "/acme/barcelona?q=golden&tag=sea")
    assert "&lt;beach&gt;" in shown
    assert "Hills" not in shown
    assert '<input type="hidden" name="tag" value="sea">' in shown
    assert 'href="?q=golden&amp;tag=land"' in shown
    assert 'href="?tag=sea"' in shown


@pytest.mark.usefixtures("assets")
def test_a_mistyped_word_is_corrected_and_said_so(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    shown = page(client, "/acme/barcelona?q=golbden")
    assert "Showing results for <b><bdi>golden</bdi></b>" in shown
    assert "Nothing matches <q><bdi>golbden</bdi></q>" in shown
    assert "<mark>Golden</mark>" in shown


@pytest.mark.usefixtures("assets")
def test_the_organizations_search_says_where_each_is(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    shown = page(client, "/acme/search?q=golden")
    assert '<span class="matched" dir="auto">Paris</span>' in shown
    assert '<span class="matched" dir="auto">Barcelona</span>' in shown
    assert 'href="/acme/paris/' in shown
    assert "3 results" in shown
    assert 'action="/acme/search"' in page(client, "/acme")


@pytest.mark.parametrize("query", ["q=" + "x" * 501, "q=" + "+".join(["x"] * 21), "q=%00", "q=x&page=166667"])
def test_a_search_that_cannot_be_done_is_a_page_that_says_so(client: Client, cast: Cast, query: str) -> None:
    client.force_login(cast.alice)
    for address in ("/acme/barcelona", "/acme/search"):
        shown = page(client, f"{address}?{query}")
        assert "This search cannot be done" in shown or "Nothing matches" in shown


def test_what_is_searched_for_is_text(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    for address in ("/acme/barcelona", "/acme/search"):
        assert "<i>x" not in page(client, f"{address}?q=%22%3E%3Ci%3Ex")


def test_results_come_in_pages_that_keep_the_words(client: Client, cast: Cast) -> None:
    for number in range(61):
        AssetFactory(library=cast.barcelona, name=f"Beach {number}")
    client.force_login(cast.carol)
    first = page(client, "/acme/barcelona?q=beach")
    assert first.count('class="tile"') == 60
    assert 'href="?q=beach&amp;page=2"' in first
    assert page(client, "/acme/barcelona?q=beach&page=2").count('class="tile"') == 1


@pytest.mark.parametrize(
    ("address", "queries"), [("/acme/barcelona", 26), ("/acme/barcelona?q=beach", 36), ("/acme/search?q=beach", 28)]
)
def test_pages_take_as_many_queries_for_many_assets(
    client: Client,
    cast: Cast,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    address: str,
    queries: int,
) -> None:
    for number in range(60):
        original = AssetFactory(library=cast.barcelona, name=f"Beach {number}", tagged=["sea", f"tag {number}"])
        AssetFactory(library=cast.barcelona, parent=original, tagged=["cut"])
    client.force_login(cast.alice)
    with django_assert_max_num_queries(queries) as taken:
        assert client.get(address).content.decode().count('class="tile"') == 60
    print(address, len(taken))
