"""Where a client may have people sent back to, and which of its addresses a request names."""

import pytest
from pytest_django import Settings

from connections.models import Client
from connections.redirects import LONGEST_URI, is_allowed_redirect_uri, matches_redirect_uri

HTTPS = "https://app.example.com/callback"


@pytest.mark.parametrize(
    "uri",
    [
        "", "callback", "/callback", "//app.example.com/callback", "https:", "https://", "https:///callback",
        "http://app.example.com/callback", "http://127.0.0.2/callback", "http://127.0.0.1.evil.example/callback",
        "http://localhost.evil.example/callback", "http://127.0.0.1@evil.example/", "http://localhost@evil.example/",
        "http://[::1]@evil.example/", "http://[::2]/", "http://0.0.0.0/", "http://127.1/", "http://2130706433/",
        "http://localhost:port/", "http://localhost:123456/", "http://[::ffff:127.0.0.1]/", "http://LOCALHOST/",
        "https://user@app.example.com/", "https://user:secret@app.example.com/", "https://@app.example.com/",
        f"{HTTPS}#fragment", f"{HTTPS}#", "https://app.example.com\\@evil.example/", "https://app.example.com/a b",
        " https://app.example.com/", "https://app.example.com/\n", "https://app.example.com/\r\nLocation: /",
        "https://app.example.com/\x00", "https://app.example.com/\t", 'https://app.example.com/"', "https://a.example/<",
        "https://аpp.example.com/", "https://app.example.com/ü", "https://app.example.com/\u202e", "https://a.example:x/",
        "https://[::1", "https://*.example.com/", "HTTPS://app.example.com/callback",
        "javascript:alert(1)", "JavaScript:alert(1)", "javascript://app.example.com/%0aalert(1)", "data:text/html,x",
        "file:///etc/passwd", "blob:https://app.example.com/x", "about:blank", "vbscript:x", "view-source:https://a.b/",
        "ftp://app.example.com/", "ws://app.example.com/", "wss://app.example.com/", "mailto:a@example.com", "tel:1",
        "intent://x", "chrome://settings", "filesystem:https://a.b/", "urn:ietf:wg:oauth:2.0:oob", "unknown://callback",
        "cursor:", "com.example.app:", ".com://x", "com..example://x", "com.example.://x", "1com.example://x",
        "cursor://user@callback", "com.example.app://user:secret@callback", "cursor://callback#fragment",
        HTTPS + "a" * (LONGEST_URI + 1 - len(HTTPS)),
    ],
)  # fmt: skip
def test_what_is_not_on_the_list_of_safe_forms_is_refused(uri: str) -> None:
    assert not is_allowed_redirect_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        HTTPS, "https://app.example.com", "https://app.example.com:8443/callback?tenant=1", "https://192.0.2.1/callback",
        "https://[2001:db8::1]/callback", "https://xn--mnchen-3ya.de/callback", "https://app.example.com/%7Euser/",
        "http://localhost", "http://localhost/", "http://localhost:3118/callback", "http://127.0.0.1/callback",
        "http://127.0.0.1:33418/", "http://[::1]/callback", "http://[::1]:61/callback",
        "cursor://anysphere.cursor-mcp/oauth/callback", "vscode://publisher.extension/callback", "claude://callback",
        "vscode-insiders://publisher.extension", "com.example.app:/oauth", "com.example.app://oauth/callback",
        "net.example.my-app:/x", HTTPS + "a" * (LONGEST_URI - len(HTTPS)),
    ],
)  # fmt: skip
def test_what_clients_use_is_allowed(uri: str) -> None:
    assert is_allowed_redirect_uri(uri)


OURS = frozenset({"raster.example.com", "mcp.example.com:8443", "localhost:8000"})


@pytest.mark.parametrize(
    "uri",
    [
        "https://raster.example.com/callback", "https://raster.example.com:443/", "https://raster.example.com:9000/",
        "https://RASTER.example.com/", "https://mcp.example.com/", "https://mcp.example.com:8443/",
        "http://localhost:8000/authorize",
    ],
)  # fmt: skip
def test_a_host_of_this_installation_is_no_return_address(settings: Settings, uri: str) -> None:
    settings.SERVED_HOSTS = frozenset({"elsewhere.example.com"})
    assert is_allowed_redirect_uri(uri)
    settings.SERVED_HOSTS = OURS
    assert not is_allowed_redirect_uri(uri)
    assert not matches_redirect_uri(Client(redirect_uris=[uri]), uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/",
        "https://app.raster.example.com/",
        "http://localhost:8001/",
        "http://127.0.0.1:8000/",
        "http://localhost/",
    ],
)
def test_hosts_beside_ours_and_other_programs_on_this_machine_are(settings: Settings, uri: str) -> None:
    settings.SERVED_HOSTS = OURS
    assert is_allowed_redirect_uri(uri)


def test_operators_add_schemes_of_their_programs(settings: Settings) -> None:
    assert not is_allowed_redirect_uri("myeditor://callback")
    settings.REDIRECT_SCHEMES = frozenset({"myeditor"})
    assert is_allowed_redirect_uri("myeditor://callback")


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        (HTTPS, "https://app.example.com/callback/"),
        (HTTPS, "https://app.example.com/callback?x=1"),
        (HTTPS, "https://app.example.com/Callback"),
        (HTTPS, "https://app.example.com/callback/../other"),
        (HTTPS, "https://app.example.com:443/callback"),
        (HTTPS, "https://app.example.com:8443/callback"),
        (HTTPS, "https://APP.example.com/callback"),
        (HTTPS, "https://app.example.com.evil.example/callback"),
        (HTTPS, "https://evil.example/?https://app.example.com/callback"),
        (HTTPS, "http://app.example.com/callback"),
        ("https://app.example.com", "https://app.example.com/"),
        ("https://localhost/callback", "https://localhost:1234/callback"),
        ("http://localhost/callback", "http://127.0.0.1/callback"),
        ("http://127.0.0.1/callback", "http://localhost/callback"),
        ("http://127.0.0.1/callback", "http://[::1]/callback"),
        ("http://127.0.0.1/callback", "https://127.0.0.1/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1/callback/"),
        ("http://127.0.0.1/callback", "http://127.0.0.1/other"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:1@evil.example/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:1/callback?x=1"),
        ("cursor://a/callback", "cursor://a/callback/"),
        ("cursor://a/callback", "vscode://a/callback"),
        ("http://intranet/callback", "http://intranet/callback"),
    ],
)
def test_an_address_that_differs_in_anything_but_a_loopback_port_is_another(registered: str, asked: str) -> None:
    assert not matches_redirect_uri(Client(redirect_uris=[registered]), asked)


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        (HTTPS, HTTPS),
        ("http://localhost/callback", "http://localhost:51234/callback"),
        ("http://localhost:3118/callback", "http://localhost:51234/callback"),
        ("http://localhost:3118/callback", "http://localhost/callback"),
        ("http://127.0.0.1/", "http://127.0.0.1:33418"),
        ("http://127.0.0.1", "http://127.0.0.1:33418/"),
        ("http://[::1]:1/callback?x=1", "http://[::1]:2/callback?x=1"),
        ("cursor://a/callback", "cursor://a/callback"),
    ],
)
def test_the_same_address_matches_and_on_loopback_any_port(registered: str, asked: str) -> None:
    client = Client(redirect_uris=["https://other.example.com/", registered])
    assert matches_redirect_uri(client, asked)
