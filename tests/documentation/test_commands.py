"""What the documentation gives to a shell works there as it stands, with what the reader fills in."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accounts.people import verify_address
from apikeys.models import APIKey, Claim
from assets.models import Asset
from tests.apikeys.people import sign_in
from tests.assets.pictures import jpeg
from tests.factories import Cast, UserFactory
from tests.server import Server
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def installation() -> None:
    """These read what a real server says of itself."""


def commands(server: Server, page: str) -> list[str]:
    """Return the commands on a page: its blocks with curl."""
    words = httpx2.get(f"{server.url}/docs/{page}.md").text
    blocks = re.findall(r"^```\w*\n(.*?)^```$", words, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "curl" in block]


def run(command: str, place: Path, **filled_in: str) -> Any:
    """Return the JSON that a command prints; ``filled_in`` are its variables and the words in its text."""
    variables = {name: value for name, value in filled_in.items() if name.isupper()}
    command = re.sub(r"^[A-Z]+=.*\n", "", command, flags=re.MULTILINE)
    command = command.replace("rstk_…", filled_in.get("KEY", "rstk_…"))
    done = subprocess.run(
        ["bash", "-c", command], cwd=place, env={**os.environ, **variables}, capture_output=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


@pytest.fixture
def key(server: Server, cast: Cast) -> Iterator[str]:
    """The secret of a key for Barcelona, whose use the server has written down when the test ends."""
    revealed = cast.key("Agent", barcelona="write")
    yield revealed.secret
    wait_until(lambda: APIKey.objects.get(pk=revealed.key_id).last_used is not None)


def test_from_an_email_to_a_tagged_and_claimed_library_by_what_the_start_says(
    server: Server, transactional_db: None, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(jpeg())
    words = httpx2.get(f"{server.url}/llms.txt").text
    assert f"{server.url}/docs/start.md" in words
    begin, upload, tag = commands(server, "start")
    started = run(begin, tmp_path)["data"]
    filled_in = {
        "ORGANIZATION": started["organizationId"],
        "LIBRARY": started["libraryId"],
        "KEY": started["apiKey"],
    }
    [asset] = run(upload, tmp_path, **filled_in)["data"]["assets"]
    assert run(tag, tmp_path, ASSET=asset["id"], **filled_in) == {"data": {"taggedCount": 2}}
    assert {each.text for each in Asset.objects.get(pk=asset["id"]).tags.all()} == {"sea", "summer"}

    person = UserFactory(email=Claim.objects.get().email)
    verify_address(person)
    browser = sign_in(person)
    link = started["claimUrl"].removeprefix(server.url)
    assert b"1 asset" in browser.get(link).content
    answer = browser.post(link, {"key": "regenerate"})
    assert b"Your new API key" in answer.content
    assert browser.get(f"/{started['organizationId']}/{started['libraryId']}").status_code == 200
    assert httpx2.post(f"{server.url}/mcp", headers={"Authorization": f"Bearer {started['apiKey']}"}).status_code == 401


def test_the_commands_of_the_apis_work(server: Server, key: str, tmp_path: Path) -> None:
    for name in ("beach.jpg", "harbour.png"):
        (tmp_path / name).write_bytes(jpeg())
    listing, uploading = commands(server, "rest")
    assert len(run(uploading, tmp_path, KEY=key)["data"]["assets"]) == 2
    assert run(listing, tmp_path, KEY=key)["total"] == 2
    [me] = commands(server, "authentication")
    assert run(me, tmp_path, KEY=key)["data"]["organizationId"] == "acme"
    query, _ = commands(server, "graphql")
    assert len(run(query, tmp_path, KEY=key)["data"]["assets"]) == 2


def test_every_address_that_llms_and_the_catalogs_name_answers(server: Server) -> None:
    llms = httpx2.get(f"{server.url}/llms.txt").text
    catalog = httpx2.get(f"{server.url}/.well-known/api-catalog").text
    named = {*re.findall(r"\]\(([^)]+)\)", llms), *re.findall(r'"href": "([^"]+)"', catalog)}
    named -= {f"{server.url}{face}" for face in ("/mcp", "/api", "/graphql")}  # they ask for a credential
    assert f"{server.url}/api/openapi.json" in named
    for url in [*named, f"{server.url}/api/docs"]:
        assert httpx2.get(url).status_code == 200, url
