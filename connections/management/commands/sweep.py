"""Deletes expired codes, tokens, sessions, tasks and organizations, unused clients, and files that no asset has.

The server does the same by itself, rows once an hour and files once a day; it is safe to run at any time. A stored file
is deleted where two clean-ups at least two days apart found that no asset has it. No stored file is deleted where the
storage may be another installation's (see manage.py adopt_storage), where the database has no assets, or, without
--yes, where more than 5 % of all stored files and more than 20 would go: then it says why and exits with 1.
"""

from typing import Any

from django.core.management import CommandError, CommandParser

from apikeys.unclaimed import remove_unclaimed
from assets.clean_up import check_outlook, look_at_stored, sweep_staged, sweep_stored
from assets.ownership import DeletionRefused
from connections.clean_up import sweep
from orgs.management.base import OperatorCommand
from raster.tasks.queue import clean_up as clean_up_tasks


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Delete nothing, and print how many files would be deleted."
        )
        parser.add_argument(
            "--yes",
            action="store_true",
            help="Delete stored files even if they are more than 5 %% of all and more than 20.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["dry_run"]:
                self._look(confirmed=options["yes"])
            else:
                self._sweep(confirmed=options["yes"])
        except DeletionRefused as refusal:
            raise CommandError(str(refusal)) from refusal

    def _sweep(self, *, confirmed: bool) -> None:
        self._write(sweep())
        self._write(clean_up_tasks())
        # What may be refused comes last.
        self._write({"staged files": sweep_staged()})
        self._write(remove_unclaimed())
        self._write({"stored files": sweep_stored(confirmed=confirmed)})

    def _look(self, *, confirmed: bool) -> None:
        outlook = look_at_stored()
        self._write({"staged files": sweep_staged(dry_run=True), "stored files": outlook.files})
        self.say(
            f"Nothing was deleted. {outlook.leftovers} of {outlook.total} stored files have no row; {outlook.files} of "
            f"them ({outlook.bytes} bytes) would be deleted now."
        )
        check_outlook(outlook, confirmed=confirmed)

    def _write(self, swept: dict[str, int]) -> None:
        for name, count in swept.items():
            self.stdout.write(f"{count} {name}")
