"""Takes a person out of an organization and all its libraries."""

from typing import Any

from django.core.management import CommandParser

from accounts.people import find_user
from orgs.contracts import RemoveMember
from orgs.management.base import OperatorCommand
from orgs.operations import remove_member
from raster.contracts import read_json
from raster.errors import ResourceNotFound


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="The organization's slug.")
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = self.principal.organization(options["organization"])
        user = find_user(options["email"])
        try:
            if user is None:
                raise ResourceNotFound
            remove_member(
                self.principal, read_json(RemoveMember, {"organizationId": organization.slug, "userId": user.pk})
            )
        except ResourceNotFound:
            self.say(f"{options['email']} is not a member of {organization.slug}.")
