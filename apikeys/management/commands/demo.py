"""Makes a demonstration organization with real files and an agent's key; running it again repairs what is missing."""

import json
import os
import secrets
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from django.conf import settings
from django.core.management import CommandError

from accounts.models import User
from accounts.people import find_user, make_user
from apikeys.contracts import Access, CreateKey, RegenerateKey
from apikeys.models import APIKey
from apikeys.operations import create_key, regenerate_key
from apikeys.secrets import Digest, matches
from assets.contracts import CreateLibrary, TagAssets, UpdateAssetDescription, UploadAssets
from assets.demo_files import DEMO_FILES, DemoFile
from assets.derivatives import derive_all
from assets.models import Asset
from assets.names import asset_name
from assets.operations.assets import update_asset_description
from assets.operations.libraries import create_library
from assets.operations.tags import tag_assets
from assets.operations.uploads import upload_assets
from assets.staging import stage
from orgs.contracts import AddMember, CreateOrganization
from orgs.management.base import OperatorCommand
from orgs.models import Library, Organization
from orgs.operations import add_member, create_organization

ORGANIZATION = "acme"
OWNER = "alice@example.com"
EDITOR = "bob@example.com"
KEY_NAME = "Demo agent"


class Demo(TypedDict):
    """What ``demo.json`` in the data folder holds."""

    email: str
    password: str
    key: str
    mcp_url: str


class Command(OperatorCommand):
    help = __doc__

    libraries: ClassVar = {"barcelona": "Barcelona", "paris": "Paris", "lisbon": "Lisbon"}
    access: ClassVar[dict[str, Access]] = {"barcelona": "write", "paris": "read"}

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEV:
            raise CommandError("The demonstration has a password on the screen: it is made under RASTER_DEV=1 alone.")
        path = settings.DATA_DIR / "demo.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        password = kept.get("password") or secrets.token_urlsafe(12)
        self._people_and_libraries(password)
        self._files()
        demo = Demo(email=OWNER, password=password, key=self._key(kept.get("key", "")), mcp_url=settings.MCP_URL)
        _write(path, demo)
        self._tell(demo)

    def _people_and_libraries(self, password: str) -> None:
        alice, bob = _person(OWNER, password), _person(EDITOR, password)
        if not Organization.objects.filter(slug=ORGANIZATION).exists():
            create_organization(self.principal, CreateOrganization(name="Acme", slug=ORGANIZATION), alice)
        there = set(Library.objects.filter(organization__slug=ORGANIZATION).values_list("slug", flat=True))
        for slug, name in self.libraries.items():
            if slug not in there:
                create_library(self.principal, CreateLibrary(organization_id=ORGANIZATION, name=name, slug=slug))
        add_member(self.principal, AddMember(organization_id=ORGANIZATION, email=OWNER, role="owner"), alice)
        editor = AddMember(organization_id=ORGANIZATION, email=EDITOR, libraries={"barcelona": "editor"})
        add_member(self.principal, editor, bob)

    def _files(self) -> None:
        acme = Asset.objects.filter(library__organization__slug=ORGANIZATION)
        there = set(acme.values_list("library__slug", "name"))
        for library, files in DEMO_FILES.items():
            for file in files:
                if (library, asset_name(file.file_name)) not in there:
                    self._upload(library, file)
        derive_all(acme)

    def _upload(self, library: str, file: DemoFile, parent_id: str | None = None) -> None:
        place = {"organization_id": ORGANIZATION, "library_id": library}
        with stage(file.file_name, [file.path.read_bytes()]) as staged:
            [asset] = upload_assets(self.principal, UploadAssets(**place, parent_id=parent_id), [staged]).assets
        tag_assets(self.principal, TagAssets(**place, asset_ids=[asset.id], tags=list(file.tags)))
        description = UpdateAssetDescription(**place, asset_id=asset.id, description=file.description)
        update_asset_description(self.principal, description)
        for variant in file.variants:
            self._upload(library, variant, asset.id)

    def _key(self, kept: str) -> str:
        key = APIKey.objects.filter(organization__slug=ORGANIZATION, name=KEY_NAME).first()
        if key is None:
            command = CreateKey(organization_id=ORGANIZATION, name=KEY_NAME, access=self.access)
            return create_key(self.principal, command).secret
        if matches(kept, Digest(bytes(key.digest), key.pepper)):
            return kept
        return regenerate_key(self.principal, RegenerateKey(organization_id=ORGANIZATION, key_id=key.pk)).secret

    def _tell(self, demo: Demo) -> None:
        add = f"claude mcp add --transport http raster {demo['mcp_url']}"
        self.stdout.write(
            f"\nRaster      {settings.BASE_URL}\n"
            f"Sign in     {demo['email']} (owner) or {EDITOR} (editor of Barcelona)\n"
            f"Password    {demo['password']}\n"
            f"Demo key    {demo['key']}\n"
            f"For Claude  {add}\n"
            f'With a key  {add} --header "Authorization: Bearer {demo["key"]}"\n'
            f"Others      {settings.BASE_URL}/docs/connect\n"
        )


def _person(email: str, password: str) -> User:
    """Return the user with this address and password; whatever password they had is replaced."""
    user = find_user(email) or make_user(email, password)
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def _write(path: Path, demo: Demo) -> None:
    """Put the file in place whole, readable by its owner only."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(demo, file, indent=2)
    draft.replace(path)
