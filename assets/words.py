"""What pages say of assets, in words."""

from collections.abc import Sized

from assets.contracts import HistoryRecord
from assets.models import Asset


def counted(things: Sized | int, noun: str) -> str:
    """Return a number with its noun: "1 asset", "3 assets"."""
    number = things if isinstance(things, int) else len(things)
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def did(record: HistoryRecord) -> str:
    """Return what somebody did to an asset, as it goes on after their name."""
    tags = ", ".join(record.tags)
    said = {
        "upload": "uploaded it",
        "describe": "changed the description",
        "rename": f"renamed it from “{record.before}” to “{record.after}”",
        "tag": f"added {_numbered('tag', record)} {tags}",
        "untag": f"removed {_numbered('tag', record)} {tags}",
        "transfer": f"moved it from {record.before} to {record.after}",
        "trash": "moved it to the trash",
        "restore": "restored it from the trash",
        "approve": f"judged it: {dict(Asset.Approval.choices).get(record.after, record.after)}",
        "promote": f"put the variant “{record.after}” in its place",
        "variant": f"added the variant “{record.after}”",
    }
    return said[record.kind]


def _numbered(noun: str, record: HistoryRecord) -> str:
    return f"the {noun}" if len(record.tags) == 1 else f"the {noun}s"
