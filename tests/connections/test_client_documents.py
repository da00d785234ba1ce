"""Clients whose id is the URL of their metadata document: what is read, kept, read again, and refused."""

import io
import ipaddress
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from connections.clients import find_client
from connections.documents import ADDRESS_LIMIT, is_document_url
from connections.models import Client
from connections.redirects import matches_redirect_uri
from raster.errors import RateLimited
from tests.connections.client_bodies import DOCUMENTS
from tests.connections.factories import make_client
from tests.connections.signing import ec_key, key_set, rsa_key
from tests.sites import Site

pytestmark = pytest.mark.django_db
ADDRESS = "203.0.113.7"
PATH = "/oauth/client.json"
DOCUMENT: dict[str, Any] = {
    "client_name": "Example",
    "redirect_uris": ["http://localhost/callback", "https://app.example.com/callback"],
    "token_endpoint_auth_method": "none",
}


def publish(site: Site, said: dict[str, Any] | bytes | None = None, status: int = 200, **headers: str) -> str:
    """Put a document on the site, by default a good one; return its URL."""
    body = {"client_id": site.origin + PATH, **DOCUMENT} if said is None else said
    return site.page(PATH, body, status, **headers)


def publish_with(site: Site, **fields: Any) -> str:
    """Put a good document on the site but for these fields; those that are None are left out."""
    said = {"client_id": site.origin + PATH, **DOCUMENT, **fields}
    return publish(site, {name: value for name, value in said.items() if value is not None})


def find(url: str, address: str = ADDRESS) -> Client | None:
    return find_client(url, address=address)


def found(url: str) -> Client:
    client = find(url)
    assert client is not None
    return client


def age(client: Client, **fields: timedelta) -> None:
    """Move moments of a client into the past."""
    Client.objects.filter(pk=client.pk).update(**{name: timezone.now() - ago for name, ago in fields.items()})


def read_again(url: str, **fields: timedelta) -> Client:
    """Return the client of a document that is read anew, when these moments are so long ago."""
    before = Client.objects.get(client_id=url)
    age(before, fresh_until=timedelta(seconds=1), **fields)
    client = found(url)
    assert client.read != before.read
    return client


def key_ids(client: Client) -> list[str]:
    return [key["kid"] for key in client.keys or []]


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example.com/client.json", "https://app.example.com", "https://app.example.com/", "https:///a",
        "https://app.example.com?a=/b", "https://app.example.com/client.json#fragment", "https://app.example.com/a#",
        "https://user@app.example.com/client.json", "https://user:secret@app.example.com/client.json",
        "https://app.example.com/../client.json", "https://app.example.com/a/./client.json", "https://a.example/a/..",
        "https://app.example.com/%2e%2e/client.json", "https://app.example.com/a/%2E/b", "https://a.example/a%2f../b",
        "https://app.example.com:port/client.json", "https://[::1/client.json", "app.example.com/client.json",
        "javascript:alert(1)//", "https://app.example.com/" + "a" * 500,
    ],
)  # fmt: skip
def test_an_id_that_is_no_url_of_a_document_is_an_unknown_client(site: Site, url: str) -> None:
    assert not is_document_url(url)
    assert find(url) is None


def test_a_document_on_a_private_address_is_not_read(site: Site, settings: Settings) -> None:
    url = publish(site)
    settings.FETCH_ALLOWED_HOSTS = frozenset()
    assert find(url) is None
    for host in ("127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "10.0.0.1", "intranet"):
        assert find(f"https://{host}{PATH}") is None
    settings.FETCH_ALLOWED_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)
    assert find(url) is None  # the port is another
    assert site.asked == []


def test_a_document_on_a_host_of_ours_is_not_read(site: Site, settings: Settings) -> None:
    url = publish(site)
    assert find(url) is not None
    settings.SERVED_HOSTS = frozenset({f"localhost:{site.port}", "media.example.com"})
    assert find(url) is None
    for address in (
        "https://media.example.com/c.json",
        "https://MEDIA.example.com./c.json",
        "https://media.example.com:1/c",
    ):
        assert not is_document_url(address)
    assert len(site.asked) == 1


