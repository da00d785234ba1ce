"""Removes for good, with their files, the assets that have been in the trash for 30 days.

The server does the same once an hour by itself; it is safe to run at any time.
"""

from typing import Any

from django.core.management import CommandError, CommandParser

from assets.contracts import TRASH_DAYS, PurgeTrash
from assets.operations.trash import purge_trash
from assets.ownership import DeletionRefused
from orgs.management.base import OperatorCommand
from raster.contracts import read_json


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            default=TRASH_DAYS,
            help=f"How long they must have been there; {TRASH_DAYS} if not given, 0 empties the trash.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        command = read_json(PurgeTrash, {"days": options["days"]})
        try:
            purged = purge_trash(self.principal, command)
        except DeletionRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{purged.assets} assets")
