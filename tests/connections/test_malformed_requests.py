"""Requests that are no requests: whatever is sent, no endpoint fails, and programs are answered in JSON."""

import json
from collections.abc import Iterator
from urllib.parse import quote_from_bytes, urlsplit

import httpx2
import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import RateCount
from connections.models import AuthorizationRequest, Client, Connection
from tests.connections.client_bodies import DEVICE_GRANT
from tests.connections.factories import make_client
from tests.connections.flow import App, hidden_fields, person, send_bytes
from tests.factories import Cast
from tests.server import Server

FORM = b"application/x-www-form-urlencoded"
ENDPOINTS = ["/token", "/revoke", "/device_authorization", "/register"]
FORM_ENDPOINTS = ENDPOINTS[:3]
METADATA = ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource"]
APP = b"client_id=test-app&"
ASKED = APP + b"response_type=code&code_challenge_method=S256&code_challenge=" + b"a" * 43 + b"&"
#: Values that have broken something somewhere, as they are sent in a query or a form.
NASTY = [
    b"", b"%", b"%z", b"%zz", b"%00", b"a%00b", b"%0d%0aX-Evil:1", b"%ff", b"%ff%fe", b"%ed%a0%80", b"%c0%80",
    b"%u1234", b"%f4%90%80%80", b"+", b"%2B", b"%F0%9F%98%80", b"%E2%80%AE", b"[]", b"{}", b"null", b"true", b"0",
    b"-1", b"1e400", b"9" * 400, b"'", b"%22", b"%27%20OR%201=1--", b"%3Cscript%3E", b"../../etc/passwd", b"${7*7}",
    b"%7B%7B7*7%7D%7D", b"a" * 5000, b"%41" * 2000, b"http://[", b"http://[::1", b"https://a:b", b"//", b"https://%00/",
    b"javascript:alert(1)", b"rsto_" + b"a" * 49, b"rstr_" + b"a" * 49, b"rstd_" + b"a" * 49, b"BCDF-GHJK", b"*",
]  # fmt: skip
NAMES = [
    b"client_id", b"client_secret", b"client_assertion", b"client_assertion_type", b"redirect_uri", b"response_type",
    b"state", b"scope", b"resource", b"code_challenge", b"code_challenge_method", b"grant_type", b"code",
    b"code_verifier", b"refresh_token", b"token", b"token_type_hint", b"device_code", b"user_code", b"next", b"",
    b"client_id[]", b"scope[0]", b"__proto__", b"%00", b"%ff", b"request", b"request_uri", b"prompt", b"response_mode",
]  # fmt: skip
values = st.one_of(st.sampled_from(NASTY), st.binary(max_size=30).map(lambda raw: quote_from_bytes(raw).encode()))
parameters = st.lists(st.tuples(st.sampled_from(NAMES), values).map(lambda pair: b"%b=%b" % pair), max_size=8).map(
    b"&".join
)
many = hypothesis_settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def app(server: Server, cast: Cast) -> Client:
    return make_client()


@pytest.fixture
def alice(server: Server, cast: Cast) -> Iterator[httpx2.Client]:
    with person(server, cast.alice) as browser:
        yield browser


def head(server: Server, line: bytes, *lines: bytes) -> bytes:
    host = urlsplit(server.url).netloc.encode()
    return b"\r\n".join([line + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *lines, b"", b""])


def look(server: Server, target: bytes, browser: httpx2.Client | None = None) -> tuple[int, str]:
    """Get something, signed in where a browser is given."""
    cookies = "; ".join(f"{name}={value}" for name, value in (browser.cookies if browser else {}).items())
    return send_bytes(server, head(server, b"GET " + target, f"Cookie: {cookies}".encode()))


def post(server: Server, path: str, body: bytes, content_type: bytes | None = FORM, *lines: bytes) -> tuple[int, str]:
    length = b"Content-Length: %d" % len(body)
    kind = [b"Content-Type: " + content_type] if content_type is not None else []
    return send_bytes(server, head(server, b"POST " + path.encode(), length, *kind, *lines) + body)


