"""Makes the file storage this database's own, so that clean-ups may delete from it again.

The server marks a new storage by itself. It needs this after a restore from a backup, after a copy of the database or
another installation used the same storage, and where many stored files have no row in the database. It prints how many
files there are and how many have no row. It deletes nothing; but files without a row are deleted by the clean-ups of
later days, so where there are any it asks for --yes.
"""

from typing import Any

from django.core.management import CommandError, CommandParser

from assets.adoption import adopt_storage, look_at_storage
from orgs.management.base import OperatorCommand


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="Do it although files have no row in the database.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = look_at_storage()
        self.stdout.write(f"{found.files} stored files")
        self.stdout.write(f"{found.without_row} without a row")
        if found.is_own:
            self.say("The storage is this database's own already.")
            return
        self.say(found.doubt or "The storage has no mark.")
        if not adopt_storage(found, confirmed=options["yes"]):
            raise CommandError(
                f"{found.without_row} of {found.files} stored files have no row in this database, and clean-ups would "
                "delete them. Check DATABASE_URL and RASTER_STORAGE; if both are right, run it again with --yes."
            )
        self.say("The storage is this database's own now. Clean-ups delete what two of them find from now on.")
