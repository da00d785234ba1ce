"""Finding assets by words in every library that the caller reaches."""

from assets.contracts import MOST_FOUND, SearchAssets, SearchHit, SearchResult
from assets.highlights import Highlighter
from assets.records import asset_record, live_originals, load_parts
from assets.search_engines import MOST_NAMED_LIBRARIES, Scope, engine
from assets.search_index import approval_token, tag_token
from assets.search_query import Groups, Matching, Token, Word, matching_of, steps
from assets.search_words import runs, words_of
from assets.spelling import closest_words, is_correctable, longer_words
from orgs.access import OrganizationRef, Principal
from orgs.models import Library
from raster.errors import LibraryNotAuthorized
from raster.snapshots import snapshot


def search_assets(principal: Principal, command: SearchAssets) -> SearchResult:
    """Return a page of the assets that hold every word, best first, then newest first.

    A word that no asset in reach holds is corrected where it looks mistyped, and ``corrected`` says to what.

    Raises:
        LibraryNotAuthorized: one of ``libraries`` is unknown or out of reach.
    """
    # Libraries come and go: what is counted and what is shown are those of one moment.
    with snapshot():
        return _searched(principal, principal.organization(command.organization_id), command)


def _searched(principal: Principal, organization: OrganizationRef, command: SearchAssets) -> SearchResult:
    scope = _scope(principal, organization, command)
    texts = words_of(command.q)
    if scope.libraries == () or (command.q.strip() and not texts):
        return SearchResult(hits=[], found=0, found_capped=False, page=command.page)
    words = [_word(scope, text) for text in texts]
    found, ids = _search(scope, command, words)
    corrected = None
    if not found and texts:
        corrections = _corrections(scope, words)
        if corrections:
            words = [_corrected(text, corrections) or word for text, word in zip(texts, words, strict=True)]
            found, ids = _search(scope, command, words)
            corrected = _rewritten(command.q, corrections) if found else None
    return SearchResult(
        hits=_hits(principal, organization, ids, words),
        found=min(found, MOST_FOUND),
        found_capped=found > MOST_FOUND,
        page=command.page,
        corrected=corrected,
    )


def _scope(principal: Principal, organization: OrganizationRef, command: SearchAssets) -> Scope:
    """Return which libraries are searched.

    Raises:
        LibraryNotAuthorized: one that was asked for is unknown or out of reach.
    """
    reach = principal.libraries().filter(organization_id=organization.id)
    if command.libraries is not None:
        reach = reach.filter(slug__in=set(command.libraries))
    ids = tuple(reach.order_by("pk").values_list("pk", flat=True)[: MOST_NAMED_LIBRARIES + 1])
    are_few = len(ids) <= MOST_NAMED_LIBRARIES
    reached = len(ids) if are_few else reach.count()
    if command.libraries is not None and reached != len(set(command.libraries)):
        slugs = set(reach.values_list("slug", flat=True))
        raise LibraryNotAuthorized(library_id=next(slug for slug in command.libraries if slug not in slugs))
    is_whole = reached > 1 and reached == Library.objects.filter(organization_id=organization.id).count()
    return Scope(organization.id, ids if are_few else None, None if are_few else reach, is_whole=is_whole)


def _narrowing(command: SearchAssets) -> Groups:
    groups: list[tuple[Token, ...]] = []
    if command.approval is not None:
        groups.append((Token(approval_token(command.approval)),))
    if command.tags:
        groups.append(tuple({Token(tag_token(tag.strip())) for tag in command.tags}))
    return tuple(groups)


def _word(scope: Scope, text: str) -> Word:
    matching = matching_of(text)
    # Of many libraries each would be looked into for each word, which takes longer than the search.
    is_looked_up = matching is Matching.BEGINNING and scope.libraries is not None
    return Word(text, matching, longer_words(scope, text) if is_looked_up else None)


def _search(scope: Scope, command: SearchAssets, words: list[Word]) -> tuple[int, list[tuple[str, int]]]:
    """Return how many assets there are, and the ids and scores of those on the page."""
    searched = steps(_narrowing(command), words)
    where = engine(scope)
    found = where.count(searched[-1])
    return found, where.page(searched, found, (command.page - 1) * command.page_size, command.page_size)


def _corrections(scope: Scope, words: list[Word]) -> dict[str, str]:
    """Return what the words that nothing holds were meant to be: nothing if that is not known of each of them."""
    return closest_words(scope, [word.text for word in words if is_correctable(word.text) and _is_nowhere(scope, word)])


def _is_nowhere(scope: Scope, word: Word) -> bool:
    """Return whether no asset holds the word, not even as a beginning; of a short one that is not asked."""
    if scope.libraries is None and word.matching is Matching.BEGINNING:
        return longer_words(scope, word.text) == ()
    return word.longer == ()


def _corrected(text: str, corrections: dict[str, str]) -> Word | None:
    return Word(corrections[text], Matching.CORRECTED) if text in corrections else None


def _rewritten(text: str, corrections: dict[str, str]) -> str:
    """Return what was typed with the corrected words in their places."""
    parts: list[str] = []
    at = 0
    for run in runs(text):
        if run.text in corrections:
            parts += [text[at : run.places[0]], corrections[run.text]]
            at = run.places[-1] + 1
    return "".join([*parts, text[at:]])


def _hits(
    principal: Principal, organization: OrganizationRef, ids: list[tuple[str, int]], words: list[Word]
) -> list[SearchHit]:
    scores = dict(ids)
    rows = live_originals(list(scores))
    # Asked for by themselves: in one statement with the assets, databases begin with whole libraries.
    reach = principal.libraries().filter(organization_id=organization.id)
    libraries = reach.in_bulk({asset.library_id for asset in rows})
    rows = [asset for asset in rows if asset.library_id in libraries]
    parts = load_parts(rows)
    records = {asset.pk: asset_record(asset, organization.slug, libraries[asset.library_id], parts) for asset in rows}
    highlighter = Highlighter(words)
    return [
        SearchHit(
            **dict(record),
            score=scores[asset_id],
            highlights=highlighter.highlights(record.name, record.description, record.tags),
        )
        for asset_id in scores
        if (record := records.get(asset_id)) is not None
    ]
