"""The addresses of an organization's home, its libraries and their assets."""

from django.urls import path, register_converter

from assets.models import ASSET_ID_LENGTH
from assets.views import asset, home, library, search, selection


class AssetIdConverter:
    """Matches the ids of assets."""

    regex = rf"[0-9A-Za-z]{{{ASSET_ID_LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AssetIdConverter, "asset_id")

LIBRARY = "<id:organization>/<id:library>"
ASSET = f"{LIBRARY}/<asset_id:asset>"

urlpatterns = [
    path("<id:organization>", home.home, name="organization"),
    path("<id:organization>/new", home.create, name="library_create"),
    path("<id:organization>/search", search.search, name="search"),
    path(LIBRARY, library.library, name="library"),
    path(f"{LIBRARY}/tag", selection.tag, name="assets_tag"),
    path(f"{LIBRARY}/untag", selection.untag, name="assets_untag"),
    path(f"{LIBRARY}/move", selection.move, name="assets_move"),
    path(f"{LIBRARY}/delete", selection.delete, name="assets_delete"),
    path(f"{LIBRARY}/trash", library.trash, name="library_trash"),
    path(f"{LIBRARY}/restore", selection.restore, name="assets_restore"),
    path(ASSET, asset.asset, name="asset"),
    path(f"{ASSET}/history", asset.history, name="asset_history"),
    path(f"{ASSET}/rename", asset.rename, name="asset_rename"),
    path(f"{ASSET}/description", asset.describe, name="asset_describe"),
    path(f"{ASSET}/approval", asset.approve, name="asset_approve"),
    path(f"{ASSET}/promote", asset.promote, name="asset_promote"),
    path(f"{ASSET}/tag", selection.tag, name="asset_tag"),
    path(f"{ASSET}/untag", selection.untag, name="asset_untag"),
    path(f"{ASSET}/move", selection.move, name="asset_move"),
    path(f"{ASSET}/delete", selection.delete, name="asset_delete"),
]
