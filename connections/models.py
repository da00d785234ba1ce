"""OAuth clients, what people granted them, and the codes and tokens that stand for it.

Of every code, token and secret only a digest is here (connections/secrets.py).
"""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.expressions import Combinable
from django.utils import timezone

from connections.scopes import Asked
from orgs.models import SLUG_LENGTH, Library, Membership, Organization

CLIENT_ID_LENGTH = 500
CLIENT_NAME_LENGTH = 200
RESOURCE_LENGTH = len("mcp/o/") + SLUG_LENGTH
CONNECTION_LIFETIME = timedelta(days=365)


class Client(models.Model):
    """An application that asks people for access."""

    class Source(models.TextChoices):
        REGISTERED = "registered", "Registered itself"
        DOCUMENT = "document", "Metadata document"
        STAFF = "staff", "Registered by staff"

    class Authentication(models.TextChoices):
        """How it proves who it is at the token endpoint, as the protocol spells it."""

        NONE = "none", "Not at all (a public client)"
        BASIC = "client_secret_basic", "Secret in the Authorization header"
        POST = "client_secret_post", "Secret in the body"
        PRIVATE_KEY_JWT = "private_key_jwt", "Signed assertion"

    client_id = models.CharField(max_length=CLIENT_ID_LENGTH, unique=True)
    source = models.CharField(max_length=10, choices=Source)
    name = models.CharField(max_length=CLIENT_NAME_LENGTH, help_text="As the client gave it: not to be trusted.")
    website = models.CharField(max_length=500, blank=True)
    logo = models.BinaryField(null=True, editable=False, help_text="A PNG of ours, from a verified domain only.")
    redirect_uris = models.JSONField(default=list)
    grant_types = models.JSONField(default=list)
    authentication = models.CharField(max_length=20, choices=Authentication, default=Authentication.NONE)
    secret_digest = models.BinaryField(max_length=32, null=True, editable=False)
    keys = models.JSONField(null=True, blank=True, help_text="Its public keys (JWKS).")
    keys_url = models.CharField(max_length=500, blank=True, help_text="Where its public keys are.")
    keys_read = models.DateTimeField(null=True, editable=False)
    edition = models.PositiveIntegerField(
        default=1, editable=False, help_text="Goes up when its name, return addresses or keys change."
    )
    read = models.DateTimeField(null=True, editable=False, help_text="When its metadata document was last read.")
    fresh_until = models.DateTimeField(null=True, editable=False, help_text="When the document is to be read again.")
    change = models.JSONField(
        null=True, editable=False, help_text="What its document said, and what it says now, until that is read again."
    )
    change_read = models.DateTimeField(null=True, editable=False, help_text="When that was read for the first time.")
    is_active = models.BooleanField("active", default=True, help_text="Clear this to refuse the client everywhere.")
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, editable=False, help_text="When it last asked a person or for a token.")

    class Meta:
        ordering = ("name", "client_id")
        indexes = (models.Index(fields=["source", "last_used", "created"], name="client_unused"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.client_id})"

    @property
    def may_refresh(self) -> bool:
        return "refresh_token" in self.grant_types


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def alive(self) -> "ConnectionQuerySet":
        """Those that have not ended and whose year has not passed."""
        return self.filter(ended=None, expires__gt=timezone.now())


class AsksForScopes(models.Model):
    """The scopes that a client asked for. A connection's ``all_organizations`` is what its person gave."""

    asked_read = models.BooleanField(default=True, help_text="Whether the client named read.")
    asked_write = models.BooleanField(help_text="Whether the client asked for write.")
    asked_offline = models.BooleanField(default=False, help_text="Whether the client named offline_access.")
    all_organizations = models.BooleanField(default=False, help_text="Whether the client asked for all of them.")

    class Meta:
        abstract = True

    @property
    def asked(self) -> Asked:
        return Asked(self.asked_read, self.asked_write, self.asked_offline, self.all_organizations)


class Connection(AsksForScopes):
    """What one person granted one client on one occasion. What it reaches follows the person's own access."""

    class Way(models.TextChoices):
        BROWSER = "browser", "In the browser"
        DEVICE = "device", "With a code"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="connections")
    client = models.ForeignKey(Client, models.CASCADE, related_name="connections")
    client_edition = models.PositiveIntegerField(help_text="The edition of the client that the person saw.")
    all_organizations = models.BooleanField(default=False, help_text="Reaches every organization of the person.")
    narrowed = models.BooleanField(default=False, help_text="Reaches the chosen libraries only.")
    may_write = models.BooleanField(help_text="Whether the person gave write.")
    resource = models.CharField(max_length=RESOURCE_LENGTH, blank=True, help_text="See connections/resources.py.")
    way = models.CharField(max_length=10, choices=Way, default=Way.BROWSER)

    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField()
    redeemed = models.DateTimeField(null=True, help_text="When the client fetched its first token.")
    ended = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)
    last_used_address = models.CharField(max_length=45, blank=True)
    last_used_client = models.CharField(max_length=200, blank=True)

    memberships: "models.ManyToManyField[Membership, ConnectionMembership]" = models.ManyToManyField(
        Membership, through="ConnectionMembership", related_name="connections"
    )
    libraries: "models.ManyToManyField[Library, ConnectionLibrary]" = models.ManyToManyField(
        Library, through="ConnectionLibrary", related_name="connections"
    )

    objects: ClassVar = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "-id")
        indexes = (
            models.Index(fields=["user", "ended"], name="connection_of_user"),
            models.Index(fields=["redeemed", "created"], name="connection_unredeemed"),
            models.Index(fields=["ended"], name="connection_ended"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(asked_write=True) | Q(may_write=False), name="connection_write_was_asked_for"
            ),
        )

    def __str__(self) -> str:
        return f"{self.client.name} of {self.user}"

    def reached_memberships(self) -> models.QuerySet[Membership]:
        """Return the memberships that it reaches at this moment. connections/access.py has the same in SQL."""
        own = Membership.objects.filter(user=self.user_id)
        if not self.all_organizations:
            return own.filter(connection_grants__connection=self)
        return not_forbidden(own, Value(self.created), Value(self.way))


