"""Assets, the tags on them, and the resized versions that are made of them."""

import secrets
import string
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from orgs.models import Library

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
ASSET_ID_LENGTH = 22  # base62: 131 bits, since whoever holds an asset's link may read its file
NAME_LENGTH = 255
TAG_LENGTH = 64


def new_asset_id() -> str:
    """Return a random id that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ASSET_ID_LENGTH))


class AssetQuerySet(models.QuerySet["Asset"]):
    """Assets by what lists show of them."""

    def live(self) -> "AssetQuerySet":
        """Leave out what is in the trash."""
        return self.filter(trashed__isnull=True)

    def main(self) -> "AssetQuerySet":
        """Leave out variants, which are reached through their parent."""
        return self.filter(parent__isnull=True)

    def newest_first(self) -> "AssetQuerySet":
        return self.order_by("-created", "-id")


class Asset(models.Model):
    """A file in a library, with what is known of it."""

    id = models.CharField(primary_key=True, max_length=ASSET_ID_LENGTH, default=new_asset_id, editable=False)
    library = models.ForeignKey(Library, models.CASCADE, related_name="assets")
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="variants")
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

    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    uploaded_by_name = models.CharField(max_length=254)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    trashed = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = AssetQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(
                fields=["library", "-created", "-id"],
                condition=Q(parent__isnull=True, trashed__isnull=True),
                name="asset_live_newest",
            ),
            models.Index(fields=["library", "digest"], name="asset_same_file"),
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
