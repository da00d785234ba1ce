"""What the operator's commands share: whom they act as, and how they read and refuse."""

import sys
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.people import find_user, is_verified, make_user
from orgs.access import OperatorPrincipal, Origin
from raster.errors import LibraryNotAuthorized, RasterError

UNVERIFIED = (
    "{email} has an account, but nobody has confirmed that the address is theirs: anybody may have signed up with it. "
    "Ask the person to reset its password, which locks out anybody else, to sign in and to confirm the address with "
    "the link that they are sent. Then run this command again."
)


class OperatorCommand(BaseCommand):
    """A command that translates its arguments into operations: results go to stdout, words to stderr.

    A refusal is a sentence and exit code 1.
    """

    principal: ClassVar = OperatorPrincipal(Origin("cli"))

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except LibraryNotAuthorized as refusal:
            # To the operator, who sees every library, what is out of reach does not exist.
            raise CommandError("The organization has no such library.") from refusal
        except RasterError as refusal:
            raise CommandError(refusal.message) from refusal

    def say(self, words: str) -> None:
        """Tell the person at the terminal something that is no result."""
        self.stderr.write(words, self.style.NOTICE)

    def person(self, email: str, options: dict[str, Any]) -> User:
        """Return the user with this address, making one where there is none (see ``add_password_argument``).

        Raises:
            CommandError: whoever made the account has not confirmed the address, and may not be its owner.
        """
        password = _read_password() if options["password_stdin"] else None
        user = find_user(email)
        if user is None:
            try:
                user = make_user(email, password)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
            if password is None:
                self.say(f"{user.email} has no password yet: reset it by mail or run manage.py changepassword.")
        elif not is_verified(user):
            raise CommandError(UNVERIFIED.format(email=user.email))
        elif password is not None:
            self.say(f"{user.email} has an account already and keeps its password.")
        return user


def add_password_argument(parser: CommandParser) -> None:
    """Let the command take a new person's password."""
    parser.add_argument(
        "--password-stdin", action="store_true", help="Read a new person's password from standard input."
    )


def pairs(arguments: list[str]) -> dict[str, str]:
    """Read ``library=level`` arguments.

    Raises:
        CommandError: one is no such pair, or a library occurs twice.
    """
    read: dict[str, str] = {}
    for argument in arguments:
        library, equals, level = argument.partition("=")
        if not equals or not library or not level:
            raise CommandError(f"{argument!r} is not of the form library=level.")
        if library in read:
            raise CommandError(f"{library} is named twice.")
        read[library] = level
    return read


def _read_password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("--password-stdin reads a password from the first line of standard input; there was none.")
    return password
