"""Making the storage this database's own on purpose: after a restore, a move, or a mistake in the settings."""

from dataclasses import dataclass
from itertools import islice

from assets import ownership
from assets.leftovers import stored_files, without_asset

CHUNK = 500


@dataclass(frozen=True, slots=True)
class StorageFound:
    """What lies in the storage, and what its mark says.

    ``is_own`` is whether this database may delete from it already. ``doubt`` is a sentence where the mark says that it
    is not this database's own.
    """

    files: int
    without_row: int
    is_own: bool
    doubt: str | None


def look_at_storage() -> StorageFound:
    """Count all files of the storage, and those that have no row in this database; change nothing."""
    marked = ownership.read_mark()
    doubt = ownership.doubt_of(marked, ownership.own_row())
    files = without_row = 0
    stored = stored_files()
    while chunk := [file.name for file in islice(stored, CHUNK)]:
        files += len(chunk)
        without_row += sum(1 for _ in without_asset(chunk))
    return StorageFound(files, without_row, marked.identity is not None and doubt is None, doubt)


def adopt_storage(found: StorageFound, *, confirmed: bool) -> bool:
    """Make the storage this database's own; return whether it was done.

    Unless it is ``confirmed``, it is done only where every file has a row.
    """
    if found.without_row and not confirmed:
        return False
    ownership.adopt()
    return True
