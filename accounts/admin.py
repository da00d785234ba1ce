"""Staff's view of accounts."""

from typing import Any, ClassVar

import allauth.account.admin  # noqa: F401 - registers what is unregistered here
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import RateCount, User
from accounts.people import verify_address
from raster.read_only_admin import ReadOnlyAdmin

# An address that staff add to a superuser would let its owner reset that password.
admin.site.unregister(EmailAddress)
# Groups give rights, which only superusers may (see UserAdmin); they do so by user.
admin.site.unregister(Group)


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]  # it takes no argument at run time
    """Asks for an address and a password."""

    class Meta:
        model = User
        fields = ("email", "name")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # as above
    """Users, without their password hashes. An account is switched off, not deleted: its history stays."""

    form = forms.ModelForm
    add_form = NewUserForm
    fieldsets = (
        (None, {"fields": ("email", "name", "set_password")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    readonly_fields = ("set_password", "date_joined", "last_login")
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    only_superusers_change: ClassVar = ("is_staff", "is_superuser", "user_permissions")

    @admin.display(description="password")
    def set_password(self, user: User) -> SafeString:
        return format_html(
            '<a href="{}">Set a password</a>', reverse("admin:auth_user_password_change", args=[user.pk])
        )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Keep the verified address, and let only superusers give rights: nobody gives themselves more."""
        fields = (*super().get_readonly_fields(request, obj), *(("email",) if obj else ()))
        return fields if request.user.is_superuser else fields + self.only_superusers_change

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        protected = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not protected and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            verify_address(obj)


@admin.register(RateCount)
class RateCountAdmin(ReadOnlyAdmin):
    list_display = ("name", "count", "expires")
    list_filter = ("expires",)
    search_fields = ("name",)
    ordering = ("-expires", "name")
