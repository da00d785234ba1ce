"""The authorization server's addresses: at the origin's root and without a slash at the end, as clients guess them."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
