"""How sure it is who an app is: the table."""

import pytest

from connections.models import Client
from connections.trust import Kind, is_on_site, plain_text, trust_in

DOCUMENT = "https://claude.ai/oauth/client"


def client(client_id: str = "abc", name: str = "App", source: str = "registered") -> Client:
    return Client(client_id=client_id, name=name, source=source)


@pytest.mark.parametrize(
    ("host", "site", "expected"),
    [
        ("claude.ai", "claude.ai", True),
        ("api.claude.ai", "claude.ai", True),
        ("claude.ai", "api.claude.ai", False),
        ("other.claude.ai", "api.claude.ai", False),
        ("evilclaude.ai", "claude.ai", False),
        ("claude.ai.evil.example", "claude.ai", False),
        ("claude.com", "claude.ai", False),
        ("evil.localhost", "localhost", False),
        ("1.10.0.0.1", "10.0.0.1", False),
        ("app.ai", "ai", False),
    ],
)
def test_a_host_is_on_a_site_that_is_itself_or_above_it(host: str, site: str, expected: bool) -> None:
    assert is_on_site(host, site) is expected


@pytest.mark.parametrize(
    ("uri", "kind", "sentence"),
    [
        ("https://claude.ai/cb", Kind.VERIFIED_DOMAIN, "claude.ai published this app, and it returns there."),
        ("https://CLAUDE.ai:443/cb", Kind.VERIFIED_DOMAIN, "claude.ai published this app"),
        ("https://claude.com/cb", Kind.DOCUMENT_ELSEWHERE, "claude.ai's app, returning to another site, claude.com."),
        ("https://claude.ai.evil.example/cb", Kind.DOCUMENT_ELSEWHERE, "claude.ai.evil.example"),
        ("http://localhost:1/cb", Kind.DOCUMENT_ON_THIS_COMPUTER, "any program here could claim to be it"),
        (
            "http://[::1]:1/cb",
            Kind.DOCUMENT_ON_THIS_COMPUTER,
            "claude.ai's app, returning to a program on this computer",
        ),
        ("cursor://cb", Kind.DOCUMENT_ELSEWHERE, "the app that opens cursor: links"),
        ("", Kind.DOCUMENT_ELSEWHERE, "on a device"),
    ],
)
def test_what_is_known_of_an_app_with_a_metadata_document(uri: str, kind: Kind, sentence: str) -> None:
    trust = trust_in(client(DOCUMENT, source="document"), uri)
    assert trust.kind is kind and sentence in trust.sentence
    assert trust.is_verified is (kind is Kind.VERIFIED_DOMAIN)


def test_an_app_that_registered_itself_is_never_more_than_what_it_says() -> None:
    trust = trust_in(client(DOCUMENT, name="Mine"), "https://claude.ai/cb")
    assert trust.kind is Kind.SELF_NAMED and "This app named itself “Mine”" in trust.sentence


def test_staff_vouch_for_what_they_registered() -> None:
    assert trust_in(client(source="staff"), "https://anything.example/").kind is Kind.STAFF


@pytest.mark.parametrize(
    ("name", "uri", "like"),
    [
        ("Claude", "https://evil.example/cb", "Claude"),
        ("C1aude", "https://evil.example/cb", "Claude"),
        ("\u0421laud\u0435", "https://evil.example/cb", "Claude"),
        ("Cl\u200baude", "https://evil.example/cb", "Claude"),
        ("\U0001d402\U0001d425\U0001d41a\U0001d42e\U0001d41d\U0001d41e", "https://evil.example/cb", "Claude"),
        ("C l a u d e", "https://evil.example/cb", "Claude"),
        ("Cluade", "https://evil.example/cb", "Claude"),
        ("Clàude", "https://claude.ai.evil.example/cb", "Claude"),
        ("ChatGTP", "https://evil.example/cb", "ChatGPT"),
        ("0penAI", "https://notopenai.com/cb", "OpenAI"),
        ("Visual Studio Code", "https://evil.example/cb", "Visual Studio Code"),
        ("Cursor", "evil.app:/cb", "Cursor"),
        ("Raster Official", "https://evil.example/cb", "Raster"),
    ],
)
def test_a_name_like_a_known_products_is_remarked_on(name: str, uri: str, like: str) -> None:
    warning = trust_in(client(name=name), uri).warning
    assert f"resembles {like}," in warning


