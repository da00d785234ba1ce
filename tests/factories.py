"""Rows for tests, and the cast that most tests share."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import factory
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.models import User
from apikeys.contracts import CreateKey, RevealedKey
from apikeys.operations import create_key
from assets.models import Asset, AssetTag, Tag
from assets.search_index import index_assets
from orgs.access import OperatorPrincipal, Origin
from orgs.models import Library, LibraryMembership, Membership, Organization
from raster.fold import fold_case

OPERATOR = OperatorPrincipal(Origin("cli"))
PASSWORD = "correct horse battery staple"


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A user without a usable password: hashing one takes a tenth of a second (see ``give_password``)."""

    class Meta:
        model = User

    email = factory.Sequence(lambda number: f"user{number}@example.com")
    name = factory.LazyAttribute(lambda user: user.email.partition("@")[0].title())
    password = "!"


class OrganizationFactory(factory.django.DjangoModelFactory[Organization]):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda number: f"Organization {number}")
    slug = factory.LazyAttribute(lambda organization: organization.name.lower().replace(" ", "-"))


class LibraryFactory(factory.django.DjangoModelFactory[Library]):
    class Meta:
        model = Library

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda number: f"Library {number}")
    slug = factory.LazyAttribute(lambda library: library.name.lower().replace(" ", "-"))


class AssetFactory(factory.django.DjangoModelFactory[Asset]):
    """A row without a file behind it: enough for everything but serving."""

    class Meta:
        model = Asset
        skip_postgeneration_save = True

    library = factory.SubFactory(LibraryFactory)
    name = factory.Sequence(lambda number: f"Asset {number}")
    file = factory.LazyAttribute(lambda asset: f"originals/{asset.name}")
    file_name = factory.LazyAttribute(lambda asset: f"{asset.name}.jpg")
    content_type = "image/jpeg"
    size = 1000
    digest = factory.Sequence(lambda number: f"{number:064x}")
    width = 800
    height = 600
    uploaded_by_name = "alice@example.com"

    @factory.post_generation  # type: ignore[untyped-decorator]
    def tagged(self, create: bool, extracted: list[str] | None, **kwargs: Any) -> None:
        """``AssetFactory(tagged=["sea"])`` puts tags on."""
        asset: Any = self  # factory-boy passes the made object
        for text in extracted or []:
            tag, _ = Tag.objects.get_or_create(library=asset.library, folded=fold_case(text), defaults={"text": text})
            AssetTag.objects.create(asset=asset, tag=tag)
        if create:
            index_assets([asset.pk])


@dataclass
class Cast:
    """alice owns Acme, bob edits Barcelona, carol views it, dave belongs elsewhere."""

    acme: Organization
    globex: Organization
    barcelona: Library
    paris: Library
    secret: Library
    alice: User
    bob: User
    carol: User
    dave: User

    def key(self, name: str = "Agent", **access: str) -> RevealedKey:
        """Make a key of Acme with this access: ``cast.key(barcelona="write", paris="read")``."""
        return make_key(self.acme, name, **access)


def make_key(organization: Organization, name: str = "Agent", **access: str) -> RevealedKey:
    """Make a key whose access is given by library slug."""
    return create_key(
        OPERATOR, CreateKey.model_validate({"organizationId": organization.slug, "name": name, "access": access})
    )


@transaction.atomic
def make_cast() -> Cast:
    """Make the cast. Acme holds Barcelona and Paris; Secret is Globex's only library."""
    acme = OrganizationFactory(name="Acme", slug="acme")
    globex = OrganizationFactory(name="Globex", slug="globex")
    barcelona = LibraryFactory(organization=acme, name="Barcelona", slug="barcelona")
    paris = LibraryFactory(organization=acme, name="Paris", slug="paris")
    secret = LibraryFactory(organization=globex, name="Secret", slug="secret")
    people = {name: UserFactory(email=f"{name}@example.com") for name in ("alice", "bob", "carol", "dave")}
    for name, organization, role, libraries in (
        ("alice", acme, "owner", {}),
        ("bob", acme, "member", {barcelona: "editor"}),
        ("carol", acme, "member", {barcelona: "viewer"}),
        ("dave", globex, "owner", {}),
    ):
        membership = Membership.objects.create(organization=organization, user=people[name], role=role)
        for library, library_role in libraries.items():
            LibraryMembership.objects.create(membership=membership, library=library, role=library_role)
    return Cast(acme=acme, globex=globex, barcelona=barcelona, paris=paris, secret=secret, **people)


def give_password(user: User) -> None:
    """Let a user sign in with ``PASSWORD``. Whoever has one already gets another hash, as by a change of it."""
    user.password = make_password(PASSWORD) if user.has_usable_password() else first_hash(user.email)
    user.save(update_fields=["password"])


@cache
def first_hash(email: str) -> str:
    """Return a hash of ``PASSWORD`` of this person's own, made once: it takes a tenth of a second."""
    return make_password(PASSWORD)
