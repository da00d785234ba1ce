"""Deletes what nobody can use any more: expired codes, tokens, sessions and organizations, unused clients, files.

The server does the same by itself, rows once an hour and files once a day; it is safe to run at any time.
"""

from typing import Any

from apikeys.unclaimed import remove_unclaimed
from assets.operations.sweeps import sweep_files
from connections.operations.sweeps import sweep
from orgs.management.base import OperatorCommand


class Command(OperatorCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        for name, count in {**sweep(), **remove_unclaimed(), **sweep_files()}.items():
            self.stdout.write(f"{count} {name}")