@pytest.mark.parametrize("name", ["Claude Code (raster)", "Codex", "Visual Studio Code", "Photo desk"])
@pytest.mark.parametrize("uri", ["http://localhost:3118/cb", "http://127.0.0.1/cb", "http://[::1]:1/cb"])
def test_a_program_on_this_computer_is_described_calmly(name: str, uri: str) -> None:
    trust = trust_in(client(name=name), uri)
    assert (trust.kind, trust.label, trust.warning) == (Kind.SELF_NAMED, "A program on this computer", "")
    assert trust.sentence == (
        f"A program on this computer named itself “{name}”. Nobody has checked who made it: continue only if you have "
        "just started it."
    )


@pytest.mark.parametrize(
    "uri", ["https://evil.example/cb", "https://claude.ai/cb", "http://127.0.0.1/cb", "claude:cb", ""]
)
def test_a_document_elsewhere_cannot_take_the_name_of_a_known_product(uri: str) -> None:
    trust = trust_in(client("https://evil.example/c.json", "Claude", "document"), uri)
    assert trust.warning == (
        "Its name resembles Claude, but evil.example is not claude.ai. Any app can take such a name."
    )
    assert "evil.example" in trust.label
    assert (trust.label == "Verified domain: evil.example") is (uri == "https://evil.example/cb")


@pytest.mark.parametrize(
    ("client_id", "name"),
    [
        (DOCUMENT, "Claude"),
        ("https://api.anthropic.com/c.json", "Claude Code"),
        ("https://vscode.dev/oauth/client-metadata.json", "Visual Studio Code"),
        ("https://evil.example/c.json", "Photo desk"),
    ],
)
@pytest.mark.parametrize("uri", ["https://claude.ai/cb", "http://127.0.0.1/cb", ""])
def test_a_document_of_the_products_own_maker_is_not_remarked_on(client_id: str, name: str, uri: str) -> None:
    assert trust_in(client(client_id, name, "document"), uri).warning == ""


def test_a_device_returns_nowhere_so_its_apps_name_is_all_there_is_to_remark_on() -> None:
    warning = trust_in(client(name="Claude"), "").warning
    assert warning == "Its name resembles Claude. Any app can take such a name."


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("Claude", "https://claude.ai/api/mcp/auth_callback"),
        ("ChatGPT", "https://chatgpt.com/connector/oauth/x"),
        ("Cursor", "cursor://anysphere.cursor-mcp/oauth/callback"),
        ("Photo desk", "https://evil.example/cb"),
        ("Code and Notes", "https://evil.example/cb"),
        ("MCP Inspector", "http://localhost:6274/oauth/callback"),
        ("مكتبة الصور", "https://example.com/cb"),
        ("写真ツール", "https://example.com/cb"),
    ],
)
def test_names_of_their_makers_and_of_nobody_known_are_not(name: str, uri: str) -> None:
    assert trust_in(client(name=name), uri).warning == ""


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("a\u202eb\u2066c\x00d\x7fe", "abcde"),
        ("  many \u00a0 spaces\u2028here ", "many spaces here"),
        ('«quoted» "twice"', "'quoted' 'twice'"),
        ("👩\u200d💻 tools", "👩💻 tools"),
        ("שלום", "שלום"),
    ],
)
def test_foreign_text_is_one_line_of_what_can_be_seen(foreign: str, shown: str) -> None:
    assert plain_text(foreign, 64) == shown
