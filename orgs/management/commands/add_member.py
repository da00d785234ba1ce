"""Puts a person into an organization and its libraries, or sets the roles of one who is there."""

from typing import Any

from django.core.management import CommandParser
from django.db import transaction

from orgs.contracts import AddMember
from orgs.management.base import OperatorCommand, add_password_argument, pairs
from orgs.models import LibraryMembership, Membership
from orgs.operations import add_member
from raster.contracts import read_json


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="The organization's slug.")
        parser.add_argument("email")
        parser.add_argument("--role", choices=Membership.Role.values, default=Membership.Role.MEMBER.value)
        parser.add_argument(
            "--library",
            action="append",
            default=[],
            metavar="SLUG=ROLE",
            help=f"A library role: {', '.join(LibraryMembership.Role.values)}. Can be given several times.",
        )
        add_password_argument(parser)

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        command = read_json(
            AddMember,
            {
                "organizationId": options["organization"],
                "email": options["email"],
                "role": options["role"],
                "libraries": pairs(options["library"]),
            },
        )
        user = self.person(options["email"], options)
        add_member(self.principal, command, user)
        self.say(f"{user.email} is {command.role} of {command.organization_id}.")
