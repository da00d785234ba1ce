"""Foldings of text for comparisons, the same on SQLite and PostgreSQL because what they give is stored."""

import re
import unicodedata


def fold_case(text: str) -> str:
    """Return ``text`` without case only: at most nine characters for each one of ``text``."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def fold(text: str) -> str:
    """Return ``text`` without accents and case, its white space collapsed: what compares equal folds to the same."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(bare.casefold().split())


def slugify(text: str, *, longest: int = 63) -> str:
    """Return the ASCII slug of ``text``: lower case letters and digits joined by single hyphens.

    The result is empty where nothing of the text can be written so, as for ``برشلونة``.
    """
    return re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")[:longest].strip("-")