def told(answer: tuple[int, str], path: str) -> int:
    """Return the status of an answer to a program, which is no fault and, but for one that is empty, JSON."""
    status, text = answer
    assert status < 500, text
    headers, _, body = text.partition("\r\n\r\n")
    if path == "/revoke" and status == 200:
        assert not body
        return status
    assert "content-type: application/json" in headers.lower(), text
    assert "access-control-allow-origin: *" in headers.lower()
    said = json.loads(body)
    assert isinstance(said, dict) and (status < 400 or "error" in said)
    return status


# --- What is not even a form -------------------------------------------------------------------------------------


def part(name: str, value: bytes, more: str = "") -> bytes:
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


BODIES: list[tuple[bytes | None, bytes]] = [
    (FORM, b""),
    (None, b""),
    (None, APP + b"token=x"),
    (b"", APP),
    (b"\xff", b"\xff"),
    (b"text/plain", APP),
    (b"application/json", b'{"client_id": "test-app", "grant_type": "authorization_code"}'),
    (b"application/json; charset=rot13", b"{}"),
    (b"application/xml", b"<a/>"),
    (FORM, b"\x00\xff\xfe"),
    (FORM, b"&&&==&=&"),
    (FORM, b"%zz=%zz&%"),
    (FORM, b"a=1;b=2"),
    (FORM, b"a=1&" * 30_000),
    (FORM, b"a" * 1_000_000),
    (FORM + b"; charset=utf-16", APP),
    (FORM + b"; charset=rot13", APP),
    (FORM + b"; charset=utf-7", APP + b"code=+2AA-&token=+2AA-"),
    (FORM + b"; charset=nothing", APP),
    (FORM + b"; charset=", APP),
    (b"multipart/form-data", b"x"),
    (b"multipart/form-data; boundary=", b"--\r\n"),
    (b"multipart/form-data; boundary=" + b"x" * 300, b"x"),
    (b"multipart/form-data; boundary=\xff", b"x"),
    (b"multipart/form-data; boundary=x", b""),
    (b"multipart/form-data; boundary=x", b"--x\r\n"),
    (b"multipart/form-data; boundary=x", part("client_id", b"test-app") * 3 + b"--x--"),
    (b"multipart/form-data; boundary=x", part("client_id", b"test-app", '; filename="a"') * 200 + b"--x--"),
    (b"multipart/form-data; boundary=x", part("a", b"") * 30_000 + b"--x--"),
    *(
        (
            b"multipart/form-data; boundary=x; charset=" + charset,
            b"".join(part(name, b"\\ud800+2AA-") for name in ("code", "token", "scope", "grant_type", "device_code"))
            + part("client_id", b"test-app")
            + b"--x--",
        )
        for charset in (b"utf-7", b"rot13", b"hex", b"undefined", b"idna", b"raw_unicode_escape", b"unicode_escape")
    ),
]


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_body_that_is_no_form_is_refused_in_json(server: Server, path: str) -> None:
    for content_type, body in BODIES:
        status = told(post(server, path, body, content_type), path)
        assert status in ({200, 400, 401} if path in FORM_ENDPOINTS else {400, 413, 429}), (content_type, body[:60])
    assert not Connection.objects.exists()


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "query", [b"%zz", b"%", b"%00", b"a=%ff", b"&", b"=", b"grant_type=refresh_token", b"a=1;b=2", b"a" * 5000, b"?"]
)
def test_a_query_where_none_belongs_fails_nowhere(server: Server, path: str, query: bytes) -> None:
    body = APP + b"grant_type=authorization_code&code=x&redirect_uri=x&code_verifier=" + b"a" * 43 + b"&token=x"
    assert told(post(server, f"{path}?{query.decode()}", body), path) == 400


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "line",
    [
        b"Authorization: Basic", b"Authorization: Basic ", b"Authorization: Basic \xff", b"Authorization: Basic !!!",
        b"Authorization: Basic " + b"a" * 8000, b"Authorization: Basic Og==", b"Authorization: Basic /////w==",
        b"Authorization: Bearer x", b"Authorization: \xff", b"Authorization:", b"User-Agent:", b"User-Agent: \x01\xff",
        b"Cookie: \xff=\xff; raster_session=\x01", b"Cookie: raster_session=" + b"a" * 8000,
        b"User-Agent: " + b"\xff" * 8000,
        b"Accept: \xff", b"Origin: \xff", b"Origin: null", b"Content-Encoding: gzip", b"Transfer-Encoding: identity",
        b"X-HTTP-Method-Override: GET", b"Content-Type: text/plain", b"Accept-Language: " + b"a," * 4000,
    ],
)  # fmt: skip
def test_headers_that_mean_nothing_fail_nowhere(server: Server, path: str, line: bytes) -> None:
    status, text = post(server, path, APP + b"grant_type=authorization_code&token=x", FORM, line)
    if "Invalid HTTP request" not in text:  # which uvicorn says
        told((status, text), path)
    assert status < 500


