"""The addresses of the start page, of new organizations, and of an organization's settings."""

from django.urls import path

from orgs import views

urlpatterns = [
    path("", views.start, name="start"),
    path("new", views.create, name="organization_create"),
    path("<id:organization>/settings", views.settings, name="organization_settings"),
    path("<id:organization>/settings/members", views.members, name="members"),
    path("<id:organization>/settings/members/<int:user_id>", views.member, name="member"),
    path("<id:organization>/settings/members/<int:user_id>/remove", views.remove, name="member_remove"),
]
