"""The demonstration that make run shows."""

import io
import json
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from accounts.models import User
from apikeys.models import APIKey
from apikeys.secrets import Digest, matches
from assets.models import Asset
from orgs.models import Library, LibraryMembership, Membership, Organization


def run() -> str:
    """Run the command; return what it wrote to stdout."""
    out = io.StringIO()
    call_command("demo", stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.mark.django_db
def test_outside_development_there_is_no_demonstration(settings: LazySettings) -> None:
    settings.DEV = False
    with pytest.raises(CommandError, match="RASTER_DEV=1"):
        run()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_it_is_made_once_and_repaired_afterwards(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    first = run()
    demo = json.loads((tmp_path / "demo.json").read_text())
    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600
    header = f'--header "Authorization: Bearer {demo["key"]}"'
    assert f"claude mcp add --transport http raster {demo['mcp_url']} {header}\n" in first
    assert f"claude mcp add --transport http raster {demo['mcp_url']}\n" in first
    assert demo["password"] in first
    assert User.objects.get(email=demo["email"]).check_password(demo["password"])
    assert Membership.objects.get(user__email="alice@example.com").role == Membership.Role.OWNER
    assert LibraryMembership.objects.get(membership__user__email="bob@example.com").library.slug == "barcelona"
    assert set(Library.objects.values_list("slug", flat=True)) == {"barcelona", "paris", "lisbon"}
    pictures = Asset.objects.filter(library__slug="barcelona")
    assert pictures.exists()
    assert all(picture.description and picture.tags.exists() and picture.width for picture in pictures)
    assert Asset.objects.get(parent__isnull=False).parent == pictures.get(name="Sailing at sunrise")
    assets = set(Asset.objects.values_list("id", flat=True))

    assert run() == first

    APIKey.objects.all().delete()
    Organization.objects.get().memberships.filter(user__email="bob@example.com").delete()
    second = run()
    key = APIKey.objects.get()
    demo = json.loads((tmp_path / "demo.json").read_text())
    assert second != first
    assert matches(demo["key"], Digest(bytes(key.digest), key.pepper))
    assert dict(key.grants.values_list("library__slug", "level")) == {"barcelona": 2, "paris": 1}
    assert Membership.objects.filter(user__email="bob@example.com").exists()
    assert set(Asset.objects.values_list("id", flat=True)) == assets
