"""Organizations, the people in them, their libraries, and the log of what was done."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

SLUG_LENGTH = 63
NAME_LENGTH = 100
slug_validator = RegexValidator(
    r"\A[a-z0-9](-?[a-z0-9])*\Z", "Use lower case letters, digits and single hyphens between them."
)


class Organization(models.Model):
    """A team or a person: owns libraries, members and API keys. Its public id is its slug."""

    slug = models.CharField(max_length=SLUG_LENGTH, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=NAME_LENGTH)
    created = models.DateTimeField(auto_now_add=True)
    storage_used = models.PositiveBigIntegerField(default=0, editable=False, help_text="Bytes of its originals.")
    storage_limit = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Bytes. Empty: as the installation says."
    )
    unclaimed_until = models.DateTimeField(
        null=True, blank=True, editable=False, db_index=True, help_text="When it is removed, unless somebody claims it."
    )
    library_limit = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: as the installation says.")

    class Meta:
        ordering = ("name", "slug")

    def __str__(self) -> str:
        return f"{self.name} ({self.slug})"


class Membership(models.Model):
    """A person in an organization."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        MEMBER = "member", "Member"

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created = models.DateTimeField(auto_now_add=True)

    #: The roles that see every library and manage the organization.
    MANAGERS: ClassVar = (Role.OWNER, Role.ADMIN)

    class Meta:
        ordering = ("user__email",)
        constraints = (
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=["owner", "admin", "member"]), name="membership_role_known"),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"


class Library(models.Model):
    """An isolated collection of assets in exactly one organization. Its public id is its slug."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="libraries")
    slug = models.CharField(max_length=SLUG_LENGTH, validators=[slug_validator])
    name = models.CharField(max_length=NAME_LENGTH)
    created = models.DateTimeField(auto_now_add=True)

    #: The principal's level on it, where the row came through ``Principal.libraries()``.
    level: int

    class Meta:
        ordering = ("name", "slug")
        verbose_name_plural = "libraries"
        constraints = (models.UniqueConstraint(fields=["organization", "slug"], name="library_slug_once"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.slug})"


class LibraryMembership(models.Model):
    """A member's role in one library. It ends with the membership of the organization."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        EDITOR = "editor", "Editor"
        VIEWER = "viewer", "Viewer"

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="library_memberships")
    library = models.ForeignKey(Library, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)

    #: The roles that may change the assets of the library.
    WRITERS: ClassVar = (Role.OWNER, Role.EDITOR)

    class Meta:
        ordering = ("library__name", "membership__user__email")
        constraints = (
            models.UniqueConstraint(fields=["membership", "library"], name="library_membership_once"),
            models.CheckConstraint(
                condition=Q(role__in=["owner", "editor", "viewer"]), name="library_membership_role_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.membership.user} in {self.library}"


class AuditEntry(models.Model):
    """What somebody did in an organization. Written once, never changed."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="audit_entries")
    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=40)
    actor = models.CharField(max_length=254, help_text="Who: an address, a key's name and public id, or the operator.")
    actor_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    target = models.CharField(max_length=254, help_text="What it was done to, by name and public id.")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    face = models.CharField(max_length=10, help_text="How they came: web, mcp, admin or cli.")
    address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=32, blank=True)

    class Meta:
        ordering = ("-at", "-id")
        verbose_name_plural = "audit log"
        indexes = (models.Index(fields=["organization", "-at", "-id"], name="audit_newest"),)

    def __str__(self) -> str:
        return f"{self.action}: {self.target}"
