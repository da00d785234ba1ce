"""Makes search see every asset as it is now; safe to run at any time, and again after it was stopped.

Changes keep the index by themselves. This is for rows that came into the database by another way.
"""

from typing import Any

from django.core.management import CommandParser

from assets.search_index import rebuild_full_text, reindex
from orgs.management.base import OperatorCommand


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--full-text",
            action="store_true",
            help="Make SQLite's full-text table anew, too. Whatever else writes waits meanwhile: a minute for a "
            "million assets.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        assets = sum(reindex())
        if options["full_text"]:
            rebuild_full_text()
        self.stdout.write(f"{assets} assets")
