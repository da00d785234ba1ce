"""The authorization server's addresses: at the origin's root and without a slash at the end, as clients guess them."""

from django.urls import URLPattern, path, re_path

from connections.views import apps, authorize, connect, device, discovery, registration, token

urlpatterns: list[URLPattern] = [
    re_path(r"^\.well-known/oauth-protected-resource(?:/[\s\S]*)?\Z", discovery.protected_resource),
    path(".well-known/oauth-authorization-server", discovery.authorization_server),
    re_path(r"^\.well-known/[\s\S]*\Z", discovery.nothing),
    path("register", registration.register, name="register"),
    path("authorize", authorize.authorize, name="authorize"),
    path("authorize/<str:request_id>", authorize.consent, name="consent"),
    path("authorize/logo/<int:client_id>", authorize.client_logo, name="client_logo"),
    path("token", token.token, name="token"),
    path("revoke", token.revoke, name="revoke"),
    path("device_authorization", device.device_authorization, name="device_authorization"),
    path("device", device.code_page, name="device"),
    path("device/done", device.done_page, name="device_done"),
    path("<id:organization>/connect", connect.connect_page, name="connect"),
    path("settings", apps.settings_page, name="settings"),
    path("settings/connected-apps", apps.own_page, name="connected_apps"),
    path("settings/connected-apps/<int:connection_id>/disconnect", apps.disconnect_page, name="disconnect"),
    path("settings/connected-apps/apps/<int:client_id>/disconnect", apps.disconnect_app_page, name="disconnect_app"),
    path("<id:organization>/settings/connected-apps", apps.organization_page, name="organization_connected_apps"),
    path(
        "<id:organization>/settings/connected-apps/<int:connection_id>/remove",
        apps.remove_page,
        name="organization_connection_remove",
    ),
]
