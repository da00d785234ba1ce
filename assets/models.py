"""Assets, the tags on them, and the resized versions that are made of them."""

import secrets
import string
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from assets.search_words import WORD_LENGTH
from orgs.models import Library, Organization

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
ASSET_ID_LENGTH = 22  # base62: 131 bits, since whoever holds an asset's link may read its file
NAME_LENGTH = 255
TAG_LENGTH = 64
APPROVAL_NOTE_LENGTH = 500


def new_asset_id() -> str:
    """Return a random id that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ASSET_ID_LENGTH))


def new_token() -> str:
    """Return 32 random characters that no other installation has."""
    return secrets.token_hex(16)


class AssetQuerySet(models.QuerySet["Asset"]):
    """Assets by what lists show of them."""

    def live(self) -> "AssetQuerySet":
        """Leave out what is in the trash."""
        return self.filter(trashed__isnull=True)

    def main(self) -> "AssetQuerySet":
        """Leave out variants, which are reached through their parent."""
        return self.filter(parent__isnull=True)

    def in_trash(self) -> "AssetQuerySet":
        """Leave only what was put into the trash by itself: not the variants that went there with their original."""
        return self.filter(Q(parent__isnull=True) | Q(parent__trashed__isnull=True), trashed__isnull=False)

    def newest_first(self) -> "AssetQuerySet":
        return self.order_by("-created", "-id")


class Asset(models.Model):
    """A file in a library, with what is known of it."""

    class Derivatives(models.TextChoices):
        """What became of the versions that are made of the file after it came in."""

        PENDING = "pending", "To be made"
        READY = "ready", "Made, or none are made of such a file"
        FAILED = "failed", "Could not be made"

    class Approval(models.TextChoices):
        IN_REVIEW = "in_review", "In review"
        APPROVED = "approved", "Approved"
        NEEDS_CHANGES = "needs_changes", "Needs changes"

    id = models.CharField(primary_key=True, max_length=ASSET_ID_LENGTH, default=new_asset_id, editable=False)
    library = models.ForeignKey(Library, models.CASCADE, related_name="assets")
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="variants", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    description = models.TextField(blank=True)
    tags: "models.ManyToManyField[Tag, AssetTag]" = models.ManyToManyField(
        "Tag", through="AssetTag", related_name="assets"
    )

    file = models.CharField(max_length=200, help_text="The original's name in the storage.")
    file_name = models.CharField(max_length=NAME_LENGTH, help_text="The last part of the asset's URL.")
    content_type = models.CharField(max_length=40)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the original, in hexadecimal.")
    width = models.PositiveIntegerField(null=True, help_text="Pixels, as displayed.")
    height = models.PositiveIntegerField(null=True, help_text="Pixels, as displayed.")
    blurhash = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null is what the API says until it is made
    sizes = models.JSONField(default=dict, help_text="Width in pixels to the WebP file's name in the storage.")
    derivatives = models.CharField(max_length=10, choices=Derivatives, default=Derivatives.READY)
    derivatives_tries = models.PositiveSmallIntegerField(default=0)
    derivatives_due = models.DateTimeField(
        null=True, blank=True, help_text="When a worker may take it: until then another one has it, or it waits."
    )

    approval_state = models.CharField(max_length=15, choices=Approval, blank=True)
    approval_note = models.CharField(max_length=APPROVAL_NOTE_LENGTH, blank=True)
    approval_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    approval_by_name = models.CharField(max_length=254, blank=True)
    approval_at = models.DateTimeField(null=True, blank=True)

    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    uploaded_by_name = models.CharField(max_length=254)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    trashed = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = AssetQuerySet.as_manager()

    #: What belongs to the file rather than to the asset, and goes with it when a variant is promoted.
    FILE_FIELDS: ClassVar = (
        "file",
        "content_type",
        "size",
        "digest",
        "width",
        "height",
        "blurhash",
        "sizes",
        "derivatives",
        "derivatives_tries",
        "derivatives_due",
        "uploaded_by_id",
        "uploaded_by_name",
    )
    APPROVAL_FIELDS: ClassVar = (
        "approval_state",
        "approval_note",
        "approval_by_id",
        "approval_by_name",
        "approval_at",
    )

    class Meta:
        indexes = (
            # Of variants alone: SQLite would look originals up in it, of every library at once.
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="asset_variants"),
            models.Index(
                fields=["library", "-created", "-id"],
                condition=Q(parent__isnull=True, trashed__isnull=True),
                name="asset_live_newest",
            ),
            models.Index(fields=["library", "digest"], name="asset_same_file"),
            models.Index(fields=["file"], name="asset_of_file"),
            models.Index(
                fields=["derivatives_due", "library", "id"], condition=Q(derivatives="pending"), name="asset_to_derive"
            ),
            models.Index(
                fields=["library", "-trashed", "-id"], condition=Q(trashed__isnull=False), name="asset_trashed_newest"
            ),
            models.Index(fields=["trashed"], condition=Q(trashed__isnull=False), name="asset_to_purge"),
        )

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word on assets of one library: kept as it was first written, compared by its folded form."""

    library = models.ForeignKey(Library, models.CASCADE, related_name="tags")
    text = models.CharField(max_length=TAG_LENGTH)
    folded = models.CharField(max_length=TAG_LENGTH * 9, editable=False, help_text="By fold_case().")

    class Meta:
        ordering = ("folded",)
        constraints = (models.UniqueConstraint(fields=["library", "folded"], name="tag_once_in_a_library"),)

    def __str__(self) -> str:
        return self.text


