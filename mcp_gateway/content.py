"""What follows the JSON in a tool's result: links to the files of assets, and a picture for models that see."""

import base64
from collections.abc import Sequence
from typing import Any

from assets.contracts import LookAtAsset, VariantRecord
from assets.operations.assets import preview_asset
from orgs.access import Principal

#: Of one result. What is beyond them is in the JSON all the same.
MOST_LINKS = 50

Block = dict[str, Any]


def resource_links(assets: Sequence[VariantRecord]) -> list[Block]:
    """Return a link to the file of each of the first ``MOST_LINKS`` assets."""
    return [
        {
            "type": "resource_link",
            "uri": asset.url,
            "name": asset.name,
            "mimeType": asset.content_type,
            "size": asset.size,
        }
        for asset in assets[:MOST_LINKS]
    ]


def preview_blocks(principal: Principal, command: LookAtAsset) -> list[Block]:
    """Return a small picture of an asset, or a sentence that says why there is none."""
    preview = preview_asset(principal, command)
    if not preview.jpeg:
        return [{"type": "text", "text": preview.words}]
    return [{"type": "image", "data": base64.b64encode(preview.jpeg).decode(), "mimeType": "image/jpeg"}]
