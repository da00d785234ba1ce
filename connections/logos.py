"""Logos of apps: small pictures of ours, made of what a site gives."""

import tempfile
from pathlib import Path

from assets.decode import LOGO
from assets.decoding import PROBE, Decoder, DecodingFailed
from assets.signatures import GIF, HEAD_LENGTH, JPEG, PNG, WEBP, judge
from assets.turns import decoding_turns
from raster.errors import BadUserInput, RateLimited

# Drawings are left out: a page waits for this, and how long a drawing takes is its maker's choice.
_TYPES = frozenset({PNG, JPEG, WEBP, GIF})
_OWNER = "logos of apps"  # as no organization may be called: all of them share the turns of one


def read_logo(content: bytes) -> bytes | None:
    """Return a picture as a small PNG; None where it is none that can be read, or that too many are being read."""
    file_type = judge(content[:HEAD_LENGTH])
    if file_type not in _TYPES:
        return None
    with tempfile.TemporaryDirectory(prefix="raster-") as folder:
        path = Path(folder) / "logo"
        path.write_bytes(content)
        try:
            with decoding_turns.turn(_OWNER):
                return Decoder().run("logo", path, file_type, PROBE).files.get(LOGO)
        except (BadUserInput, DecodingFailed, RateLimited):
            return None
