"""No page scrolls sideways on a narrow screen, however long the names on it are and whether or not they break."""

import json

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from apikeys.models import APIKey
from assets.models import NAME_LENGTH as ASSET_NAME_LENGTH
from assets.models import TAG_LENGTH, Asset
from orgs.models import NAME_LENGTH, SLUG_LENGTH, LibraryMembership, Membership
from tests.connections.factories import connect, make_client
from tests.factories import AssetFactory, Cast, LibraryFactory, UserFactory
from tests.server import Server

pytestmark = pytest.mark.once

SLUG = "w" * SLUG_LENGTH
#: The elements that widen the page: those beyond the screen that nothing around them clips or scrolls.
TOO_WIDE = """() => {
    const clips = each => each !== document.body && getComputedStyle(each).overflowX !== "visible";
    const isClipped = each => each && (clips(each) || isClipped(each.parentElement));
    return [...document.body.querySelectorAll("*")]
        .filter(each => each.getBoundingClientRect().right > innerWidth + 1 && !isClipped(each.parentElement))
        .map(each => `${each.tagName} ${each.className}`);
}"""
EMAIL = f"{'w' * 64}@{'.'.join(['w' * 60] * 3)}.com"


def fill(cast: Cast, letter: str) -> tuple[APIKey, Asset, Membership]:
    """Give everything that Acme's pages show the longest name of one letter."""
    name = letter * NAME_LENGTH
    cast.acme.name, cast.acme.slug = name, SLUG
    cast.acme.save()
    cast.barcelona.name, cast.barcelona.slug = name, SLUG
    cast.barcelona.save()
    cast.paris.name = name
    cast.paris.save()
    LibraryFactory(organization=cast.acme, name=name, slug=f"{SLUG[:-1]}x")
    User.objects.filter(pk=cast.alice.pk).update(name=name)
    member = UserFactory(email=EMAIL, name=name)
    membership = Membership.objects.create(organization=cast.acme, user=member, role="member")
    LibraryMembership.objects.create(membership=membership, library=cast.barcelona, role="editor")
    key = cast.acme.api_keys.get(pk=cast.key(name, **{SLUG: "write"}).key_id)
    key.last_used_client, key.last_used_address = letter * 200, "2001:db8:1111:2222:3333:4444:5555:6666"
    key.last_used = timezone.now()
    key.save()
    asset = AssetFactory(
        library=cast.barcelona,
        name=letter * ASSET_NAME_LENGTH,
        file="originals/one",
        file_name=f"{'w' * 100}.jpg",
        description=letter * 2000,
        tagged=[letter * (TAG_LENGTH - 1), *(f"{letter * (TAG_LENGTH - 2)}{number}" for number in range(4))],
        uploaded_by_name=name,
        uploaded_by=member,
    )
    AssetFactory(
        library=cast.barcelona, parent=asset, name=letter * ASSET_NAME_LENGTH, file="originals/two", file_name="two.jpg"
    )
    AssetFactory(
        library=cast.barcelona,
        name=letter * ASSET_NAME_LENGTH,
        file="originals/three",
        file_name="three.jpg",
        trashed=timezone.now(),
    )
    client = make_client(name=name, redirect_uris=[f"https://{'w' * 60}.example/callback"])
    connection = connect(cast.alice, client, cast.acme)
    connection.last_used_client, connection.last_used = letter * 200, timezone.now()
    connection.save()
    return key, asset, membership


@pytest.mark.parametrize("letter", ["W", "م"])
def test_the_longest_names_fit_a_narrow_screen(
    server: Server, cast: Cast, alice: Page, problems: list[str], letter: str
) -> None:
    key, asset, membership = fill(cast, letter)
    library = f"/{SLUG}/{SLUG}"
    picture = f"{library}/{asset.pk}"
    keys = f"/{SLUG}/settings/api-keys"
    paths = [
        "/",
        "/new",
        "/settings/connected-apps",
        f"/{SLUG}",
        f"/{SLUG}/new",
        f"/{SLUG}/search?q={letter * 10}",
        f"/{SLUG}/connect",
        library,
        f"{library}?q={letter * 60}",
        f"{library}/trash",
        *(f"{library}/{act}?ids={asset.pk}" for act in ("tag", "untag", "move", "delete")),
        picture,
        *(f"{picture}/{act}" for act in ("history", "rename", "description", "approval", "tag", "move", "delete")),
        f"/{SLUG}/settings/members",
        f"/{SLUG}/settings/members/{membership.user_id}",
        f"/{SLUG}/settings/members/{membership.user_id}/remove",
        f"/{SLUG}/settings/connected-apps",
        keys,
        f"{keys}/new",
        *(f"{keys}/{key.pk}{act}" for act in ("", "/rename", "/regenerate", "/delete")),
    ]
    alice.set_viewport_size({"width": 320, "height": 800})
    wide = {}
    for path in paths:
        alice.goto(path)
        expect(alice.get_by_role("heading", level=1)).to_be_visible()
        overflow = alice.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if overflow > 0:
            wide[path.replace(SLUG, "…")] = alice.evaluate(TOO_WIDE)
    problems.clear()  # these assets have no files to show
    assert wide == {}, json.dumps(wide)