class AssetTag(models.Model):
    """A tag on an asset."""

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="asset_tags")
    tag = models.ForeignKey(Tag, models.CASCADE, related_name="asset_tags")

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=["asset", "tag"], name="tag_once_on_an_asset"),)

    def __str__(self) -> str:
        return f"{self.tag} on {self.asset}"


def read_tokens(text: str) -> set[str]:
    """Return the tokens of what either database writes them as: PostgreSQL puts each in quotes."""
    return set(text.replace("'", "").split())


class Tokens(models.Field):  # type: ignore[type-arg]  # generic in the stubs alone
    """What a search finds an asset by: letters and digits with no order, as the database's full text takes them."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def get_placeholder(self, value: object, compiler: object, connection: BaseDatabaseWrapper) -> str:
        # The cast from text would read quotes and colons as its own.
        return "array_to_tsvector(string_to_array(%s, ' '))" if connection.vendor == "postgresql" else "%s"

    def get_prep_value(self, value: set[str]) -> str:
        return " ".join(sorted(value))

    def from_db_value(self, value: str, expression: object, connection: BaseDatabaseWrapper) -> set[str]:
        return read_tokens(value)


class FoldedWord(models.CharField):  # type: ignore[type-arg]  # generic in the stubs alone
    """A folded word, which both databases sort by its characters' numbers, so that beginnings are ranges."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        plain = str(super().db_type(connection))
        return f'{plain} COLLATE "C"' if connection.vendor == "postgresql" else plain


class SearchEntry(models.Model):
    """A live main asset as search sees it, kept by ``assets.search_index``; without a row nothing finds the asset.

    On SQLite, triggers copy ``tokens`` into the FTS5 table ``assets_search`` under ``place``. Django forgets a table's
    triggers when it remakes it: a migration that changes this model makes them again.
    """

    asset = models.OneToOneField(Asset, models.CASCADE, primary_key=True, related_name="search_entry")
    library = models.ForeignKey(Library, models.CASCADE, related_name="+", db_index=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    place = models.BigIntegerField(help_text="Grows with the moment at which the asset was made.")
    tokens = Tokens()

    class Meta:
        verbose_name_plural = "search entries"
        indexes = (
            models.Index(fields=["library", "-place", "-asset"], name="search_library_newest"),
            models.Index(fields=["organization", "-place", "-asset"], name="search_organization_newest"),
        )

    def __str__(self) -> str:
        return self.asset_id


class LibraryWord(models.Model):
    """A word that live main assets of a library hold: what mistyped words are corrected to."""

    library = models.ForeignKey(Library, models.CASCADE, related_name="+", db_index=False)
    word = FoldedWord(max_length=WORD_LENGTH)
    backwards = FoldedWord(max_length=WORD_LENGTH, help_text="The word from its end, so that endings are ranges, too.")
    assets = models.IntegerField(help_text="How many hold it.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["library", "word"], name="word_once_in_a_library"),)
        indexes = (models.Index(fields=["library", "backwards"], name="word_by_its_end"),)

    def __str__(self) -> str:
        return str(self.word)


class AssetEvent(models.Model):
    """What was done to an asset, for its history. The audit log has the same, with addresses, for admins."""

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=20)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=254)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=["asset", "-at", "-id"], name="asset_history"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.asset_id}"


class UploadLink(models.Model):
    """A link with which files come into one library once, without the credential that it was made with.

    Its text is a credential itself: only a digest is here. ``credential_class`` and ``credential_id`` say whose it is
    (``BearerPrincipal.credential``); whether they may still write there is asked anew when it is used.
    """

    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    library = models.ForeignKey(Library, models.CASCADE, related_name="upload_links")
    credential_class = models.CharField(max_length=12)
    credential_id = models.BigIntegerField()
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(db_index=True)
    used = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"upload link into {self.library}"


class Installation(models.Model):
    """What ties this database to its storage: the one row that is compared with the mark there.

    ``assets.ownership`` has the rules. Without this row in step with the mark, no stored file is deleted.
    """

    ROW: ClassVar = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ROW, editable=False)
    identity = models.CharField(max_length=32, default=new_token, help_text="Of this installation; random.")
    generation = models.CharField(
        max_length=32, default=new_token, help_text="Changes with each clean-up of stored files, so that copies differ."
    )
    previous_generation = models.CharField(
        max_length=32, blank=True, help_text="What the storage still has after a crash between the two writes."
    )
    renewed = models.DateTimeField(null=True, help_text="When the generation changed last.")
    newest_upload = models.DateTimeField(null=True, help_text="At least as late as what the storage has, to a minute.")

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="one_installation"),)

    def __str__(self) -> str:
        return self.identity


class Leftover(models.Model):
    """A stored file that a clean-up found without a row: a later clean-up deletes it if it still has none."""

    name = models.CharField(max_length=200, primary_key=True, help_text="In the storage.")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    found = models.DateTimeField(db_index=True, help_text="When a clean-up found it first.")
    seen = models.DateTimeField(db_index=True, help_text="When a clean-up found it last.")

    def __str__(self) -> str:
        return self.name
