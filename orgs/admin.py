"""Staff's view of organizations: to look things up; what has rules is changed by its operations."""

from dataclasses import replace

from django.contrib import admin
from django.http import HttpRequest

from orgs.access import OperatorPrincipal
from orgs.models import AuditEntry, Library, LibraryMembership, Membership, Organization
from orgs.principal import principal_for_user
from raster.read_only_admin import ReadOnlyAdmin


def staff_principal(request: HttpRequest) -> OperatorPrincipal:
    """Return the member of the staff who sent a request to the Django admin."""
    person = principal_for_user(request)
    return OperatorPrincipal(replace(person.origin, face="admin"), staff=person.user)


@admin.register(Organization)
class OrganizationAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "created")
    list_filter = ("created",)
    search_fields = ("name", "slug")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "organization", "role", "created")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "user__name", "organization__slug", "organization__name")


@admin.register(Library)
class LibraryAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "organization", "created")
    list_filter = ("created",)
    list_select_related = ("organization",)
    search_fields = ("name", "slug", "organization__slug", "organization__name")


@admin.register(LibraryMembership)
class LibraryMembershipAdmin(ReadOnlyAdmin):
    list_display = ("member", "library", "role")
    list_filter = ("role",)
    list_select_related = ("membership__user", "membership__organization", "library")
    search_fields = ("membership__user__email", "library__slug", "library__name", "library__organization__slug")

    @admin.display(ordering="membership__user__email")
    def member(self, row: LibraryMembership) -> str:
        return str(row.membership)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "organization", "actor", "action", "target", "face", "address")
    list_filter = ("face", "at")
    list_select_related = ("organization",)
    search_fields = ("actor", "action", "target", "organization__slug", "address", "request_id")
