"""Staff's view of assets and tags."""

from django.contrib import admin

from assets.models import Asset, AssetEvent, AssetTag, Installation, Leftover, Tag, UploadLink
from raster.read_only_admin import ReadOnlyAdmin


@admin.register(Asset)
class AssetAdmin(ReadOnlyAdmin):
    list_display = ("name", "id", "library", "content_type", "size", "uploaded_by_name", "created", "trashed")
    list_filter = ("content_type", "created", "trashed")
    list_select_related = ("library",)
    search_fields = ("=id", "name", "library__slug", "library__organization__slug", "uploaded_by_name", "=digest")
    ordering = ("-created", "-id")


@admin.register(Tag)
class TagAdmin(ReadOnlyAdmin):
    list_display = ("text", "library")
    list_select_related = ("library",)
    search_fields = ("text", "folded", "library__slug", "library__organization__slug")


@admin.register(AssetTag)
class AssetTagAdmin(ReadOnlyAdmin):
    list_display = ("tag", "asset")
    list_select_related = ("tag", "asset")
    search_fields = ("tag__text", "=asset__id", "asset__name")


@admin.register(AssetEvent)
class AssetEventAdmin(ReadOnlyAdmin):
    list_display = ("kind", "asset", "by_name", "at")
    list_filter = ("kind", "at")
    list_select_related = ("asset",)
    search_fields = ("=asset__id", "asset__name", "by_name")
    ordering = ("-at", "-id")


@admin.register(UploadLink)
class UploadLinkAdmin(ReadOnlyAdmin):
    list_display = ("library", "credential_class", "credential_id", "created", "expires", "used")
    list_filter = ("credential_class", "created")
    list_select_related = ("library",)
    search_fields = ("library__slug", "library__organization__slug")
    ordering = ("-created", "-id")


@admin.register(Installation)
class InstallationAdmin(ReadOnlyAdmin):
    list_display = ("identity", "renewed", "newest_upload")


@admin.register(Leftover)
class LeftoverAdmin(ReadOnlyAdmin):
    list_display = ("name", "size", "found", "seen")
    search_fields = ("=name",)
    ordering = ("found", "name")