@pytest.mark.parametrize("status", [201, 301, 302, 307, 308, 403, 404, 500, 503])
def test_only_200_is_a_document_and_no_redirect_is_followed(site: Site, status: int) -> None:
    target = site.page("/target", {"client_id": site.origin + PATH, **DOCUMENT})
    assert find(publish(site, None, status, location=target)) is None
    assert site.paths_asked() == [PATH]


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": None},
        {"client_id": "https://claude.ai/oauth/mcp-oauth-client-metadata"},
        {"client_id": ["https://claude.ai"]},
        {"client_name": None},
        {"client_name": ""},
        {"client_name": " \u200b"},
        {"client_name": ["Claude"]},
        {"redirect_uris": None},
        {"redirect_uris": []},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["http://app.example.com/callback"]},
        {"response_types": ["token"]},
        {"client_secret": "everybody reads this"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(rsa_key("weak", 1024))},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://app.example.com/jwks"},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://app.example.com/jwks",
            "jwks": key_set(rsa_key()),
        },
    ],
)
def test_a_document_that_does_not_say_what_it_must_is_refused(site: Site, change: dict[str, Any]) -> None:
    assert find(publish_with(site, **change)) is None
    assert not Client.objects.exists()


def test_the_id_in_a_document_must_be_its_url_to_the_letter(site: Site) -> None:
    url = site.origin + PATH
    for other in (url + "/", url + "?", url.replace("localhost", "LOCALHOST"), url.replace("oauth", "%6fauth")):
        assert find(publish(site, {"client_id": other, **DOCUMENT})) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"[" * 60_000, b"\xff\xfe", b" " * 64 * 1024 + b"{}"])
def test_what_is_no_json_object_of_64_kilobytes_is_refused(site: Site, body: bytes) -> None:
    assert find(publish(site, body)) is None


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/javascript", ""])
def test_a_document_must_be_served_as_json(site: Site, content_type: str) -> None:
    assert find(publish(site, content_type=content_type)) is None


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/oauth-client+json"])
def test_json_has_several_types(site: Site, content_type: str) -> None:
    assert find(publish(site, content_type=content_type)) is not None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documents_of_well_known_clients_are_accepted(site: Site, name: str) -> None:
    said = DOCUMENTS[name]
    client = found(publish(site, {"client_id": site.origin + PATH, **said}))
    assert client.source == Client.Source.DOCUMENT
    assert client.name == said["client_name"]
    assert client.redirect_uris == said["redirect_uris"]
    assert client.authentication == said["token_endpoint_auth_method"]
    assert client.keys_url == said.get("jwks_uri", "")
    assert set(client.grant_types) == set(said["grant_types"]) - {"urn:ietf:params:oauth:grant-type:jwt-bearer"}
    assert client.secret_digest is None


def test_an_error_is_not_remembered(site: Site) -> None:
    url = publish(site, None, 500)
    assert find(url) is None
    publish(site)
    assert find(url) is not None


def test_an_inactive_client_is_unknown_and_its_document_is_left_alone(site: Site) -> None:
    url = publish(site)
    Client.objects.filter(pk=found(url).pk).update(is_active=False, fresh_until=timezone.now())
    assert find(url) is None
    assert len(site.asked) == 1


def test_a_client_of_the_staff_with_such_an_id_is_not_replaced(site: Site) -> None:
    url = publish(site)
    make_client(url, source=Client.Source.STAFF, name="By staff")
    assert found(url).name == "By staff"
    assert site.asked == []


def test_a_fresh_copy_is_used(site: Site) -> None:
    url = publish(site, cache_control="max-age=3600")
    assert found(url) == found(url)
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 3600),
        ({"cache_control": "public, max-age=7200"}, 7200),
        ({"cache_control": "max-age=7200", "age": "1200"}, 6000),
        ({"cache_control": 'Max-Age="600"'}, 600),
        ({"cache_control": "max-age=0"}, 60),
        ({"cache_control": "no-store"}, 60),
        ({"cache_control": "no-cache, max-age=7200"}, 60),
        ({"cache_control": "max-age=31536000"}, 86_400),
        ({"cache_control": "max-age=" + "9" * 5000}, 86_400),
        ({"cache_control": "max-age=soon"}, 3600),
        ({"expires": "0"}, 60),
        ({"date": "Mon, 05 Jan 2026 10:00:00 GMT", "expires": "Mon, 05 Jan 2026 15:00:00 GMT"}, 5 * 3600),
    ],
)
def test_a_copy_is_fresh_as_long_as_its_headers_say_within_bounds(
    site: Site, headers: dict[str, Any], seconds: int
) -> None:
    client = found(publish(site, **headers))
    assert client.read is not None and client.fresh_until is not None
    assert (client.fresh_until - client.read).total_seconds() == pytest.approx(seconds, abs=30)


def test_a_copy_that_is_no_longer_fresh_is_read_again(site: Site) -> None:
    url = publish(site)
    client = found(url)
    age(client, fresh_until=timedelta(seconds=1))
    publish_with(site, client_uri="https://app.example.com")
    assert found(url).website == "https://app.example.com"
    assert len(site.asked) == 2


