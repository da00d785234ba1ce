"""Making the people whom the operator vouches for."""

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.validators import validate_email

from accounts.models import User


def find_user(email: str) -> User | None:
    """Return the user with this address, in whatever case it is written."""
    return User.objects.filter(email=email.strip().lower()).first()


def is_verified(user: User) -> bool:
    """Return whether the user proved that their address is theirs, or the operator vouched for it."""
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())


def make_user(email: str, password: str | None) -> User:
    """Make a user whose address counts as verified.

    Without a password they sign in after a reset by mail, or after ``manage.py changepassword``.

    Raises:
        ValidationError: the address or the password is not acceptable.
    """
    user = User(email=email.strip().lower())
    validate_email(user.email)
    if password is not None:
        validate_password(password, user)
    user.set_password(password)
    user.save()
    verify_address(user)
    return user


def verify_address(user: User) -> None:
    """Let the user's address count as verified."""
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
