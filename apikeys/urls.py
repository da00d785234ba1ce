"""The addresses of the API key pages, below an organization's settings."""

from django.urls import path

from apikeys import views

urlpatterns = [
    path("api-keys", views.list_page, name="api_key_list"),
    path("api-keys/new", views.create_page, name="api_key_create"),
    path("api-keys/<int:key_id>", views.key_page, name="api_key"),
    path("api-keys/<int:key_id>/rename", views.rename_page, name="api_key_rename"),
    path("api-keys/<int:key_id>/regenerate", views.regenerate_page, name="api_key_regenerate"),
    path("api-keys/<int:key_id>/delete", views.delete_page, name="api_key_delete"),
    path("api-keys/<int:key_id>/status", views.status, name="api_key_status"),
]