@pytest.mark.parametrize("path", [*ENDPOINTS, *METADATA, "/authorize", "/device"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "FOO", "OPTIONS"])
def test_another_method_fails_nowhere(server: Server, path: str, method: str) -> None:
    status, text = send_bytes(server, head(server, f"{method} {path}".encode(), b"Content-Length: 0"))
    assert status < 500
    if path in ENDPOINTS and method != "OPTIONS":
        assert status == 405 and "content-type: application/json" in text.lower()


# --- Assertions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "assertion",
    [
        b"", b".", b"..", b"...", b"a.b.c", b"e30.e30.", b"e30.W10.", b"\xff", b"%00", b"a" * 9000,
        b"eyJhbGciOiJub25lIn0.e30.",
        b"eyJhbGciOltdfQ.e30.", b"eyJhbGciOiJSUzI1NiIsImtpZCI6MX0.eyJzdWIiOiJ0ZXN0LWFwcCJ9.AA",
        b"eyJhbGciOiJSUzI1NiIsImNyaXQiOlsiYSJdfQ.eyJzdWIiOiJ0ZXN0LWFwcCJ9.AA",
        b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOlsidGVzdC1hcHAiXX0.AA", b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJcdWQ4MDAifQ.AA",
        b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXN0LWFwcCIsImV4cCI6MWU0MDB9.AA", b"W1tbW1tbW1tbW1tb.e30.AA",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", FORM_ENDPOINTS)
def test_an_assertion_that_is_none_is_refused(server: Server, path: str, assertion: bytes) -> None:
    kind = b"client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion="
    for body in (kind + assertion, APP + kind + assertion, APP + b"client_assertion=" + assertion):
        assert told(post(server, path, body), path) in {400, 401}


# --- Tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FORM_ENDPOINTS)
def test_every_parameter_may_be_nonsense(server: Server, path: str) -> None:
    grants = (b"authorization_code", b"refresh_token", DEVICE_GRANT.encode())
    for name in NAMES:
        for number, value in enumerate(NASTY):
            form = APP + b"grant_type=" + grants[number % 3] + b"&" + name + b"=" + value
            status = told(post(server, path, form), path)
            assert status in {200, 400, 401, 429}
            RateCount.objects.all().delete()
    assert not Connection.objects.exists()


def test_every_parameter_of_a_question_may_be_nonsense(server: Server, alice: httpx2.Client) -> None:
    for name in NAMES:
        for value in NASTY:
            query = b"/authorize?" + ASKED + name + b"=" + value
            status, text = look(server, query, alice)
            assert status == 400 or (status == 303 and "location: /authorize/" in text.lower()), (query, text)
        RateCount.objects.all().delete()
    for value in NASTY:
        for query in (b"/authorize?" + value, b"/authorize?" + ASKED + b"state=" + value):
            assert look(server, query, alice)[0] in {303, 400}
            status, text = look(server, query)
            assert status == 400 or (status == 302 and "location: /login?next=/authorize" in text.lower()), (
                query,
                text,
            )


