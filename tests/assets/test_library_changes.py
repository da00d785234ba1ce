"""What people do to selected assets on a library's page, and who may not."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from assets.models import Asset, AssetEvent
from orgs.models import LibraryMembership, Membership
from tests.factories import AssetFactory, Cast

pytestmark = pytest.mark.usefixtures("static_files")

#: Each change of a selection, with what its form asks for.
CHANGES: dict[str, dict[str, str]] = {
    "tag": {"tags": "sea"},
    "untag": {"tags": "old"},
    "move": {"library": "paris"},
    "delete": {},
    "restore": {},
}
#: And each of one asset, from its own page.
OWN_CHANGES: dict[str, dict[str, str]] = {
    "tag": {"tags": "sea"},
    "untag": {"tags": "old"},
    "move": {"library": "paris"},
    "delete": {},
    "rename": {"name": "Other"},
    "description": {"description": "Other"},
    "approval": {"state": "approved", "note": ""},
    "promote": {},
}


@pytest.fixture
def beach(cast: Cast) -> Asset:
    return AssetFactory(library=cast.barcelona, name="Beach", tagged=["old"])


@pytest.fixture
def gone(cast: Cast) -> Asset:
    return AssetFactory(library=cast.barcelona, name="Gone", tagged=["old"], trashed=timezone.now())


def state() -> list[Any]:
    """Return all that a change could change."""
    assets = Asset.objects.order_by("pk").values_list(
        "pk", "name", "description", "library", "trashed", "approval_state", "file", "updated"
    )
    return [*assets, *Asset.tags.through.objects.order_by("pk").values_list("asset", "tag__text"), events()]


def events() -> int:
    return AssetEvent.objects.count()


def told(answer: Any) -> list[str]:
    """Return the messages that a page after this answer shows."""
    return [str(message) for message in get_messages(answer.wsgi_request)]


def change(client: Client, name: str, *assets: Asset, at: str = "acme/barcelona", **more: str) -> Any:
    return client.post(f"/{at}/{name}", {**CHANGES[name], **more, "asset": [asset.pk for asset in assets]})


@pytest.fixture
def nothing_changes(beach: Asset, gone: Asset) -> Iterator[None]:
    before = state()
    yield
    assert state() == before


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("name", CHANGES)
class TestDenied:
    """Who may not change a selection changes nothing, whatever they send."""

    def test_signed_out(self, client: Client, beach: Asset, gone: Asset, name: str) -> None:
        answer = change(client, name, beach, gone)
        assert answer.headers["Location"] == f"/login?next=/acme/barcelona/{name}"

    def test_a_viewer(self, client: Client, cast: Cast, beach: Asset, gone: Asset, name: str) -> None:
        client.force_login(cast.carol)
        assert change(client, name, beach, gone).status_code == 403
        assert client.post(f"/acme/barcelona/{name}").status_code == 403

    def test_somebody_of_another_organization(
        self, client: Client, cast: Cast, beach: Asset, gone: Asset, name: str
    ) -> None:
        client.force_login(cast.dave)
        answers = [change(client, name, beach, gone), change(client, name, beach, at="acme/nowhere")]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content

    def test_assets_of_other_libraries_among_the_selected(
        self, client: Client, cast: Cast, beach: Asset, gone: Asset, name: str
    ) -> None:
        client.force_login(cast.bob)
        for library in (cast.paris, cast.secret):
            foreign = AssetFactory(library=library, tagged=["old"])
            chosen = gone if name == "restore" else beach
            for ids in ([foreign], [chosen, foreign]):
                answer = change(client, name, *ids)
                assert answer.status_code == 302
                assert "was restored" not in told(answer)[-1] and "1 asset was" not in told(answer)[-1]
            foreign.refresh_from_db()
            assert foreign.trashed is None and foreign.library == library
            foreign.delete()

    def test_a_form_of_another_site(self, cast: Cast, beach: Asset, gone: Asset, name: str) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(cast.bob)
        assert change(client, name, beach, gone).status_code == 403

    def test_whoever_only_looks_is_led_to_the_library(self, client: Client, cast: Cast, name: str) -> None:
        client.force_login(cast.bob)
        assert client.get(f"/acme/barcelona/{name}").headers["Location"] == "/acme/barcelona"
        client.force_login(cast.carol)
        assert client.get(f"/acme/barcelona/{name}").status_code == 403

    def test_nothing_or_too_much_selected(self, client: Client, cast: Cast, name: str) -> None:
        client.force_login(cast.bob)
        for ids in ([], ["0" * 22] * 101, ["\x00"], ["x" * 100]):
            answer = client.post(f"/acme/barcelona/{name}", {**CHANGES[name], "asset": ids})
            assert answer.status_code == 302
            assert told(answer)[-1].startswith(("Select 1 to 100", "At least one", "Choose", "ids", "asset_ids"))


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("name", OWN_CHANGES)
class TestDeniedOnAnAsset:
    """Nor do they change one asset by the forms of its own page."""

    def test_a_viewer_and_an_outsider(self, client: Client, cast: Cast, beach: Asset, name: str) -> None:
        for person, status in ((cast.carol, 403), (cast.dave, 404)):
            client.force_login(person)
            answer = client.post(f"/acme/barcelona/{beach.pk}/{name}", OWN_CHANGES[name])
            assert answer.status_code == status

    def test_an_asset_of_another_library(self, client: Client, cast: Cast, name: str) -> None:
        client.force_login(cast.bob)
        for library in (cast.paris, cast.secret):
            foreign = AssetFactory(library=library)
            before = state()
            answer = client.post(f"/acme/barcelona/{foreign.pk}/{name}", OWN_CHANGES[name], follow=True)
            assert answer.status_code == 404
            assert state() == before
            foreign.delete()

    def test_one_that_is_in_the_trash(self, client: Client, cast: Cast, gone: Asset, name: str) -> None:
        client.force_login(cast.bob)
        assert client.post(f"/acme/barcelona/{gone.pk}/{name}", OWN_CHANGES[name], follow=True).status_code in {
            200 if name == "delete" else 404,
            404,
        }


def test_a_viewer_is_shown_no_form_and_gets_no_trash(client: Client, cast: Cast, beach: Asset, gone: Asset) -> None:
    client.force_login(cast.carol)
    for path in ("/acme/barcelona", f"/acme/barcelona/{beach.pk}", f"/acme/barcelona/{beach.pk}/history"):
        main = client.get(path).content.decode().split("<main", 1)[1]
        assert 'method="post"' not in main
        assert "checkbox" not in main
        assert "/upload/" not in main
    assert client.get("/acme/barcelona/trash").status_code == 403
    client.force_login(cast.dave)
    assert client.get("/acme/barcelona/trash").status_code == 404
    assert client.get(f"/acme/barcelona/{beach.pk}/history").status_code == 404


def test_messages_say_how_many(client: Client, cast: Cast, beach: Asset) -> None:
    three: list[Asset] = [beach, *(AssetFactory(library=cast.barcelona) for _ in range(2))]
    client.force_login(cast.bob)
    assert told(change(client, "tag", *three, tags="sea, Golden hour,")) == ["3 assets were tagged."]
    assert told(change(client, "tag", beach, tags="SEA"))[-1] == "Nothing changed: the asset had the tag SEA already."
    assert told(change(client, "untag", *three, tags="sea, old"))[-1] == "4 tags were removed from 3 assets."
    assert told(change(client, "untag", *three, tags="none"))[-1].startswith("Nothing changed: these 3 assets did not")
    assert told(change(client, "delete", *three))[-1].startswith("3 assets were moved to the trash. There they can be")
    assert told(change(client, "restore", beach))[-1] == "1 asset was restored."
    assert Asset.objects.live().count() == 1


def test_tags_that_do_not_fit_are_refused_in_words(client: Client, cast: Cast, beach: Asset) -> None:
    client.force_login(cast.bob)
    for tags, reason in {
        "": "Write which tags.",
        " , ": "Write which tags.",
        "x" * 65: "A tag has 1 to 64 characters.",
        "index": "The tags index and trash are reserved.",
        ",".join(str(number) for number in range(21)): "Up to 20 tags go at once.",
    }.items():
        assert told(change(client, "tag", beach, tags=tags))[-1] == reason
    assert list(beach.tags.values_list("text", flat=True)) == ["old"]


def test_assets_move_where_the_person_may_write_and_nowhere_else(client: Client, cast: Cast, beach: Asset) -> None:
    client.force_login(cast.bob)
    assert 'value="paris"' not in client.get("/acme/barcelona").content.decode()
    for library in ("paris", "secret", "barcelona", "nowhere"):
        assert told(change(client, "move", beach, library=library))[-1] == "Choose one of the libraries."
    bob = Membership.objects.get(user=cast.bob)
    reach = LibraryMembership.objects.create(membership=bob, library=cast.paris, role="viewer")
    assert told(change(client, "move", beach, library="paris"))[-1] == "Choose one of the libraries."
    LibraryMembership.objects.filter(pk=reach.pk).update(role="editor")
    assert 'value="paris"' in client.get("/acme/barcelona").content.decode()
    assert told(change(client, "move", beach, library="paris"))[-1] == "1 asset was moved to Paris."
    beach.refresh_from_db()
    assert beach.library == cast.paris


def test_a_change_leads_back_to_what_was_looked_at(client: Client, cast: Cast, beach: Asset) -> None:
    client.force_login(cast.bob)
    page = client.get("/acme/barcelona?q=beach&tag=old").content.decode()
    assert 'formaction="/acme/barcelona/delete?q=beach&amp;tag=old"' in page
    answer = client.post("/acme/barcelona/tag?q=beach&tag=old", {"tags": "sea", "asset": [beach.pk]})
    assert answer.headers["Location"] == "/acme/barcelona?q=beach&tag=old"
    for address in ("//example.com", "https://example.com", "/\\example.com"):
        answer = client.post(f"/acme/barcelona/tag?next={address}", {"tags": "sea", "asset": [beach.pk]})
        assert answer.headers["Location"].startswith("/acme/barcelona?next=")


def test_the_trash_says_until_when_and_restores(client: Client, cast: Cast, beach: Asset) -> None:
    trashed = timezone.now() - timedelta(days=29)
    for number in range(2):
        AssetFactory(library=cast.barcelona, name=f"Old {number}", trashed=trashed)
    client.force_login(cast.bob)
    page = client.get("/acme/barcelona/trash").content.decode()
    assert "2 assets" in page
    assert "Beach" not in page
    assert page.count("in 1 day<") == 2
    assert page.count(f"{trashed + timedelta(days=30):%Y}</span>") == 2
    old = Asset.objects.filter(trashed__isnull=False)
    answer = client.post("/acme/barcelona/restore", {"asset": [asset.pk for asset in old]}, follow=True)
    assert "2 assets were restored." in answer.content.decode()
    assert "The trash is empty" in answer.content.decode()
    assert Asset.objects.live().count() == 3


def test_a_variant_is_not_restored_before_its_original(client: Client, cast: Cast, beach: Asset) -> None:
    now = timezone.now()
    variant = AssetFactory(library=cast.barcelona, parent=beach, trashed=now - timedelta(hours=1))
    Asset.objects.filter(pk=beach.pk).update(trashed=now)
    client.force_login(cast.bob)
    assert "restore the original" in told(change(client, "restore", variant))[-1]
