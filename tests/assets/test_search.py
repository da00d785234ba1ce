"""One table of questions, which both databases must answer alike: what is found, in which order, with which marks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from assets.contracts import MOST_SEARCH_WORDS, SEARCH_LENGTH, SearchAssets
from assets.models import Asset
from assets.search_index import index_assets
from tests.assets.searching import names, search
from tests.factories import AssetFactory, Cast

#: Name, tags, description, approval; the newest is the last.
ASSETS = {
    "sagrada": ("Sagrada Família at dusk", ["Sunset", "church"], "Taken from the <east> & the park", ""),
    "beach": ("Barceloneta beach", ["sea", "sun"], "The sea at sunset, before the storm", "approved"),
    "sunset": ("Sunset over the sea", ["sky"], "", "in_review"),
    "strasse": ("Straße in İstanbul", [], "A sunsets' street", "approved"),
    "kyoto": ("夏の京都駅", ["旅行"], "Platform 3", ""),
    "greeting": ("أَهْلًا", ["🌅"], "sea" + " of words" * 60 + " and a lighthouse at its end", ""),
}


@pytest.fixture
def assets(cast: Cast) -> dict[str, Asset]:
    made: dict[str, Asset] = {}
    for number, (key, (name, tags, description, approval)) in enumerate(ASSETS.items()):
        asset = AssetFactory(
            library=cast.paris if key == "kyoto" else cast.barcelona,
            name=name,
            tagged=tags,
            description=description,
            approval_state=approval,
            approval_at=datetime(2026, 1, 1, tzinfo=UTC) if approval else None,
        )
        made[key] = asset
        Asset.objects.filter(pk=asset.pk).update(created=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number))
        asset.search_entry.delete()
        index_assets([asset.pk])
    return made


ALL = ["greeting", "kyoto", "strasse", "sunset", "beach", "sagrada"]
QUESTIONS: list[tuple[str, list[tuple[str, int]]]] = [
    ("", [(key, 0) for key in ALL]),
    ("   ", [(key, 0) for key in ALL]),
    # Name over tags over description, whole over beginning, then newest.
    ("sunset", [("sunset", 9), ("sagrada", 6), ("beach", 3), ("strasse", 2)]),
    ("sun", [("sunset", 8), ("beach", 6), ("sagrada", 5), ("strasse", 2)]),
    ("SEA", [("sunset", 9), ("beach", 6), ("greeting", 3)]),
    ("sea sunset", [("sunset", 9), ("beach", 3)]),
    ("sunset, sea!", [("sunset", 9), ("beach", 3)]),
    ("sea beach", [("beach", 6)]),
    ("sea church", []),
    # Accents and case.
    ("familia", [("sagrada", 9)]),
    ("FAMÍLIA", [("sagrada", 9)]),
    ("strasse", [("strasse", 9)]),
    ("STRASSE istanbul", [("strasse", 9)]),
    ("اهلا", [("greeting", 9)]),
    # Scripts without spaces, and emoji.
    ("京都", [("kyoto", 9)]),
    ("京都駅", [("kyoto", 9)]),
    ("駅", [("kyoto", 9)]),
    ("旅行 platform", [("kyoto", 3)]),
    ("都京", []),
    ("🌅", [("greeting", 6)]),
    # Single letters and digits are whole words only.
    ("s", []),
    ("a", [("greeting", 3), ("strasse", 3)]),
    ("3", [("kyoto", 3)]),
    # Mistyped words, and words that are no mistakes.
    ("sunste", [("sunset", 7), ("sagrada", 4), ("beach", 1)]),
    ("barcelonetta", [("beach", 7)]),
    ("bracelonteta sea", [("beach", 6)]),
    ("saggradda", [("sagrada", 7)]),
    ("sse", []),
    ("4", []),
    ("plattfomr", [("kyoto", 1)]),
    ("sunste sunset", [("sunset", 7), ("sagrada", 4), ("beach", 1)]),
    ("sunste nonsense", []),
    # What databases read as operators.
    ("AND", [("greeting", 3)]),
    ("sunset NOT sea", []),
    ('"sunset" *', [("sunset", 9), ("sagrada", 6), ("beach", 3), ("strasse", 2)]),
    ("sunset & !sea | (", [("sunset", 9), ("beach", 3)]),
    ("name:sunset", []),
    ("%", []),
    ("_ -- ' ;", []),
]


@pytest.mark.parametrize(("q", "answer"), QUESTIONS)
def test_questions_have_one_answer(assets: dict[str, Asset], q: str, answer: list[tuple[str, int]]) -> None:
    result = search(q)
    keys = {asset.pk: key for key, asset in assets.items()}
    assert [(keys[hit.id], hit.score) for hit in result.hits] == answer
    assert (result.found, result.found_capped, result.page) == (len(answer), False, 1)


@pytest.mark.parametrize(
    ("q", "corrected"),
    [
        ("sunste", "sunset"),
        ("Sunste, over the SEA!", "sunset, over the SEA!"),
        ("famili", None),
        ("sunset", None),
        ("zzzz", None),
        ("sunste nonsense", None),
        ("platfrom 3", "platform 3"),
    ],
)
def test_what_was_searched_instead_is_told(assets: dict[str, Asset], q: str, corrected: str | None) -> None:
    assert search(q).corrected == corrected


@pytest.mark.parametrize(
    ("q", "key", "marked"),
    [
        ("sunset", "sunset", {"name": "<mark>Sunset</mark> over the sea"}),
        ("sun", "sagrada", {"tags": ["Sunset"]}),
        (
            "sea sunset",
            "beach",
            {"description": "The <mark>sea</mark> at <mark>sunset</mark>, before the storm", "tags": ["sea"]},
        ),
        ("east", "sagrada", {"description": "Taken from the &lt;<mark>east</mark>&gt; &amp; the park"}),
        ("sunset", "strasse", {"description": "A <mark>sunset</mark>s&#x27; street"}),
        ("strasse ist", "strasse", {"name": "<mark>Straße</mark> in <mark>İst</mark>anbul"}),
        ("اهلا", "greeting", {"name": "<mark>أَهْلًا</mark>"}),
        ("京都駅", "kyoto", {"name": "夏の<mark>京都駅</mark>"}),
        ("🌅", "greeting", {"tags": ["🌅"]}),
        ("sunste", "sunset", {"name": "<mark>Sunset</mark> over the sea"}),
        ("", "sunset", {}),
    ],
)
def test_matches_are_marked_and_all_else_escaped(
    assets: dict[str, Asset], q: str, key: str, marked: dict[str, Any]
) -> None:
    [hit] = [hit for hit in search(q).hits if hit.id == assets[key].pk]
    assert hit.highlights.model_dump() == marked


def test_a_long_description_is_shown_around_the_first_match(assets: dict[str, Asset]) -> None:
    [hit] = search("lighthouse").hits
    shown = hit.highlights.description
    assert shown is not None
    assert shown.startswith("…") and shown.endswith("and a <mark>lighthouse</mark> at its end")
    assert 200 < len(shown) < 330


def test_filters_narrow_what_is_found(assets: dict[str, Asset]) -> None:
    assert names("", approval="approved") == ["Straße in İstanbul", "Barceloneta beach"]
    assert names("sunset", approval="approved") == ["Barceloneta beach", "Straße in İstanbul"]
    assert names("", approval="needs_changes") == []
    assert names("", tags=[" SEA ", "sky"]) == ["Sunset over the sea", "Barceloneta beach"]
    assert names("", tags=["sun"]) == ["Barceloneta beach"], "a tag is compared as a whole"
    assert names("", libraries=["paris"]) == ["夏の京都駅"]
    assert names("sunset", libraries=["paris"]) == []
    assert len(names("", libraries=["paris", "barcelona"])) == 6


def test_pages_follow_each_other(assets: dict[str, Asset]) -> None:
    pages = [search("sunset", page=page, page_size=2) for page in (1, 2, 3)]
    assert [[hit.score for hit in page.hits] for page in pages] == [[9, 6], [3, 2], []]
    assert [page.found for page in pages] == [4, 4, 4]
    assert search("", page=1_000_000, page_size=500).hits == []


def test_variants_and_the_trash_are_not_found(cast: Cast) -> None:
    parent = AssetFactory(library=cast.barcelona, name="Original")
    AssetFactory(library=cast.barcelona, name="Crop", parent=parent)
    AssetFactory(library=cast.barcelona, name="Gone", trashed=datetime(2026, 1, 1, tzinfo=UTC))
    assert (names("crop"), names("gone"), names("")) == ([], [], ["Original"])


@pytest.mark.parametrize(
    "refused",
    [
        {"q": "x" * (SEARCH_LENGTH + 1)},
        {"q": " ".join(map(str, range(MOST_SEARCH_WORDS + 1)))},
        {"q": "nul\x00"},
        {"q": "\ud800"},
        {"q": "sea", "libraries": []},
        {"q": "sea", "approval": "none"},
        {"q": "sea", "page": 0},
    ],
)
def test_searches_beyond_the_limits_are_refused(refused: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SearchAssets.model_validate({"organizationId": "acme", **refused})
