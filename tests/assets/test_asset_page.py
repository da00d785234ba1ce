"""What people do to an asset on its own page."""

from typing import Any

import pytest
from django.test import Client

from assets.models import Asset
from tests.assets.test_library_changes import told
from tests.factories import AssetFactory, Cast

pytestmark = pytest.mark.usefixtures("static_files")


@pytest.fixture
def beach(cast: Cast) -> Asset:
    return AssetFactory(library=cast.barcelona, name="Beach", description="Sand", tagged=["sea"])


@pytest.fixture
def bob(client: Client, cast: Cast) -> Client:
    client.force_login(cast.bob)
    return client


def send(client: Client, asset: Asset, form: str, **fields: str) -> Any:
    return client.post(f"/acme/barcelona/{asset.pk}/{form}", fields)


def page(client: Client, asset: Asset, more: str = "") -> str:
    return client.get(f"/acme/barcelona/{asset.pk}{more}").content.decode()


@pytest.mark.parametrize(
    ("form", "sent", "kept"),
    [
        ("rename", {"name": "  Playa "}, {"name": "Playa"}),
        ("description", {"description": "One\r\n two "}, {"description": "One\n two "}),
        ("description", {"description": ""}, {"description": ""}),
        (
            "approval",
            {"state": "needs_changes", "note": "Brighter"},
            {"approval_state": "needs_changes", "approval_note": "Brighter"},
        ),
    ],
)
def test_each_form_changes_what_it_says(
    bob: Client, beach: Asset, form: str, sent: dict[str, str], kept: dict[str, Any]
) -> None:
    answer = send(bob, beach, form, **sent)
    assert answer.headers["Location"] == f"/acme/barcelona/{beach.pk}"
    assert len(told(answer)) == 1
    beach.refresh_from_db()
    assert {name: getattr(beach, name) for name in kept} == kept


@pytest.mark.parametrize(
    ("form", "sent", "reason"),
    [
        ("rename", {"name": ""}, "This field is required."),
        ("rename", {"name": "x" * 256}, "at most 255 characters"),
        ("rename", {"name": "a\u202eb"}, "Must be one line of text"),
        ("description", {"description": "x" * 10_001}, "at most 10000 characters"),
        ("approval", {"state": "loved", "note": ""}, "not one of the available choices"),
        ("approval", {"state": "approved", "note": "x" * 501}, "at most 500 characters"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field_and_kept_there(
    bob: Client, beach: Asset, form: str, sent: dict[str, str], reason: str
) -> None:
    before = Asset.objects.filter(pk=beach.pk).values().get()
    answer = send(bob, beach, form, **sent)
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert reason in shown
    assert '<details class="inline" open>' in shown
    assert Asset.objects.filter(pk=beach.pk).values().get() == before


def test_tags_come_and_go_one_by_one(bob: Client, beach: Asset) -> None:
    assert send(bob, beach, "tag", tags="hills, a&b").headers["Location"] == f"/acme/barcelona/{beach.pk}"
    shown = page(bob, beach)
    assert 'aria-label="Remove the tag a&amp;b"' in shown
    send(bob, beach, "untag", tags="sea")
    assert set(beach.tags.values_list("text", flat=True)) == {"hills", "a&b"}


def test_an_asset_that_leaves_leads_to_its_library(client: Client, cast: Cast, beach: Asset) -> None:
    client.force_login(cast.alice)
    assert "Move to trash" in page(client, beach)
    assert send(client, beach, "move", library="paris").headers["Location"] == "/acme/barcelona"
    answer = client.post(f"/acme/paris/{beach.pk}/delete")
    assert answer.headers["Location"] == "/acme/paris"
    assert told(answer)[-1] == "1 asset was moved to the trash. There it can be restored for 30 days."


def test_a_variant_takes_its_originals_place(bob: Client, cast: Cast, beach: Asset) -> None:
    variant = AssetFactory(library=cast.barcelona, parent=beach, name="Cropped", digest="f" * 64)
    assert 'aria-label="Make Cropped the original"' in page(bob, beach)
    answer = send(bob, beach, "promote", variant=variant.pk)
    assert "took the original" in told(answer)[-1]
    beach.refresh_from_db()
    assert beach.digest == "f" * 64
    for other in ("", "0" * 22, beach.pk, "\x00"):
        answer = send(bob, beach, "promote", variant=other)
        assert answer.status_code == 302
        assert "took" not in told(answer)[-1]


def test_a_variant_offers_neither_variants_nor_a_move(client: Client, cast: Cast, beach: Asset) -> None:
    client.force_login(cast.alice)
    variant = AssetFactory(library=cast.barcelona, parent=beach)
    assert f'name="parentId" value="{beach.pk}"' in page(client, beach)
    assert f"/{beach.pk}/move" in page(client, beach)
    assert "parentId" not in page(client, variant)
    assert f"/{variant.pk}/move" not in page(client, variant)


def test_a_judgement_says_who_gave_it(bob: Client, client: Client, cast: Cast, beach: Asset) -> None:
    assert "Nobody has judged it yet." in page(bob, beach)
    send(bob, beach, "approval", state="approved", note="Lovely <b>light</b>")
    client.force_login(cast.carol)
    shown = page(client, beach)
    assert '<span class="badge good">Approved</span> by <bdi>Bob</bdi>' in shown
    assert "Lovely &lt;b&gt;light&lt;/b&gt;" in shown


def test_the_history_says_who_did_what_without_addresses(bob: Client, client: Client, cast: Cast, beach: Asset) -> None:
    send(bob, beach, "rename", name="<i>Playa")
    send(bob, beach, "tag", tags="hills")
    client.force_login(cast.alice)
    send(client, beach, "move", library="paris")
    client.post(f"/acme/paris/{beach.pk}/move", {"library": "barcelona"})
    page(client, beach)  # which shows the messages, with names that carol is not told
    client.force_login(cast.carol)
    shown = page(client, beach, "/history")
    assert "renamed it from “Beach” to “&lt;i&gt;Playa”" in shown
    assert "added the tag hills" in shown
    assert "moved it from another library to Barcelona" in shown
    assert "Paris" not in shown
    assert "@" not in shown.split("<main", 1)[1]
    assert "127.0.0.1" not in shown


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"content_type": "video/mp4"}, '<video src="http'),
        ({"content_type": "video/mp4", "sizes": {"320": "a.webp", "640": "b.webp"}}, "/640/b.webp"),
        ({"content_type": "application/pdf", "sizes": {"320": "a.webp"}}, "Download the PDF"),
        ({"content_type": "image/tiff", "derivatives": "pending"}, "A preview is being made."),
        ({"content_type": "image/jpeg", "derivatives": "failed"}, "No preview could be made."),
    ],
)
def test_each_type_is_shown_as_a_browser_can(bob: Client, cast: Cast, fields: dict[str, Any], words: str) -> None:
    assert words in page(bob, AssetFactory(library=cast.barcelona, **fields))
