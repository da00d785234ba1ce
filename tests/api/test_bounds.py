"""What bounds an API request whatever it asks for: how many values it holds, and how much an answer may."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import httpx2
import pytest
from django.db import InterfaceError
from django.utils import timezone
from pytest_django import Settings
from starlette.types import Message

from accounts import limits
from accounts.limits import RequestLimit
from api import uploads
from api.gate import MOST_VALUES
from api.multipart import Form
from api.uploads import Body, under_way
from assets.contracts import MOST_VARIANTS
from assets.models import Asset
from assets.quota import Room
from assets.staging import CHECKED_EVERY, Arriving
from raster.errors import BadUserInput, RateLimited, ServiceUnavailable
from tests.api.graphql.client import ask, refusal
from tests.contract.test_uploads import PHOTO
from tests.contract.transports import ASSET, PLAIN
from tests.factories import AssetFactory, Cast
from tests.server import Server
from tests.waiting import wait_until

AUTHORIZED = {"Api-Version": "2026-07-08", "Content-Type": "application/json"}


def fill(cast: Cast, originals: int, variants: int) -> list[Asset]:
    """Make assets with so many variants each."""
    made: list[Asset] = [AssetFactory(library=cast.barcelona) for _ in range(originals)]
    rows = [
        Asset(
            pk=f"{number:04}{index:018}", library=cast.barcelona, parent=asset, name="v", file="f", file_name="v.jpg",
            content_type="image/jpeg", size=1, digest="0", uploaded_by_name="a",
            created=timezone.now() + timedelta(seconds=index),
        )
        for number, asset in enumerate(made)
        for index in range(variants)
    ]  # fmt: skip
    Asset.objects.bulk_create(rows)
    return made


@pytest.mark.parametrize("path", ["/api/organizations/acme/libraries/barcelona/assets/tag", "/graphql"])
def test_a_body_of_very_many_values_is_refused_before_it_is_read(server: Server, cast: Cast, path: str) -> None:
    headers = {**AUTHORIZED, "Authorization": f"Bearer {cast.key(barcelona='write').secret}"}
    body = json.dumps({"query": "{ viewer { plan } }", "variables": {"i": [1] * (MOST_VALUES + 1)}})
    answer = httpx2.post(server.url + path, content=body, headers=headers)
    assert answer.status_code == 400
    assert "more values" in answer.text


@pytest.mark.parametrize(
    "body", [b'{"query": "{ viewer { plan } }", "query": "{ __typename }"}', "{}".encode("utf-16")]
)
def test_graphql_reads_json_as_strictly_as_rest(server: Server, cast: Cast, body: bytes) -> None:
    headers = {**AUTHORIZED, "Authorization": f"Bearer {cast.key(barcelona='read').secret}"}
    answer = httpx2.post(f"{server.url}/graphql/", content=body, headers=headers)
    assert refusal(answer) == (400, "BAD_USER_INPUT")


def test_an_answer_holds_no_more_values_than_one_may_however_long_its_lists_are(server: Server, cast: Cast) -> None:
    fill(cast, 60, MOST_VARIANTS)
    key = cast.key(barcelona="read").secret
    place = '(organizationId: "acme", libraryId: "barcelona", pageSize: 60)'
    assert refusal(ask(server, key, f"{{ assets{place} {{ {ASSET} }} }}")) == (400, "BAD_USER_INPUT")
    assert ask(server, key, f"{{ assets{place} {{ id variants {{ id }} }} }}").status_code == 200
    assert PLAIN in ASSET


def test_an_asset_has_so_many_variants_and_no_more(server: Server, cast: Cast) -> None:
    [asset] = fill(cast, 1, MOST_VARIANTS)
    headers = {"Authorization": f"Bearer {cast.key(barcelona='write').secret}", "Api-Version": "2026-07-08"}
    answer = httpx2.post(
        f"{server.url}/api/organizations/acme/libraries/barcelona/assets",
        data={"parentId": asset.pk},
        files={"files": PHOTO},
        headers=headers,
        timeout=60,
    )
    assert (answer.status_code, str(MOST_VARIANTS) in answer.text) == (400, True)
    assert Asset.objects.filter(parent=asset).count() == MOST_VARIANTS


def test_every_change_that_fails_is_told(server: Server, cast: Cast) -> None:
    place = 'organizationId: "acme", libraryId: "barcelona", assetId: "x"'
    changes = " ".join(f'c{number}: renameAsset({place}, name: "n") {{ id }}' for number in range(8))
    answer = ask(server, cast.key(barcelona="write").secret, f"mutation {{ {changes} }}")
    assert len(answer.json()["errors"]) == 8


@pytest.mark.parametrize(
    ("variables", "places"),
    [
        ({"f": [None, None]}, {"0": ["variables.f.0"], "1": ["variables.f.00"]}),
        ({"f": [None]}, {"0": ["variables.f.0"], "1": ["variables.f.00"]}),
    ],
)
def test_a_place_is_written_in_one_way(
    server: Server, cast: Cast, variables: dict[str, object], places: dict[str, list[str]]
) -> None:
    text = (
        "mutation M($f: [Upload!]!) { "
        'uploadAssets(organizationId: "acme", libraryId: "barcelona", files: $f) { responseText } }'
    )
    answer = httpx2.post(
        f"{server.url}/graphql",
        data={"operations": json.dumps({"query": text, "variables": variables}), "map": json.dumps(places)},
        files={"0": PHOTO, "1": PHOTO},
        headers={"Authorization": f"Bearer {cast.key(barcelona='write').secret}", "Apollo-Require-Preflight": "1"},
    )
    assert refusal(answer) == (400, "BAD_USER_INPUT")
    assert not Asset.objects.exists()


def test_one_file_stands_in_one_place(server: Server, cast: Cast) -> None:
    text = (
        "mutation M($f: Upload!) { "
        'uploadAssets(organizationId: "acme", libraryId: "barcelona", files: [$f, $f]) { responseText } }'
    )
    answer = httpx2.post(
        f"{server.url}/graphql",
        data={
            "operations": json.dumps({"query": text, "variables": {"f": None}}),
            "map": json.dumps({"0": ["variables.f"]}),
        },
        files={"0": PHOTO},
        headers={"Authorization": f"Bearer {cast.key(barcelona='write').secret}", "Apollo-Require-Preflight": "1"},
    )
    assert refusal(answer) == (400, "BAD_USER_INPUT")
    assert not Asset.objects.exists()


def test_lengths_of_text_are_told_in_characters(server: Server, cast: Cast) -> None:
    headers = {**AUTHORIZED, "Authorization": f"Bearer {cast.key(barcelona='read').secret}"}
    answer = httpx2.get(f"{server.url}/api/organizations/acme/search/assets?q={'x' * 501}", headers=headers)
    assert answer.json()["error"]["message"].startswith("q: value should have at most 500 characters")


# --- Uploads -----------------------------------------------------------------------------------------------------


class Unknown(Form):
    """A form that never says who may upload where."""

    @property
    def is_admitted(self) -> bool:
        return False


@pytest.mark.parametrize("kind", [Unknown, Form])
def test_who_is_slow_to_begin_or_trickles_is_refused(monkeypatch: pytest.MonkeyPatch, kind: type[Form]) -> None:
    monkeypatch.setattr(uploads, "BEGIN_SECONDS", 0.05)
    monkeypatch.setattr(uploads, "LEAST_RATE", 1e9)

    async def receive() -> Message:
        await asyncio.to_thread(wait_until, lambda: True)  # something else has its turn
        return {"type": "http.request", "body": b"", "more_body": True}

    async def run() -> None:
        form = kind(b"multipart/form-data; boundary=b", Room())
        await asyncio.wait_for(Body(receive).read_into(form), 60)

    with pytest.raises(BadUserInput, match="too slowly"):
        ThreadPoolExecutor(1).submit(asyncio.run, run()).result()


@contextmanager
def uploads_under_way(*owners: tuple[str, str]) -> Iterator[None]:
    """Have an upload under way into each organization from its address."""
    with ExitStack() as begun:
        for organization, address in owners:
            begun.enter_context(under_way(organization, address))
        yield


def test_an_organizations_uploads_leave_room_for_others() -> None:
    with uploads_under_way(*[("acme", f"192.0.2.{number}") for number in range(uploads.MOST_OF_ONE)]):
        with pytest.raises(RateLimited), under_way("acme", "192.0.2.99"):
            pass
        with under_way("globex", "192.0.2.99"):
            pass
    with under_way("acme", "192.0.2.1"):
        pass


def test_uploads_from_one_address_leave_room_for_others() -> None:
    """In an IPv6 network, whatever the address."""
    sent = [(f"o{number // 2}", f"2001:db8::{number:x}") for number in range(uploads.MOST_OF_ADDRESS)]
    with uploads_under_way(*sent):
        with pytest.raises(RateLimited), under_way("another", "2001:db8::ffff"):
            pass
        with under_way("another", "2001:db8:0:1::1"):
            pass


def test_an_organization_without_an_upload_has_a_place_when_all_are_taken() -> None:
    sent = [(f"o{number // uploads.MOST_OF_ONE}", f"192.0.2.{number}") for number in range(uploads.MOST_UNDER_WAY)]
    before = uploads.least_rate()
    with uploads_under_way(*sent[2:], ("o9", "192.0.2.200"), ("o9", "192.0.2.201")):
        with pytest.raises(RateLimited), under_way("o0", "192.0.2.202"):
            pass
        with under_way("without", "192.0.2.202"):
            pass
        assert uploads.least_rate() > before
    assert uploads.least_rate() == before


def test_space_is_asked_for_as_a_file_grows(settings: Settings) -> None:
    arriving = Arriving("large.mp4")
    arriving.write(bytes(CHECKED_EVERY - 1))
    settings.FREE_SPACE = 2**60
    with pytest.raises(ServiceUnavailable):
        arriving.write(b"xx")
    arriving.discard()


# --- Rates -------------------------------------------------------------------------------------------------------


class Unlucky(RequestLimit):
    """A limit whose database is away the first time."""

    calls = 0

    def _add(self, minute: int, added: list[tuple[str, int]]) -> list[int]:
        self.calls += 1
        if self.calls == 1:
            raise InterfaceError("connection already closed")
        return [number for _, number in added]


def test_rates_are_shared_again_after_the_database_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SYNC_SECONDS", 0.01)
    rate = Unlucky("test", 10)

    async def run() -> None:
        async with rate.shared():
            rate.hit("one")
            await asyncio.to_thread(wait_until, lambda: rate.calls >= 2)

    ThreadPoolExecutor(1).submit(asyncio.run, run()).result()
    assert rate.calls >= 2
