"""What the tests of searching share: a search by anybody, and what it should find, worked out without any index."""

from typing import Any

from assets.contracts import SearchAssets, SearchResult
from assets.models import Asset
from assets.operations.search import search_assets
from assets.search_words import indexed_words, is_unspaced, words_of
from orgs.access import Principal
from tests.factories import OPERATOR


def search(q: str, *, by: Principal = OPERATOR, organization: str = "acme", **more: Any) -> SearchResult:
    """Search Acme, as the operator where nobody else is named."""
    return search_assets(by, SearchAssets(organization_id=organization, q=q, **more))


def names(q: str, **more: Any) -> list[str]:
    """Return the names of what a search finds."""
    return [hit.name for hit in search(q, **more).hits]


def expected(q: str, assets: list[Asset]) -> list[tuple[str, int]]:
    """Return the ids and scores that a search of these live main assets gives: word by word, without an index."""
    words = words_of(q)
    scored = [(asset, min((_score(asset, word) for word in words), default=0)) for asset in assets]
    found = [(asset, score) for asset, score in scored if score or not words]
    found.sort(key=lambda pair: (pair[1], pair[0].created, pair[0].pk), reverse=True)
    return [(asset.pk, score) for asset, score in found]


def _score(asset: Asset, word: str) -> int:
    fields = {9: [asset.name], 6: [tag.text for tag in asset.tags.all()], 3: [asset.description]}
    scores = [0]
    for whole, texts in fields.items():
        there = {indexed for text in texts for indexed in indexed_words(text)}
        if word in there:
            scores.append(whole)
        elif len(word) >= 2 and not is_unspaced(word) and any(indexed.startswith(word) for indexed in there):
            scores.append(whole - 1)
    return max(scores)
