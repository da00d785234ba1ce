"""How pages show assets: what an ``<img>`` takes, its shape in a grid, and what is there before it has come."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import blurhash
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from assets.contracts import Highlights, SearchHit, VariantRecord

SHOWN_BY_BROWSERS = frozenset({"image/avif", "image/gif", "image/jpeg", "image/png", "image/svg+xml", "image/webp"})
#: Of what a picture looks like before it has come: a few bytes in the page, which browsers smooth.
PLACEHOLDER_SIZE = (8, 6)
MOST_PLACEHOLDERS = 4096
#: Width to height in tenths, as static/css/photos.css has classes for.
NARROWEST, WIDEST = 5, 30
SHAPE_OF_THE_UNKNOWN = 13


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What a page shows of an asset; ``source`` is empty where a browser can show nothing of it."""

    asset: VariantRecord
    source: str
    source_set: str
    placeholder: str
    shape: int
    #: The name as HTML, with what a search matched in ``<mark>``.
    name: SafeString
    #: Which fields a search matched, in words.
    matched: str = ""
    #: The part of the description that a search matched, as HTML.
    passage: str = ""
    #: The library's name, where a page shows several.
    library: str = ""

    @property
    def type_name(self) -> str:
        """The type in a word, for a tile without a picture."""
        return self.asset.content_type.rpartition("/")[2].partition("+")[0].upper()

    @property
    def is_image(self) -> bool:
        return self.asset.content_type.startswith("image/")

    @property
    def is_video(self) -> bool:
        return self.asset.content_type.startswith("video/")

    @property
    def poster(self) -> str:
        """The largest of its sizes."""
        return self.source_set.rpartition(", ")[2].partition(" ")[0] or self.source

    @property
    def whole(self) -> str:
        """The original where it moves and a browser shows it, since its sizes stand still."""
        return self.asset.url if self.asset.content_type == "image/gif" and self.source else ""


def picture(
    asset: VariantRecord, highlights: Highlights | None = None, libraries: Mapping[str, str] | None = None
) -> Picture:
    """Return how an asset is shown: by its sizes, or by its original where it has none."""
    highlights = highlights or Highlights()
    sizes = sorted((int(width), url) for width, url in asset.sizes.items())
    may_show_original = asset.content_type in SHOWN_BY_BROWSERS and asset.derivatives != "failed"
    original = asset.url if may_show_original else ""
    tags = f"tags ({', '.join(highlights.tags)})" if highlights.tags else ""
    parts = ("name" if highlights.name else "", tags, "description" if highlights.description else "")
    matched = [part for part in parts if part]
    return Picture(
        asset=asset,
        source=sizes[0][1] if sizes else original,
        source_set=", ".join(f"{url} {width}w" for width, url in sizes),
        placeholder=placeholder(asset.blurhash) if asset.blurhash else "",
        shape=_shape(asset),
        name=_markup(highlights.name) if highlights.name else escape(asset.name),
        matched=" and ".join(filter(None, [", ".join(matched[:-1]), *matched[-1:]])),
        passage=_markup(highlights.description or ""),
        library=(libraries or {}).get(asset.library_id, ""),
    )


def found_picture(hit: SearchHit, libraries: Mapping[str, str] | None = None) -> Picture:
    """Return how something that a search found is shown."""
    return picture(hit, hit.highlights, libraries)


@lru_cache(MOST_PLACEHOLDERS)
def placeholder(text: str) -> str:
    """Return what a blurhash says as a tiny PNG in a ``data:`` URL; nothing for what is no blurhash."""
    try:
        pixels = blurhash.decode(text, *PLACEHOLDER_SIZE)
    except ValueError:
        return ""
    file = io.BytesIO()
    pixels.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _shape(asset: VariantRecord) -> int:
    if not asset.width or not asset.height:
        return SHAPE_OF_THE_UNKNOWN
    return max(NARROWEST, min(WIDEST, round(10 * asset.width / asset.height)))


def _markup(text: str) -> SafeString:
    """Take what a search made of its own texts: all but ``<mark>`` is escaped there."""
    return mark_safe(text)  # noqa: S308
