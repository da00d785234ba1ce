"""The paths of the REST API, within it."""

from django.urls import URLPattern, path

from api.rest.views import Me

urlpatterns: list[URLPattern] = [
    path("me", Me.as_view()),
]
