"""API keys and what each may reach."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from orgs.models import Library, Organization

NAME_LENGTH = 100
EXPIRES_SOON = timedelta(days=7)


class APIKeyQuerySet(models.QuerySet["APIKey"]):
    """Keys with what pages show of them."""

    def with_access(self) -> "APIKeyQuerySet":
        """Annotate how many libraries a key may read and how many it may also write (``reads``, ``writes``)."""
        return self.annotate(
            reads=models.Count("grants", filter=Q(grants__level=1)),
            writes=models.Count("grants", filter=Q(grants__level=2)),
        )


class APIKey(models.Model):
    """A credential of an organization. Its secret is not here: only a digest under a pepper (secrets.py)."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=NAME_LENGTH)
    public_id = models.CharField(max_length=10, unique=True, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    pepper = models.PositiveSmallIntegerField(editable=False, help_text="The number of the pepper of the digest.")
    expires = models.DateTimeField(null=True, blank=True)

    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_by_name = models.CharField(max_length=254)
    regenerated = models.DateTimeField(null=True, editable=False)

    first_used = models.DateTimeField(null=True, editable=False, help_text="Of the present value.")
    last_used = models.DateTimeField(null=True, editable=False)
    last_used_address = models.CharField(max_length=45, blank=True, editable=False)
    last_used_client = models.CharField(max_length=200, blank=True, editable=False)

    objects: ClassVar = APIKeyQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        verbose_name = "API key"
        constraints = (models.UniqueConstraint(fields=["organization", "name"], name="api_key_name_once"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.label})"

    @property
    def label(self) -> str:
        """The public part, by which pages and logs name the key."""
        return f"rstk_{self.public_id}…"

    @property
    def has_expired(self) -> bool:
        return self.expires is not None and self.expires <= timezone.now()

    @property
    def expires_soon(self) -> bool:
        """Whether it expires within a week."""
        return self.expires is not None and timezone.now() < self.expires < timezone.now() + EXPIRES_SOON


class KeyGrant(models.Model):
    """A key's level on one library. A library without a grant is out of the key's reach."""

    key = models.ForeignKey(APIKey, models.CASCADE, related_name="grants")
    library = models.ForeignKey(Library, models.CASCADE, related_name="key_grants")
    level = models.PositiveSmallIntegerField(choices=[(1, "Read"), (2, "Write")])

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["key", "library"], name="key_grant_once"),
            models.CheckConstraint(condition=Q(level__in=[1, 2]), name="key_grant_level_known"),
        )
        indexes = (models.Index(fields=["key", "level"], name="key_grant_by_level"),)

    def __str__(self) -> str:
        return f"{self.get_level_display()} on {self.library}"


class Claim(models.Model):
    """What an organization was started with that nobody has claimed yet. It ends when somebody does."""

    organization = models.OneToOneField(Organization, models.CASCADE, related_name="claim")
    digest = models.BinaryField(max_length=32, unique=True, editable=False, help_text="SHA-256 of the link's secret.")
    email = models.EmailField(db_index=True, help_text="In lower case. Whoever verified it may claim at once.")
    created = models.DateTimeField(auto_now_add=True)
    address = models.CharField(max_length=45, help_text="Where it was started from.")
    network = models.CharField(
        max_length=50, blank=True, default="", db_index=True, help_text="The network of that address, as it is counted."
    )

    def __str__(self) -> str:
        return f"Claim of {self.organization}"