@pytest.mark.parametrize("failure", ["away", "broken", "gone"])
def test_a_stale_copy_serves_for_seven_days_while_the_site_fails(site: Site, failure: str) -> None:
    url = publish(site)
    client = found(url)
    {
        "away": lambda: publish(site, None, 503),
        "broken": lambda: publish(site, b"<html>"),
        "gone": site.pages.clear,
    }[failure]()
    age(client, fresh_until=timedelta(seconds=1), read=timedelta(days=6, hours=23))
    assert found(url) == client
    assert found(url) == client  # and it is not asked for again at once
    assert len(site.asked) == 2
    age(client, fresh_until=timedelta(seconds=1), read=timedelta(days=7, seconds=1))
    assert find(url) is None
    publish(site)
    assert find(url) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"client_name": "Another"},
        {"redirect_uris": ["https://app.example.com/callback"]},
        {"redirect_uris": [*DOCUMENT["redirect_uris"], "https://app.example.com/other"]},
        {"token_endpoint_auth_method": "none", "jwks": None},
        {"jwks": key_set(rsa_key("rsa-2"))},
        {"jwks": key_set(rsa_key(), ec_key())},
        {"jwks": None, "jwks_uri": "https://app.example.com/jwks"},
    ],
)
def test_another_name_return_address_or_key_is_another_edition_when_it_was_read_twice(
    site: Site, change: dict[str, Any]
) -> None:
    signed = {"token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(rsa_key())}
    url = publish_with(site, **signed)
    assert found(url).edition == 1
    publish_with(site, **{**signed, **change})
    assert read_again(url).edition == 1
    assert read_again(url, change_read=timedelta(seconds=59)).edition == 1
    client = read_again(url, change_read=timedelta(minutes=1))
    assert client.edition == 2 and client.change is None
    assert read_again(url).edition == 2


def test_a_document_that_differs_from_server_to_server_stays_the_edition_that_it_was(site: Site) -> None:
    url = publish(site)
    before = found(url)
    for _ in range(3):
        publish_with(site, client_name="Another")
        assert read_again(url).edition == 1
        publish(site)
        client = read_again(url, change_read=timedelta(minutes=2))
        assert (client.edition, client.name, client.redirect_uris) == (1, before.name, before.redirect_uris)
    for number in range(3):  # each reading another change than the one before
        publish_with(site, client_name=f"Number {number}")
        assert read_again(url, change_read=timedelta(minutes=2)).edition == 1


def test_until_a_change_is_believed_only_what_is_in_both_readings_is_good(site: Site) -> None:
    first, second = "https://app.example.com/first", "https://app.example.com/second"
    url = publish_with(site, redirect_uris=[first, second])
    found(url)
    publish_with(site, client_name="Another", redirect_uris=[second, "https://evil.example/"])
    client = read_again(url)
    assert [matches_redirect_uri(client, uri) for uri in (first, second, "https://evil.example/")] == [
        False,
        True,
        False,
    ]
    assert client.name == "Example"
    assert client.fresh_until is not None
    assert timedelta(seconds=50) < client.fresh_until - timezone.now() <= timedelta(minutes=1)
    client = read_again(url, change_read=timedelta(minutes=1))
    assert [matches_redirect_uri(client, uri) for uri in (first, second, "https://evil.example/")] == [
        False,
        True,
        True,
    ]
    assert client.name == "Another"


def test_a_key_that_a_document_drops_is_gone_at_once_and_a_new_one_waits(site: Site) -> None:
    signed = {"token_endpoint_auth_method": "private_key_jwt"}
    url = publish_with(site, **signed, jwks=key_set(rsa_key("stolen"), rsa_key("kept")))
    found(url)
    publish_with(site, **signed, jwks=key_set(rsa_key("kept"), rsa_key("new")))
    assert key_ids(read_again(url)) == ["kept"]
    assert key_ids(read_again(url, change_read=timedelta(minutes=1))) == ["kept", "new"]


def test_a_client_that_no_longer_proves_who_it_is_is_believed_so_after_a_while_alone(site: Site) -> None:
    keys_url = "https://app.example.com/jwks"
    url = publish_with(site, token_endpoint_auth_method="private_key_jwt", jwks_uri=keys_url)
    client = found(url)
    Client.objects.filter(pk=client.pk).update(keys=key_set(rsa_key())["keys"], keys_read=timezone.now())
    publish(site)
    client = read_again(url)
    assert (client.authentication, client.keys_url, key_ids(client)) == ("private_key_jwt", keys_url, ["rsa-1"])
    client = read_again(url, change_read=timedelta(minutes=1))
    assert (client.authentication, client.keys_url, client.keys, client.edition) == ("none", "", None, 2)


def test_the_same_again_in_another_order_with_another_website_is_the_same_edition(site: Site) -> None:
    signed = {"token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(rsa_key(), ec_key())}
    url = publish_with(site, **signed)
    client = found(url)
    age(client, fresh_until=timedelta(seconds=1))
    signed["jwks"] = key_set(ec_key(), rsa_key())
    publish_with(
        site, **signed, redirect_uris=DOCUMENT["redirect_uris"][::-1], client_uri="https://a.example", contacts=["a"]
    )
    again = found(url)
    assert again.website == "https://a.example"
    assert again.edition == 1


def test_keys_that_were_read_elsewhere_stay_while_their_address_does(site: Site) -> None:
    url = publish_with(site, token_endpoint_auth_method="private_key_jwt", jwks_uri="https://app.example.com/jwks")
    client = found(url)
    Client.objects.filter(pk=client.pk).update(keys=key_set(rsa_key())["keys"], keys_read=timezone.now())
    age(client, fresh_until=timedelta(seconds=1))
    again = found(url)
    assert again.keys is not None and again.edition == 1
    publish_with(site, token_endpoint_auth_method="private_key_jwt", jwks_uri="https://app.example.com/other")
    assert read_again(url).keys is not None
    moved = read_again(url, change_read=timedelta(minutes=1))
    assert moved.keys is None and moved.keys_read is None and moved.edition == 2


def test_one_address_has_sixty_new_documents_read_in_ten_minutes_and_known_clients_stay_known(site: Site) -> None:
    url = publish(site)
    client = found(url)
    age(client, fresh_until=timedelta(seconds=1))
    for _ in range(ADDRESS_LIMIT.most):
        ADDRESS_LIMIT.hit("198.51.100.9")
    assert find(url, "198.51.100.9") == client
    with pytest.raises(RateLimited):
        find(f"{url}?another", "198.51.100.9")
    assert len(site.asked) == 1
    assert find(url) == client and len(site.asked) == 2  # whoever had theirs took nobody else's turn


def picture(form: str, size: tuple[int, int] = (300, 200)) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, "red").save(content, form)
    return content.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_logo_of_the_documents_own_site_becomes_a_small_png_of_ours(site: Site, form: str) -> None:
    logo = site.page("/logo", picture(form), content_type="text/plain")
    client = found(publish_with(site, logo_uri=logo))
    assert client.logo is not None
    with Image.open(io.BytesIO(bytes(client.logo))) as image:
        assert image.format == "PNG"
        assert image.size == (128, 85)


def slow(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(257 * 1024))
    handler.end_headers()


@pytest.mark.parametrize(
    "answer",
    [
        lambda site: site.page("/logo", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
        lambda site: site.page("/logo", picture("PNG")[:200]),
        lambda site: site.page("/logo", picture("TIFF")),
        lambda site: site.page("/logo", b"no picture"),
        lambda site: site.page("/logo", picture("PNG", (8000, 4000))),
        lambda site: site.page("/logo", picture("PNG") + b"\0" * 256 * 1024),
        lambda site: site.page("/logo", picture("PNG"), 404),
        lambda site: site.pages.update({"/logo": slow}) or f"{site.origin}/logo",
        lambda site: site.page("/logo", picture("PNG")).replace("https:", "http:"),
        lambda _: "data:image/png;base64,AAAA",
        lambda _: ["https://localhost/logo"],
    ],
)
def test_a_logo_that_cannot_be_had_is_no_error(site: Site, answer: Callable[[Site], Any]) -> None:
    assert found(publish_with(site, logo_uri=answer(site))).logo is None


def test_a_logo_of_another_site_is_not_fetched(site: Site, settings: Settings) -> None:
    settings.FETCH_ALLOWED_HOSTS = frozenset({"localhost", "127.0.0.1"})
    logo = site.page("/logo", picture("PNG")).replace("localhost", "127.0.0.1")
    assert found(publish_with(site, logo_uri=logo)).logo is None
    assert site.paths_asked() == [PATH]


def test_a_logo_is_fetched_once_a_day_and_gone_when_the_document_drops_it(site: Site) -> None:
    logo = site.page("/logo", picture("PNG"))
    url = publish_with(site, logo_uri=logo)
    client = found(url)
    age(client, fresh_until=timedelta(seconds=1))
    assert found(url).logo is not None
    assert site.paths_asked() == [PATH, "/logo", PATH]
    age(client, fresh_until=timedelta(seconds=1))
    publish_with(site)
    assert found(url).logo is None
