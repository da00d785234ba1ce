"""The person who signs in, and the session that keeps them signed in."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from raster.contracts import Line, sentence, shown_line

NAME_LENGTH = 150
NAME = Line(NAME_LENGTH, least=0)


def shown_name(name: str, email: str) -> str:
    """Return what to call a person: their name on one line, or the part of their address before the @."""
    return shown_line(name) or email.partition("@")[0]


class UserManager(BaseUserManager["User"]):
    """Makes users whose email address is stored in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Make a user; without a password they can only sign in after a reset."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Make a member of the staff with every permission in the Django admin."""
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Signs in by email address; what they may do comes from their memberships (orgs)."""

    email = models.EmailField("email address", unique=True, error_messages={"unique": "This address is taken."})
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    is_staff = models.BooleanField("staff", default=False, help_text="May sign in to the Django admin.")
    is_active = models.BooleanField("active", default=True, help_text="Clear this instead of deleting an account.")
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ("email",)

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()
        try:
            self.name = NAME.check(self.name)
        except ValueError as refusal:
            raise ValidationError({"name": sentence(str(refusal))}) from None

    def get_full_name(self) -> str:
        """Return the name to show: the person's own, or the part of their address before the @."""
        return shown_name(self.name, self.email)

    def get_short_name(self) -> str:
        return self.get_full_name()


class Session(AbstractBaseSession):
    """A signed-in browser. ``session_key`` holds a digest and the data is encrypted under the key (sessions.py)."""

    class Meta(AbstractBaseSession.Meta):
        db_table = "accounts_session"


class RateCount(models.Model):
    """How often something was done in the present span of time (limits.py)."""

    name = models.CharField(max_length=200, unique=True)
    count = models.PositiveIntegerField()
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name
