"""Pages about the APIs, among the pages of people."""

from django.urls import path

from api.views import graphql_reference, rest_reference

urlpatterns = [
    path("api/docs", rest_reference, name="rest_reference"),
    path("graphql", graphql_reference, name="graphql"),
]
