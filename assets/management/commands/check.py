"""Checks the settings, as Django does, and with --live also everything that this installation depends on.

It prints a line for each: database, schema, clock, static files, mail server, proxies, data folder, free space,
storage, whose files it holds, decoders and their isolation. The exit code is 0 if there is no error; a warning is none.
"""

from typing import Any

from django.core.management import CommandError, CommandParser
from django.core.management.commands import check

from assets.health import CHECKS
from raster.health import examine


class Command(check.Command):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--live", action="store_true", help="Try what this installation depends on, for at most 10 seconds."
        )

    def handle(self, *app_labels: Any, **options: Any) -> None:
        super().handle(*app_labels, **options)
        if not options["live"]:
            return
        errors = 0
        for finding in examine(CHECKS):
            self.stdout.write(f"{finding.level:<8}{finding.name:<14}{finding.text}")
            errors += finding.level == "error"
        if errors:
            raise CommandError(f"{errors} {'check' if errors == 1 else 'checks'} failed.")
        self.stderr.write("All checks passed.", self.style.SUCCESS)
