"""Makes an API key and prints it: the only time it is shown."""

from typing import Any

from django.core.management import CommandParser

from apikeys.contracts import CreateKey
from apikeys.management.base import KeyCommand, add_grant_argument
from apikeys.operations import create_key
from orgs.management.base import pairs
from raster.contracts import read_json


class Command(KeyCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_grant_argument(parser)
        parser.add_argument("--expires-in-days", type=int, choices=(30, 90, 365), help="Never, where it is left out.")

    def handle(self, *args: Any, **options: Any) -> None:
        command = {
            "organizationId": options["organization"],
            "name": options["name"],
            "expiresInDays": options["expires_in_days"],
            "access": pairs(options["grant"]),
        }
        self.stdout.write(create_key(self.principal, read_json(CreateKey, command)).secret)
