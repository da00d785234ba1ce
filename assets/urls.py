"""The addresses of an organization's home, its libraries and their assets."""

from django.urls import path, register_converter

from assets import views
from assets.models import ASSET_ID_LENGTH


class AssetIdConverter:
    """Matches the ids of assets."""

    regex = rf"[0-9A-Za-z]{{{ASSET_ID_LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AssetIdConverter, "asset_id")

urlpatterns = [
    path("<id:organization>", views.home, name="organization"),
    path("<id:organization>/new", views.create, name="library_create"),
    path("<id:organization>/<id:library>", views.library, name="library"),
    path("<id:organization>/<id:library>/<asset_id:asset>", views.asset, name="asset"),
]
