"""Deletes what nobody can use any more: expired codes, tokens and sessions, registrations that came to nothing.

The server does the same once an hour by itself; it is safe to run at any time.
"""

from typing import Any

from connections.operations.sweeps import sweep
from orgs.management.base import OperatorCommand


class Command(OperatorCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        for name, count in sweep().items():
            self.stdout.write(f"{count} {name}")
