"""Starting without an account over REST: it needs a version and no credential, and may be turned off."""

from pathlib import Path

from apikeys.models import Claim
from orgs.models import Organization
from tests.api.rest.asking import CURRENT, MAY, ask, code_of
from tests.factories import Cast
from tests.server import Server, running_server

EMAIL = {"email": "erin@example.com"}


def test_where_it_is_off_it_is_an_address_that_does_not_exist(
    transactional_db: None, cast: Cast, static_files: None, server_log: Path
) -> None:
    key = cast.key(barcelona="write").secret
    with running_server(server_log, RASTER_ANONYMOUS="0") as server:
        for path in ("/libraries", "/nothing"):
            assert code_of(ask(server, None, "POST", path, json=EMAIL)) == (401, "UNAUTHENTICATED")
            assert code_of(ask(server, key, "POST", path, json=EMAIL)) == (404, "ENDPOINT_NOT_FOUND")
            assert code_of(ask(server, key, "GET", path)) == (404, "ENDPOINT_NOT_FOUND")
        assert "/libraries" not in ask(server, None, "GET", "/openapi.json").json()["paths"]
    assert not Claim.objects.exists()


def test_it_needs_a_version_and_arguments_that_fit(server: Server, cast: Cast) -> None:
    assert code_of(ask(server, None, "POST", "/libraries", version=None, json=EMAIL)) == (400, "API_VERSION_REQUIRED")
    for body in ({}, {"email": "nobody"}, {"email": 7}, {**EMAIL, "name": ""}, {**EMAIL, "more": 1}):
        assert code_of(ask(server, None, "POST", "/libraries", json=body)) == (400, "BAD_USER_INPUT")
    large = ask(server, None, "POST", "/libraries", content=b" " * (1024 * 1024 + 1))
    assert code_of(large) == (413, "PAYLOAD_TOO_LARGE")
    assert code_of(ask(server, None, "GET", "/libraries")) == (401, "UNAUTHENTICATED")
    answer = ask(server, cast.key().secret, "GET", "/libraries")
    assert (code_of(answer), answer.headers["Allow"]) == ((405, "METHOD_NOT_ALLOWED"), "POST")
    assert Organization.objects.count() == 2


def test_what_it_gives_works_at_once(server: Server, transactional_db: None) -> None:
    for version in (CURRENT, MAY):
        # A credential that a client sends with everything does no harm.
        answer = ask(server, "nonsense", "POST", "/libraries", version=version, json={**EMAIL, "name": "Erin's"})
        assert answer.status_code == 200
        started = answer.json()["data"]
        path = f"/organizations/{started['organizationId']}/libraries/{started['libraryId']}"
        assert ask(server, started["apiKey"], "GET", f"{path}/assets", version=version).json()["total"] == 0
        assert ask(server, started["apiKey"], "PATCH", path, version=version, json={"name": "Sea"}).status_code == 200
        more = ask(server, started["apiKey"], "POST", path.rpartition("/")[0], version=version, json={"name": "Two"})
        assert code_of(more) == (400, "EPHEMERAL_LIBRARY_LIMIT_EXCEEDED")
