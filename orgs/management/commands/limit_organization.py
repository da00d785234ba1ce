"""Says how much an organization may hold. What is left out is as RASTER_STORAGE_QUOTA and RASTER_LIBRARY_QUOTA say."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, CommandParser

from orgs.contracts import LimitOrganization
from orgs.management.base import OperatorCommand
from orgs.operations import limit_organization
from raster.contracts import read_json
from raster.environment import read_size


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="The organization's slug.")
        parser.add_argument("--storage", metavar="SIZE", help="Of its originals together, such as 50 GB.")
        parser.add_argument("--libraries", type=int, metavar="NUMBER", help="How many it may hold.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            storage = None if options["storage"] is None else read_size("--storage", options["storage"])
        except ImproperlyConfigured as refusal:
            raise CommandError(str(refusal)) from refusal
        asked = {"organizationId": options["organization"], "storage": storage, "libraries": options["libraries"]}
        limit_organization(self.principal, read_json(LimitOrganization, asked))
