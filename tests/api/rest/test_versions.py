"""A client that pins a version gets that version's shapes, whatever the present ones are."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.catalogue import BY_NAME
from api.examples import ASSET_ID, VARIANT_ID
from api.rest.endpoints import ENDPOINTS
from assets.models import Asset
from tests.api.rest.asking import BARCELONA, CURRENT, MAY, ask, code_of
from tests.api.uploading import JPEG, TEXT
from tests.connections.factories import connect, make_client, tokens_of
from tests.contract.transports import request_of
from tests.factories import AssetFactory, Cast, LibraryFactory
from tests.server import Server
from tests.snapshots import Check

SNAPSHOTS = Path(__file__).parent / "snapshots"
ASSET, VARIANT, SMALL = KNOWN = ASSET_ID, VARIANT_ID, "c" * 22
#: What differs from run to run.
UNSTABLE = (
    (re.compile(r'("(?:created|updated|at|expiresAt)": )\d+'), r"\g<1>0"),
    (re.compile(r'("expiresAt": )"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"'), r'\g<1>"2026-05-20T00:00:00Z"'),
    (re.compile(r"http://localhost:\d+"), "https://raster.example.com"),
    (re.compile(r"(rst[cku])_\w+"), r"\1_"),
    (re.compile(r'"acme-\w{8}"'), '"acme-xxxxxxxx"'),
    (re.compile(r'"lisbon-\w{4}"'), '"lisbon-xxxx"'),
    (
        re.compile(r"(?<=[\"/])[0-9A-Za-z]{22}(?=[\"/])"),
        lambda match: match[0] if match[0] in {ASSET, VARIANT, SMALL} else "ID",
    ),
)
#: All endpoints; what moves their asset away comes last.
CALLS = sorted((endpoint.name for endpoint in ENDPOINTS), key=lambda name: name == "transfer_assets")


@pytest.fixture
def made(cast: Cast) -> Cast:
    """A picture with sizes, tags and a variant, and one that is too small for sizes."""
    sizes = {"320": "320-a.webp", "640": "640-a.webp", "1280": "1280-a.webp", "2560": "2560-a.webp"}
    AssetFactory(
        pk=ASSET,
        library=cast.barcelona,
        name="Harbor",
        file_name="harbor.jpg",
        description="The old harbor at noon.",
        tagged=["harbor", "sea"],
        sizes=sizes,
        width=4000,
        height=3000,
    )
    parts = {"320": "320-b.webp"}
    AssetFactory(pk=VARIANT, library=cast.barcelona, parent_id=ASSET, name="Cropped", file_name="b.jpg", sizes=parts)
    AssetFactory(pk=SMALL, library=cast.barcelona, name="Small harbor", file_name="c.jpg", width=200, height=100)
    return cast


def stable(answer: Any) -> str:
    text = json.dumps(answer, indent=2, ensure_ascii=False)
    for pattern, instead in UNSTABLE:
        text = pattern.sub(instead, text)
    return text + "\n"


@pytest.mark.parametrize("version", [CURRENT, MAY])
def test_every_answer_has_the_shape_of_its_version(
    server: Server, made: Cast, version: str, check_snapshot: Check
) -> None:
    key = made.key(barcelona="write", paris="write").secret
    user = tokens_of(connect(made.alice, make_client(), made.acme)).access
    answers = {}
    for name in CALLS:
        arguments = dict(BY_NAME[name].example.arguments)
        method, path, more = request_of(name, arguments)
        answer = ask(server, user if name == "set_asset_approval" else key, method, path, version=version, **more)
        assert answer.headers["Api-Version"] == version
        answers[f"{method} {path}"] = {"status": answer.status_code, "body": answer.json()}
    check_snapshot(SNAPSHOTS / f"{version}.json", stable(answers))


def test_an_approval_is_unknown_to_the_older_version(server: Server, made: Cast) -> None:
    person = tokens_of(connect(made.alice, make_client(), made.acme)).access
    path = f"{BARCELONA}/assets/{ASSET}/approval"
    assert code_of(ask(server, person, "PATCH", path, version=MAY, json={"state": "approved"})) == (
        404,
        "ENDPOINT_NOT_FOUND",
    )
    assert code_of(ask(server, person, "GET", path, version=MAY)) == (404, "ENDPOINT_NOT_FOUND")
    search = "/organizations/acme/search/assets?q=&approval=approved"
    assert code_of(ask(server, person, "GET", search, version=MAY)) == (400, "BAD_USER_INPUT")
    assert ask(server, person, "GET", search).json()["data"]["found"] == 0


def test_the_older_version_counts_a_librarys_tags_and_gives_ends_as_dates(server: Server, made: Cast) -> None:
    key = made.key(barcelona="write").secret
    [older] = ask(server, key, "GET", "/organizations/acme/libraries", version=MAY).json()["data"]
    [newer] = ask(server, key, "GET", "/organizations/acme/libraries").json()["data"]
    assert older["tags"] == [{"id": "harbor", "count": 1, "type": "user"}, {"id": "sea", "count": 1, "type": "user"}]
    assert newer == {**older, "tags": ["harbor", "sea"]}
    link = ask(server, key, "POST", f"{BARCELONA}/upload-links", version=MAY, json={"expiresIn": 600}).json()["data"]
    started = ask(server, None, "POST", "/libraries", version=MAY, json={"email": "erin@example.com"}).json()["data"]
    for answer, seconds in ((link, 600), (started, 24 * 3600)):
        ends = datetime.fromisoformat(answer["expiresAt"])
        assert ends.tzinfo == UTC
        assert ends > datetime.now(UTC) + timedelta(seconds=seconds - 60)
    present = ask(server, key, "POST", f"{BARCELONA}/upload-links", json={"expiresIn": 600}).json()["data"]
    assert isinstance(present["expiresAt"], int)


def test_the_older_version_filters_by_five_tags(server: Server, made: Cast) -> None:
    key = made.key(barcelona="read").secret
    for path in (f"{BARCELONA}/assets?", "/organizations/acme/search/assets?q=&"):
        five, six = (f"{path}tags=sea,{','.join('abcdefgh'[:number])}" for number in (4, 5))
        assert ask(server, key, "GET", five, version=MAY).status_code == 200
        assert code_of(ask(server, key, "GET", six, version=MAY)) == (400, "BAD_USER_INPUT")
        assert ask(server, key, "GET", six).status_code == 200


def test_without_a_page_the_older_version_lists_every_library(server: Server, made: Cast) -> None:
    LibraryFactory.create_batch(55, organization=made.acme)
    person = tokens_of(connect(made.alice, make_client(), made.acme)).access
    path = "/organizations/acme/libraries"
    every = ask(server, person, "GET", path, version=MAY).json()
    assert (len(every["data"]), every["page"], every["pageSize"], every["total"]) == (57, 1, 57, 57)
    assert len({library["id"] for library in every["data"]}) == 57
    assert len(ask(server, person, "GET", f"{path}?page=1", version=MAY).json()["data"]) == 50
    assert len(ask(server, person, "GET", f"{path}?page=2&pageSize=40", version=MAY).json()["data"]) == 17
    assert len(ask(server, person, "GET", path).json()["data"]) == 50


def test_a_credential_without_libraries_lists_none_in_the_older_version(server: Server, cast: Cast) -> None:
    empty = ask(server, cast.key().secret, "GET", "/organizations/acme/libraries", version=MAY).json()
    assert empty == {"data": [], "page": 1, "pageSize": 0, "total": 0}


def test_a_person_of_several_organizations_gets_each_in_the_shape_of_the_version(server: Server, cast: Cast) -> None:
    connection = connect(cast.alice, make_client(), all_organizations=True)
    person = tokens_of(connection).access
    [older] = ask(server, person, "GET", "/me", version=MAY).json()["data"]["organizations"]
    [newer] = ask(server, person, "GET", "/me").json()["data"]["organizations"]
    assert older["libraries"] == ["barcelona", "paris"]
    assert newer["libraries"][0] == {"library": "barcelona", "access": "write"}


def test_one_refused_file_fails_an_upload_of_the_older_version_as_a_whole(server: Server, cast: Cast) -> None:
    key = cast.key(barcelona="write").secret
    files = [("files", JPEG), ("files", TEXT)]
    answer = ask(server, key, "POST", f"{BARCELONA}/assets", version=MAY, files=files)
    assert code_of(answer) == (400, "BAD_USER_INPUT")
    assert "words.png" in answer.json()["error"]["message"]
    assert not Asset.objects.exists()
    newer = ask(server, key, "POST", f"{BARCELONA}/assets", files=files).json()["data"]
    assert "Left out: words.png" in newer["responseText"] and len(newer["assets"]) == 1
