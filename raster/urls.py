"""Every page's address. What is not found before it is an organization's slug."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, register_converter
from django.views.generic import RedirectView

from apikeys.views import claim_page
from orgs.slugs import SlugConverter

register_converter(SlugConverter, "id")
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth documents it
admin.site.site_header = admin.site.site_title = "Raster"

handler400 = "raster.pages.bad_request"
handler403 = "raster.pages.permission_denied"
handler404 = "raster.pages.page_not_found"
handler500 = "raster.pages.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("accounts.urls")),
    path("", include("documentation.urls")),
    path("", include("api.urls")),
    path("", include("connections.urls")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("claim/<str:secret>", claim_page, name="claim"),
    path("<id:organization>/settings/", include("apikeys.urls")),
    path("", include("orgs.urls")),
    path("", include("assets.urls")),
]
