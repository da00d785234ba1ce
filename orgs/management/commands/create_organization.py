"""Makes an organization and, where they have no account, its owner; prints its slug."""

from typing import Any

from django.core.management import CommandParser
from django.db import transaction

from orgs.contracts import CreateOrganization
from orgs.management.base import OperatorCommand, add_password_argument
from orgs.models import Membership
from orgs.operations import create_organization
from raster.contracts import read_json
from raster.errors import BadUserInput
from raster.fold import slugify


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--slug", help="Its id in addresses; made from the name where it is left out.")
        parser.add_argument("--owner", required=True, metavar="EMAIL")
        add_password_argument(parser)

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        command = read_json(CreateOrganization, {"name": options["name"], "slug": options["slug"]})
        slug = command.slug or slugify(command.name)
        owner = self.person(options["owner"], options)
        owns = Membership.objects.filter(organization__slug=slug, user=owner, role=Membership.Role.OWNER)
        try:
            create_organization(self.principal, command, owner)
        except BadUserInput:
            if not owns.exists():
                raise
            self.say(f"{owner.email} owns {slug} already.")
        self.stdout.write(slug)
