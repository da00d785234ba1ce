"""Staff's view of API keys, never of a secret. A key is not made here; it can be narrowed to nothing, or deleted."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.recent import ask_to_sign_in_again, signed_in_recently
from apikeys.contracts import DeleteKey, ScopeKey
from apikeys.models import APIKey, Claim, KeyGrant
from apikeys.operations import delete_key, scope_key
from orgs.admin import staff_principal
from raster.read_only_admin import ReadOnlyAdmin


@admin.register(APIKey)
class APIKeyAdmin(ReadOnlyAdmin):
    list_display = ("name", "label", "organization", "reads", "writes", "created_by_name", "last_used", "expires")
    list_filter = ("last_used", "expires")
    list_select_related = ("organization",)
    search_fields = ("name", "public_id", "organization__slug", "organization__name", "created_by_name")
    exclude = ("digest", "pepper")
    actions = ("narrow_to_none",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[APIKey]:
        return APIKey.objects.with_access().order_by("organization__name", "name")

    @admin.display(description="key")
    def label(self, key: APIKey) -> str:
        return key.label

    @admin.display(description="libraries with Read", ordering="reads")
    def reads(self, key: Any) -> int:
        return int(key.reads)

    @admin.display(description="libraries with Write", ordering="writes")
    def writes(self, key: Any) -> int:
        return int(key.writes)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("apikeys.delete_apikey")

    @admin.action(description="Take all access from the selected keys", permissions=["delete"])
    def narrow_to_none(self, request: HttpRequest, keys: QuerySet[APIKey]) -> None:
        for key in keys.select_related("organization"):
            slugs = key.grants.values_list("library__slug", flat=True)
            scope_key(
                staff_principal(request),
                ScopeKey(organization_id=key.organization.slug, key_id=key.pk, access=dict.fromkeys(slugs, "none")),
            )
        self.message_user(request, "The selected keys reach nothing from their next request on.", messages.SUCCESS)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        deletes = request.POST.get("action") == "delete_selected" and self.has_delete_permission(request)
        if deletes and not signed_in_recently(request):
            return ask_to_sign_in_again(request, request.path)
        return super().changelist_view(request, extra_context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        if self.has_delete_permission(request) and not signed_in_recently(request):
            return ask_to_sign_in_again(request, request.path)
        return super().delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: APIKey) -> None:
        delete_key(staff_principal(request), DeleteKey(organization_id=obj.organization.slug, key_id=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        for key in queryset.select_related("organization"):
            self.delete_model(request, key)

    def get_deleted_objects(self, objs: Iterable[APIKey], request: HttpRequest) -> Any:
        """Name the keys alone: a key may have thousands of grants, which go with it."""
        names = [str(key) for key in objs]
        return names, {"API keys": len(names)}, set(), []


@admin.register(KeyGrant)
class KeyGrantAdmin(ReadOnlyAdmin):
    list_display = ("key", "library", "level")
    list_filter = ("level",)
    list_select_related = ("key", "library")
    search_fields = ("key__name", "key__public_id", "library__slug", "library__organization__slug")


@admin.register(Claim)
class ClaimAdmin(ReadOnlyAdmin):
    list_display = ("organization", "email", "created", "address")
    list_filter = ("created",)
    list_select_related = ("organization",)
    search_fields = ("email", "address", "organization__slug", "organization__name")
    exclude = ("digest",)
