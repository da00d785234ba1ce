"""Makes a library in an organization; prints its slug."""

from typing import Any

from django.core.management import CommandParser

from assets.contracts import CreateLibrary
from assets.operations.libraries import create_library
from orgs.management.base import OperatorCommand
from raster.contracts import read_json
from raster.errors import LibraryURLTaken


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="The organization's slug.")
        parser.add_argument("name")
        parser.add_argument("--slug", help="Its id in addresses; made from the name where it is left out.")

    def handle(self, *args: Any, **options: Any) -> None:
        command = read_json(
            CreateLibrary,
            {"organizationId": options["organization"], "name": options["name"], "slug": options["slug"]},
        )
        organization = self.principal.organization(command.organization_id)
        there = self.principal.libraries().filter(organization_id=organization.id, slug=command.slug)
        try:
            slug = create_library(self.principal, command).id
        except LibraryURLTaken:
            library = there.first()
            if library is None:
                raise
            slug = library.slug
            self.say(f"{organization.slug} has a library {slug} already.")
        self.stdout.write(slug)
