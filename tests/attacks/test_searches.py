"""Eight of the worst searches at once, by one organization, keep nobody of another one waiting."""

from functools import partial
from string import ascii_lowercase

import pytest
from django.db import transaction

from assets.contracts import DESCRIPTION_LENGTH, MOST_SEARCH_LIBRARIES, MOST_TAG_FILTERS
from assets.models import Asset, AssetTag, Tag
from assets.search_index import index_assets
from orgs.models import Library
from tests.attacks.bystander import Bystander, working
from tests.attacks.sending import ATTACKERS, attackers, call_at_once
from tests.factories import AssetFactory, Cast, LibraryFactory
from tests.server import Server

AT_ONCE = 8
ASSETS = 100
#: Each letter of the first folds to eighteen, and each of the second is a word of its own.
EXPANDING, SINGLE = "\ufdfa", "e\u0301 "
DESCRIPTIONS = {
    "short words": "a b c d e f " * 900,
    "marks": "e" + "\u0301" * DESCRIPTION_LENGTH,
    "letters that expand": EXPANDING * DESCRIPTION_LENGTH,
    "words with accents": SINGLE * DESCRIPTION_LENGTH,
    "no spaces": "夏の京都駅" * DESCRIPTION_LENGTH,
    "emoji": "🌅🌊" * DESCRIPTION_LENGTH,
    "words that begin alike": " ".join(f"light{one}{two}" for one in ascii_lowercase for two in ascii_lowercase),
}
QUERIES = {
    "short words": " ".join("abcdef"),
    "marks": "e",
    "letters that expand": EXPANDING,
    "words with accents": "é",
    "no spaces": "夏の京都駅",
    "emoji": "🌅 🌊",
    "words that begin alike": " ".join("lightqrstuvwxyz"[:length] for length in range(2, 7)),
}
#: What makes a search a bad one besides its texts.
MORE: dict[str, dict[str, object]] = {
    "a page": {},
    "tags and libraries": {
        "tags": [f"tag {number}" for number in range(MOST_TAG_FILTERS)],
        "libraries": [f"l{number}" for number in range(MOST_SEARCH_LIBRARIES)],
    },
    "the last page": {"page": 1_000_000},
}


@transaction.atomic
def fill(cast: Cast, description: str) -> None:
    """Give Acme's libraries assets with this description, twenty of the longest tags each."""
    libraries = [cast.barcelona] + [
        LibraryFactory(organization=cast.acme, slug=f"l{number}") for number in range(MOST_SEARCH_LIBRARIES)
    ]
    assets = [AssetFactory.build(library=libraries[number % 3]) for number in range(ASSETS)]
    for asset in assets:
        asset.name, asset.description = description[:255], description[:DESCRIPTION_LENGTH]
    Asset.objects.bulk_create(assets)
    for library in Library.objects.filter(pk__in=[each.pk for each in libraries[:3]]):
        texts = [f"{number} {description}"[:64].strip() for number in range(20)]
        tags = Tag.objects.bulk_create([Tag(library=library, text=text, folded=text.casefold()) for text in texts])
        AssetTag.objects.bulk_create(
            [AssetTag(asset=asset, tag=tag) for asset in assets if asset.library_id == library.pk for tag in tags]
        )
    index_assets([asset.pk for asset in assets])


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_a_page_of_the_longest_descriptions(server: Server, cast: Cast, bystander: Bystander, kind: str) -> None:
    fill(cast, DESCRIPTIONS[kind])
    key = cast.key(**{library.slug: "read" for library in Library.objects.filter(organization=cast.acme)}).secret

    with attackers() as processes, working(bystander):
        for more in MORE.values():
            arguments = {"organizationId": "acme", "q": QUERIES[kind], "pageSize": 500, **more}
            search = partial(call_at_once, server.mcp_url, key, "search_assets", arguments)
            calls = [processes.submit(search, AT_ONCE // ATTACKERS) for _ in range(ATTACKERS)]
            assert all(all(call.result()) for call in calls)
