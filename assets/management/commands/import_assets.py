"""Imports files and folders into a library; prints the id and name of each file's asset.

What the library holds already is not stored again. A file that is refused is named with the reason, and the others
still come in; the exit code is 0 only if every file is there in the end.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser

from assets.contracts import ImportFile
from assets.derivatives import derive_all
from assets.models import Asset
from assets.operations.imports import import_file
from orgs.access import Level
from orgs.management.base import OperatorCommand
from raster.errors import BadUserInput


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="The organization's slug.")
        parser.add_argument("library", help="The library's slug.")
        parser.add_argument(
            "paths",
            nargs="+",
            type=Path,
            metavar="PATH",
            help="A file, or a folder whose files and folders come in, except for hidden ones.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.principal.library(options["organization"], options["library"], Level.WRITE)
        seen = refused = 0
        for path in files(options["paths"]):
            seen += 1
            try:
                self._import(path, options)
            except (BadUserInput, OSError) as failure:
                refused += 1
                reason = failure.strerror if isinstance(failure, OSError) else str(failure)
                self.say(f"{_text(path)}: {reason}")
        if refused:
            raise CommandError(f"{refused} of {seen} files did not come in.")
        if not seen:
            self.say("There are no files there.")

    def _import(self, path: Path, options: dict[str, Any]) -> None:
        command = ImportFile(
            organization_id=options["organization"], library_id=options["library"], file_name=_text(path.name)
        )
        with path.open("rb") as file:
            imported = import_file(self.principal, command, file)
        derive_all(Asset.objects.filter(pk=imported.asset_id))
        if imported.already_there:
            self.say(f"{_text(path)}: already there.")
        self.stdout.write(f"{imported.asset_id}\t{imported.name}")


def files(paths: list[Path]) -> Iterator[Path]:
    """Yield each named file, and the files below each named folder by name; hidden ones only where they are named."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def _text(path: Path | str) -> str:
    """Return a path with what is no UTF-8 in it replaced: neither a terminal nor the database takes it."""
    return os.fsencode(path).decode(errors="replace")
