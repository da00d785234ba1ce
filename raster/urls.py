"""Every page's address."""

from django.urls import URLPattern, URLResolver, include, path

handler400 = "raster.pages.bad_request"
handler403 = "raster.pages.permission_denied"
handler404 = "raster.pages.page_not_found"
handler500 = "raster.pages.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("accounts.urls")),
]
