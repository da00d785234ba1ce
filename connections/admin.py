"""Staff's view of apps and what people connected, never of a secret.

Clients can be registered and switched off here, connections ended; everything else is to look at.
"""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.recent import ask_to_sign_in_again, signed_in_recently
from connections.client_form import ClientForm
from connections.ending import end_connection
from connections.models import (
    AccessToken,
    AppPolicy,
    AuthorizationCode,
    AuthorizationRequest,
    Client,
    Connection,
    ConnectionLibrary,
    ConnectionMembership,
    DeviceAuthorization,
    RefreshToken,
)
from connections.registration import change_staff_client, register_staff_client, switch_client
from connections.trust import shown_name
from orgs.admin import staff_principal
from raster.read_only_admin import ReadOnlyAdmin

#: What tells one token or code of a connection from another, and whose it is.
OF_CONNECTION = ("connection__user__email", "connection__client__name", "connection__client__client_id")
WITH_CONNECTION = ("connection__user", "connection__client")


@admin.register(Client)
class ClientAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # it takes no argument at run time
    """Apps. Staff change the name and addresses of those that they registered; the others say those themselves."""

    form = ClientForm
    list_display = ("shown_name", "source", "authentication", "is_active", "created", "last_used")
    list_filter = ("source", "authentication", "is_active", "created", "last_used")
    search_fields = ("name", "client_id", "website", "redirect_uris")
    show_full_result_count = False
    actions = ("disable", "enable")
    facts = (
        "client_id", "source", "website", "authentication", "grant_types", "keys_url", "keys", "edition", "read",
        "fresh_until", "created", "last_used",
    )  # fmt: skip

    @admin.display(description="name", ordering="name")
    def shown_name(self, client: Client) -> str:
        return shown_name(client)

    def get_fields(self, request: HttpRequest, obj: Client | None = None) -> Any:
        return ("is_active", "name", "redirect_uris", *self.facts) if obj else ClientForm.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Client | None = None) -> Any:
        if obj is None:
            return ()
        return self.facts if obj.source == Client.Source.STAFF else ("name", "redirect_uris", *self.facts)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        if self.has_add_permission(request) and not signed_in_recently(request):
            return ask_to_sign_in_again(request, request.path)
        return super().add_view(request, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            switch_client(obj.pk, is_active=obj.is_active)
            if obj.source == Client.Source.STAFF:
                change_staff_client(obj.pk, name=obj.name, redirect_uris=obj.redirect_uris)
            return
        registered = register_staff_client(form.metadata)
        obj.pk = registered.client.pk
        obj.refresh_from_db()
        obj.secret = registered.secret  # for the answer, the only one that shows it

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        if not obj.secret:
            return super().response_add(request, obj, post_url_continue)
        context = {**self.admin_site.each_context(request), "title": "Client registered", "client": obj}
        return render(request, "connections/admin_client_registered.html", context)

    @admin.action(description="Disable the selected clients", permissions=["change"])
    def disable(self, request: HttpRequest, clients: QuerySet[Client]) -> None:
        self._set_active(request, clients, active=False)
        self.message_user(request, "The selected clients are refused from their next request on.", messages.SUCCESS)

    @admin.action(description="Enable the selected clients", permissions=["change"])
    def enable(self, request: HttpRequest, clients: QuerySet[Client]) -> None:
        self._set_active(request, clients, active=True)
        self.message_user(request, "The selected clients are served again.", messages.SUCCESS)

    def _set_active(self, request: HttpRequest, clients: QuerySet[Client], *, active: bool) -> None:
        for client in clients:
            switch_client(client.pk, is_active=active)
            self.log_change(request, client, "Enabled." if active else "Disabled.")


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    list_display = (
        "user",
        "app",
        "reaches",
        "may_write",
        "way",
        "created",
        "last_used",
        "redeemed",
        "ended",
        "expires",
    )
    list_filter = (
        "way",
        "may_write",
        "all_organizations",
        "narrowed",
        "client__source",
        "created",
        "redeemed",
        "ended",
    )
    list_select_related = ("user", "client")
    search_fields = (
        "user__email",
        "user__name",
        "client__name",
        "client__client_id",
        "memberships__organization__slug",
    )
    fields = (
        "user", "client", "reaches", "chosen_libraries", "narrowed", "asked_write", "may_write", "resource", "way",
        "created", "redeemed", "last_used", "last_used_address", "last_used_client", "expires", "ended",
    )  # fmt: skip
    actions = ("end",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        return Connection.objects.prefetch_related("granted__membership__organization")

    @admin.display(description="app", ordering="client__name")
    def app(self, connection: Connection) -> str:
        return shown_name(connection.client)

    @admin.display(description="organizations")
    def reaches(self, connection: Connection) -> str:
        if connection.all_organizations:
            return "All of the person's"
        return ", ".join(sorted(grant.membership.organization.slug for grant in connection.granted.all()))

    @admin.display(description="chosen libraries")
    def chosen_libraries(self, connection: Connection) -> str:
        return ", ".join(
            f"{row.organization.slug}/{row.slug}" for row in connection.libraries.select_related("organization")
        )

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("connections.change_connection")

    @admin.action(description="End the selected connections", permissions=["end"])
    def end(self, request: HttpRequest, connections: QuerySet[Connection]) -> None:
        for connection in connections.select_related("client", "user"):
            end_connection(staff_principal(request), connection, "ended by staff")
        self.message_user(request, "The selected connections are refused from their next request on.", messages.SUCCESS)


@admin.register(ConnectionMembership)
class ConnectionMembershipAdmin(ReadOnlyAdmin):
    list_display = ("connection", "membership")
    list_select_related = (*WITH_CONNECTION, "membership__user", "membership__organization")
    search_fields = (*OF_CONNECTION, "membership__organization__slug")


@admin.register(ConnectionLibrary)
class ConnectionLibraryAdmin(ReadOnlyAdmin):
    list_display = ("connection", "library")
    list_select_related = (*WITH_CONNECTION, "library")
    search_fields = (*OF_CONNECTION, "library__slug", "library__organization__slug")


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    list_display = ("id", "connection", "resource", "may_write", "created", "expires")
    list_filter = ("may_write", "created", "expires")
    list_select_related = WITH_CONNECTION
    search_fields = OF_CONNECTION
    ordering = ("-id",)


@admin.register(RefreshToken)
class RefreshTokenAdmin(ReadOnlyAdmin):
    list_display = ("id", "connection", "created", "rotated", "expires")
    list_filter = ("created", "rotated", "expires")
    list_select_related = WITH_CONNECTION
    search_fields = OF_CONNECTION
    ordering = ("-id",)


@admin.register(AuthorizationCode)
class AuthorizationCodeAdmin(ReadOnlyAdmin):
    list_display = ("id", "connection", "used", "expires")
    list_filter = ("used", "expires")
    list_select_related = WITH_CONNECTION
    search_fields = OF_CONNECTION
    exclude = ("code_challenge",)
    ordering = ("-id",)


@admin.register(AuthorizationRequest)
class AuthorizationRequestAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "client", "resource", "created", "expires", "spent")
    list_filter = ("created", "expires", "spent")
    list_select_related = ("user", "client")
    search_fields = ("user__email", "client__name", "client__client_id")
    exclude = ("session_digest", "state", "code_challenge")
    ordering = ("-id",)


@admin.register(DeviceAuthorization)
class DeviceAuthorizationAdmin(ReadOnlyAdmin):
    list_display = ("id", "client", "state", "claimed_by", "address", "created", "expires")
    list_filter = ("state", "created", "expires")
    list_select_related = ("client", "claimed_by")
    search_fields = ("client__name", "client__client_id", "claimed_by__email", "address", "user_agent")
    ordering = ("-id",)


@admin.register(AppPolicy)
class AppPolicyAdmin(ReadOnlyAdmin):
    list_display = ("organization", "allows_apps", "allows_devices")
    list_filter = ("allows_apps", "allows_devices")
    list_select_related = ("organization",)
    search_fields = ("organization__slug", "organization__name")
