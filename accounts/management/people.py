"""Making the people whom the command line names."""

import sys

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.core.validators import validate_email

from accounts.models import User


def find_user(email: str) -> User | None:
    """Return the user with this address, in whatever case it is written."""
    return User.objects.filter(email=email.strip().lower()).first()


def make_user(email: str, password: str | None) -> User:
    """Make a user whose address counts as verified: the operator vouches for it.

    Without a password they sign in after a reset by mail, or after ``manage.py changepassword``.

    Raises:
        CommandError: the address or the password is not acceptable.
    """
    user = User(email=email.strip().lower())
    try:
        validate_email(user.email)
        if password is not None:
            validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    user.set_password(password)
    user.save()
    verify_address(user)
    return user


def verify_address(user: User) -> None:
    """Let the user's address count as verified."""
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})


def read_password() -> str:
    """Return the first line of standard input."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("--password-stdin reads a password from the first line of standard input; there was none.")
    return password
