"""Sets a key's access to the libraries that are named; the others keep theirs."""

from typing import Any

from django.core.management import CommandParser

from apikeys.contracts import ScopeKey
from apikeys.management.base import KeyCommand, add_grant_argument
from apikeys.operations import scope_key
from orgs.management.base import pairs
from raster.contracts import read_json


class Command(KeyCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_grant_argument(parser, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        command = {**self.named_key(options), "access": pairs(options["grant"])}
        scope_key(self.principal, read_json(ScopeKey, command))
