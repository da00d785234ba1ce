"""What the commands on API keys share: the arguments that name a key and its access."""

from typing import Any

from django.core.management import CommandParser

from apikeys.models import APIKey
from orgs.management.base import OperatorCommand
from raster.errors import ResourceNotFound


class KeyCommand(OperatorCommand):
    """A command on one key, named by its organization's slug and its own name."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="The organization's slug.")
        parser.add_argument("name", help="The key's name.")

    def named_key(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the contract's fields that name an existing key.

        Raises:
            ResourceNotFound: the organization has no key of that name.
        """
        organization = self.principal.organization(options["organization"])
        key = APIKey.objects.filter(organization_id=organization.id, name=options["name"].strip()).first()
        if key is None:
            raise ResourceNotFound(f"{organization.slug} has no API key named {options['name']}.")
        return {"organizationId": organization.slug, "keyId": key.pk}


def add_grant_argument(parser: CommandParser, *, required: bool = False) -> None:
    """Let the command take the key's access to libraries."""
    parser.add_argument(
        "--grant",
        action="append",
        default=[],
        required=required,
        metavar="LIBRARY=LEVEL",
        help="The key's level on a library: none, read or write. Can be given several times.",
    )
