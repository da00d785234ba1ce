"""What a search asks for, as tokens: the words, how well each may match, and what narrows the search."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from assets.search_index import DESCRIPTION, NAME, TAG
from assets.search_words import is_unspaced

#: The score of a whole word in each field, best first. A beginning is one less, a corrected word two less.
WHOLE = {NAME: 9, TAG: 6, DESCRIPTION: 3}
LEVELS = range(9, 0, -1)
#: What is looked for where nothing is: everything, which no word makes better or worse.
NO_LEVEL = 0
SHORTEST_BEGINNING = 2


class Matching(Enum):
    """How a word of the query matches a word of an asset."""

    WHOLE = "whole"
    BEGINNING = "whole, or its beginning"
    CORRECTED = "whole, after it was corrected"


@dataclass(frozen=True)
class Token:
    """A token, or the beginning of tokens."""

    text: str
    is_beginning: bool = False


@dataclass(frozen=True)
class Word:
    """A word of the query; where it may be a beginning, ``longer`` has the words that begin so, if they are few."""

    text: str
    matching: Matching
    longer: tuple[str, ...] | None = None

    def tokens(self, level: int) -> list[Token]:
        """Return the tokens of which an asset holds one if it matches the word with this score or a better one."""
        tokens: list[Token] = []
        for field, whole in WHOLE.items():
            if self.matching is Matching.CORRECTED:
                if whole - 2 >= level:
                    tokens.append(Token(field + self.text))
            elif self.matching is Matching.BEGINNING and whole - 1 >= level:
                if self.longer is None:
                    tokens.append(Token(field + self.text, is_beginning=True))
                else:
                    tokens += [Token(field + word) for word in self.longer or (self.text,)]
            elif whole >= level:
                tokens.append(Token(field + self.text))
        return tokens


def matching_of(word: str) -> Matching:
    """Return how a word matches that was not corrected."""
    return Matching.WHOLE if is_unspaced(word) or len(word) < SHORTEST_BEGINNING else Matching.BEGINNING


#: Of each group, an asset holds at least one token.
Groups = tuple[tuple[Token, ...], ...]


@dataclass(frozen=True)
class Step:
    """The assets of one score: those that match ``wanted`` and not ``better``, which the steps before it gave."""

    score: int
    wanted: Groups
    better: Groups | None


def steps(narrowing: Groups, words: list[Word]) -> list[Step]:
    """Return the steps from the best score to the worst; an asset's is that of its worst word."""
    if not words:
        return [Step(NO_LEVEL, narrowing, None)]
    return list(_steps(narrowing, words))


def _steps(narrowing: Groups, words: list[Word]) -> Iterator[Step]:
    better: Groups | None = None
    for level in LEVELS:
        groups = tuple(tuple(word.tokens(level)) for word in words)
        if all(groups) and groups != better:
            yield Step(level, narrowing + groups, better)
            better = groups