def test_every_code_on_the_page_of_a_device_may_be_nonsense(server: Server, alice: httpx2.Client) -> None:
    for value in NASTY:
        assert look(server, b"/device?code=" + value, alice)[0] == 200
        assert look(server, b"/device?" + value, alice)[0] == 200
        page = alice.get("/device")
        token = hidden_fields(page.text)["csrfmiddlewaretoken"].encode()
        body = b"csrfmiddlewaretoken=" + token + b"&code=" + value
        typed = alice.post("/device", content=body, headers={"Content-Type": FORM.decode()})
        assert typed.status_code in {200, 429}


@pytest.mark.parametrize("path", METADATA)
def test_every_path_of_metadata_may_be_nonsense(server: Server, path: str) -> None:
    for value in [
        *NASTY,
        b"mcp/o/%00",
        b"mcp/o/" + b"a" * 5000,
        b"mcp%2Fo%2Facme",
        b"mcp/o/acme/",
        b"%2e%2e/",
        b"mcp?%zz",
    ]:
        for target in (b"/" + value, value, b"?" + value):
            status = told(look(server, path.encode() + target), path)
            assert status in {200, 404}


def test_every_id_of_a_page_may_be_nonsense(server: Server, alice: httpx2.Client) -> None:
    for value in NASTY:
        for path in (b"/authorize/", b"/authorize/logo/", b"/device/"):
            assert look(server, path + value, alice)[0] in {400, 404}
    assert look(server, b"/authorize/logo/" + b"9" * 40, alice)[0] == 404


# --- Chance ------------------------------------------------------------------------------------------------------


@many
@given(form=parameters, path=st.sampled_from(FORM_ENDPOINTS), known=st.booleans())
def test_any_form_is_answered_in_json(server: Server, form: bytes, path: str, known: bool) -> None:
    RateCount.objects.all().delete()
    told(post(server, path, (APP if known else b"") + form), path)
    assert not Connection.objects.exists()


@many
@given(query=parameters, known=st.booleans())
def test_any_question_is_a_page_or_leads_to_one(
    server: Server, alice: httpx2.Client, query: bytes, known: bool
) -> None:
    RateCount.objects.all().delete()
    status, text = look(server, b"/authorize?" + (ASKED if known else b"") + query, alice)
    assert status in {303, 400}, text
    assert status == 400 or "location: /authorize/" in text.lower()


texts = st.text(st.characters(), max_size=20)  # lone surrogates among them
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
trees = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
FIELDS = [
    "redirect_uris", "client_name", "grant_types", "response_types", "token_endpoint_auth_method", "scope", "contacts",
    "client_uri", "logo_uri", "jwks", "jwks_uri", "application_type", "token_endpoint_auth_signing_alg", "software_id",
]  # fmt: skip


@many
@given(said=st.dictionaries(st.sampled_from(FIELDS), trees, max_size=6), with_keys=st.booleans(), keys=trees)
def test_any_registration_is_answered_in_json(
    server: Server, said: dict[str, object], with_keys: bool, keys: object
) -> None:
    RateCount.objects.all().delete()
    body: dict[str, object] = {"redirect_uris": ["https://app.example.com/callback"], **said}
    if with_keys:
        body |= {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [keys, {"kty": "RSA", "n": keys}]}}
        body.pop("jwks_uri", None)
    assert told(post(server, "/register", json.dumps(body).encode(), b"application/json"), "/register") in {201, 400}


@many
@given(
    fields=st.lists(
        st.tuples(st.sampled_from([b"organization", b"library", b"read_only", b"decision", b"scope"]), values),
        max_size=5,
    )
)
def test_any_answer_to_the_page_is_a_page_or_a_redirect(
    server: Server, alice: httpx2.Client, fields: list[tuple[bytes, bytes]]
) -> None:
    RateCount.objects.all().delete()
    page = App(server, "test-app").shown(alice)
    assert page.status_code == 200
    token = hidden_fields(page.text)["csrfmiddlewaretoken"].encode()
    body = b"csrfmiddlewaretoken=" + token + b"&decision=allow&organization=acme&"
    body += b"&".join(b"%b=%b" % pair for pair in fields)
    answered = alice.post(str(page.url), content=body, headers={"Content-Type": FORM.decode()})
    assert answered.status_code in {200, 303}
    AuthorizationRequest.objects.all().delete()
    assert settings.SESSION_COOKIE_NAME not in answered.text
