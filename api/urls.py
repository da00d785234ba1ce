"""Pages about the APIs, among the pages of people."""

from django.urls import path

from api.views import graphql_playground, rest_reference

urlpatterns = [
    path("api/docs", rest_reference, name="rest_reference"),
    path("graphql", graphql_playground, name="graphql"),
]
