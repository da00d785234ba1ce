"""The authorization server's addresses: at the origin's root and without a slash at the end, as clients guess them."""

from django.urls import URLPattern, path

from connections.views import token

urlpatterns: list[URLPattern] = [
    path("token", token.token, name="token"),
    path("revoke", token.revoke, name="revoke"),
]
