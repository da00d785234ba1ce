"""Files come in alike over every transport: as base64 in a tool's arguments, and as parts of a form."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from api.catalogue import BY_NAME
from assets.contracts import MOST_FILES
from assets.models import Asset
from tests.assets import pictures
from tests.contract.transports import MCP, VERSION, Answer, document
from tests.factories import Cast
from tests.server import Server

PHOTO = ("sea.png", pictures.encoded("png", 40, 30))
TEXT = ("words.png", b"only words")
EMPTY = ("empty.png", b"")
#: What differs between two uploads of the same file: ids, and links made of them.
OWN = re.compile(r"[0-9A-Za-z]{22}")
Files = list[tuple[str, bytes]]
Upload = Callable[[Server, str, str, str, Files], Answer]


def over_mcp(server: Server, key: str, organization: str, library: str, files: Files) -> Answer:
    sources = [
        {"kind": "base64", "filename": name, "mimeType": "image/png", "data": base64.b64encode(data).decode()}
        for name, data in files
    ]
    arguments = {"organizationId": organization, "libraryId": library, "sources": sources}
    return MCP(server).ask(key, "upload_assets", arguments)


def over_rest(server: Server, key: str, organization: str, library: str, files: Files) -> Answer:
    response = httpx2.post(
        f"{server.url}/api/organizations/{organization}/libraries/{library}/assets",
        files=[("files", file) for file in files],
        headers={"Authorization": f"Bearer {key}", "Api-Version": VERSION},
        timeout=60,
    )
    body = response.json()
    if "error" in body:
        return Answer(body["error"]["code"], response.status_code, body["error"]["message"])
    return Answer(data=body["data"])


def over_graphql(server: Server, key: str, organization: str, library: str, files: Files) -> Answer:
    text = document(BY_NAME["upload_assets"], {"organizationId", "libraryId", "files"})
    variables = {"organizationId": organization, "libraryId": library, "files": [None] * len(files)}
    form = {
        "operations": json.dumps({"query": text, "variables": variables}),
        "map": json.dumps({str(number): [f"variables.files.{number}"] for number in range(len(files))}),
    }
    response = httpx2.post(
        f"{server.url}/graphql",
        data=form,
        files=[(str(number), file) for number, file in enumerate(files)],
        headers={"Authorization": f"Bearer {key}", "Apollo-Require-Preflight": "1"},
        timeout=60,
    )
    body = response.json()
    if body.get("errors"):
        [error] = body["errors"]
        return Answer(error["extensions"]["code"], response.status_code, error["message"])
    data: dict[str, Any] = body["data"]["uploadAssets"]
    for asset in data["assets"]:
        asset["sizes"] = json.loads(asset["sizes"])
    return Answer(data=data)


TRANSPORTS: dict[str, Upload] = {"mcp": over_mcp, "rest": over_rest, "graphql": over_graphql}


@dataclass(frozen=True)
class Situation:
    """An upload, and the code that it ends with."""

    files: Files
    code: str = ""
    level: str = "write"
    organization: str = "acme"
    library: str = "barcelona"
    credential: str = ""


SITUATIONS = {
    "no credential": Situation([PHOTO], "UNAUTHENTICATED", credential="nonsense"),
    "no key": Situation([PHOTO], "INVALID_API_KEY", credential="rstk_nonsense"),
    "read only": Situation([PHOTO], "API_KEY_READ_ONLY", level="read"),
    "out of reach": Situation([PHOTO], "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY", library="paris"),
    "unknown": Situation([PHOTO], "API_KEY_NOT_AUTHORIZED_FOR_LIBRARY", library="nowhere"),
    "another organization's": Situation([PHOTO], "ORGANIZATION_NOT_FOUND", organization="globex", library="secret"),
    "no accepted file": Situation([TEXT, EMPTY], "BAD_USER_INPUT"),
    "success": Situation([PHOTO]),
    "in part": Situation([PHOTO, TEXT]),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_an_upload_ends_alike_over_every_transport(server: Server, cast: Cast, name: str) -> None:
    situation = SITUATIONS[name]
    key = situation.credential or cast.key(barcelona=situation.level).secret
    answers = []
    for upload in TRANSPORTS.values():
        answer = upload(server, key, situation.organization, situation.library, situation.files).stable
        answers.append(Answer(answer.code, answer.status, answer.message, OWN.sub("ID", json.dumps(answer.data))))
    assert answers[0].code == situation.code
    assert answers == answers[:1] * len(answers)
    assert Asset.objects.count() == (0 if situation.code else len(answers))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_one_file_too_many_is_refused_and_none_comes_in(server: Server, cast: Cast, transport: str) -> None:
    key = cast.key(barcelona="write").secret
    answer = TRANSPORTS[transport](server, key, "acme", "barcelona", [PHOTO] * (MOST_FILES + 1))
    assert (answer.code, answer.status) == ("BAD_USER_INPUT", 400)
    assert str(MOST_FILES) in answer.message
    assert not Asset.objects.exists()