def not_forbidden(
    memberships: models.QuerySet[Membership], created: Combinable, way: Combinable
) -> models.QuerySet[Membership]:
    """Leave out what a connection to all organizations, made then and so, was never let into.

    That is an organization which forbids such connections and which its person joined after they made this one.
    """
    forbidding = Q(organization__app_policy__allows_apps=False) | Q(
        organization__app_policy__allows_devices=False, connection_way=Connection.Way.DEVICE
    )
    return memberships.annotate(connection_way=way).exclude(forbidding & Q(created__gt=created))


class ConnectionMembership(models.Model):
    """An organization that a connection was granted, by the person's membership: it goes when the membership does."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="granted")
    membership = models.ForeignKey(Membership, models.CASCADE, related_name="connection_grants")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["connection", "membership"], name="connection_membership_once"),)

    def __str__(self) -> str:
        return f"{self.connection_id} in {self.membership}"


class ConnectionLibrary(models.Model):
    """A library that a narrowed connection may reach."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="chosen")
    library = models.ForeignKey(Library, models.CASCADE, related_name="connection_choices")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["connection", "library"], name="connection_library_once"),)

    def __str__(self) -> str:
        return f"{self.connection_id} at {self.library}"


class AuthorizationRequest(AsksForScopes):
    """What a client asked for and a person is being shown. Used once, and only by the session that it was shown to."""

    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    session_digest = models.CharField(max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    client = models.ForeignKey(Client, models.CASCADE, related_name="+")
    client_edition = models.PositiveIntegerField()
    device = models.ForeignKey("DeviceAuthorization", models.CASCADE, null=True, related_name="+")
    redirect_uri = models.TextField(blank=True)
    state = models.TextField(blank=True)
    code_challenge = models.CharField(max_length=43, blank=True)
    resource = models.CharField(max_length=RESOURCE_LENGTH, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(db_index=True)
    spent = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.client.name} asks {self.user}"


class AuthorizationCode(models.Model):
    """A code that a client exchanges for tokens. It works once; a second use ends its connection."""

    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    connection = models.OneToOneField(Connection, models.CASCADE, related_name="code")
    redirect_uri = models.TextField()
    code_challenge = models.CharField(max_length=43)
    expires = models.DateTimeField(db_index=True)
    used = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"code of connection {self.connection_id}"


class RefreshToken(models.Model):
    """A refresh token. Each use replaces it by its successor, which is derived from it (connections/secrets.py)."""

    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="refresh_tokens")
    predecessor = models.OneToOneField("self", models.SET_NULL, null=True, related_name="successor")
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(db_index=True)
    rotated = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"refresh token of connection {self.connection_id}"


class AccessToken(models.Model):
    """An access token, bound to the resource that it was asked for."""

    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="access_tokens")
    refresh_token = models.OneToOneField(RefreshToken, models.SET_NULL, null=True, related_name="access_token")
    resource = models.CharField(max_length=RESOURCE_LENGTH, blank=True)
    may_write = models.BooleanField(help_text="Whether the client asked for write with this token.")
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"access token of connection {self.connection_id}"


class DeviceAuthorization(AsksForScopes):
    """A request of a device without a browser, which a person approves elsewhere by typing its code."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting for a person"
        ALLOWED = "allowed", "Allowed"
        DENIED = "denied", "Denied"
        REDEEMED = "redeemed", "Redeemed"

    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    user_code_digest = models.BinaryField(max_length=32, unique=True, editable=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="+")
    resource = models.CharField(max_length=RESOURCE_LENGTH, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    connection = models.OneToOneField(Connection, models.CASCADE, null=True, related_name="device")
    address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    interval = models.PositiveSmallIntegerField(default=5, help_text="Seconds to wait between two polls.")
    polled = models.DateTimeField(null=True)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=["pending", "allowed", "denied", "redeemed"]), name="device_state_known"
            ),
        )

    def __str__(self) -> str:
        return f"device authorization for {self.client.name}"


class AppPolicy(models.Model):
    """Whether an organization's members may connect apps. Without a row they may."""

    organization = models.OneToOneField(Organization, models.CASCADE, related_name="app_policy")
    allows_apps = models.BooleanField(default=True)
    allows_devices = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "app policies"

    def __str__(self) -> str:
        return f"app policy of {self.organization}"

    @classmethod
    def of(cls, organization_id: int) -> "AppPolicy":
        """Return what an organization lets its members connect; without a row, everything."""
        return cls.objects.filter(organization=organization_id).first() or cls(organization_id=organization_id)
