"""What a client says of itself (RFC 7591, section 2), when it registers and in a metadata document alike."""

from dataclasses import dataclass
from typing import Any

from connections import scopes
from connections.keys import ALGORITHMS, usable_keys
from connections.models import CLIENT_NAME_LENGTH, Client
from connections.protocol import OAuthError
from connections.redirects import MOST_URIS, is_allowed_redirect_uri
from raster.contracts import INVISIBLE, MOST_COMPOSED

CODE_GRANT = "authorization_code"
REFRESH_GRANT = "refresh_token"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS = (CODE_GRANT, REFRESH_GRANT, DEVICE_GRANT)
UNNAMED = "Unnamed app"
LONGEST_ADDRESS = 500
_SECRET_METHODS = {Client.Authentication.BASIC, Client.Authentication.POST}


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """What is kept of it. ``keys`` are those that it gives itself, ``keys_url`` is where they are otherwise."""

    name: str
    website: str
    logo_url: str
    redirect_uris: list[str]
    grant_types: list[str]
    authentication: Client.Authentication
    keys: list[dict[str, str]] | None
    keys_url: str
    scope: str
    application_type: str

    @property
    def needs_secret(self) -> bool:
        return self.authentication in _SECRET_METHODS


def read_metadata(said: dict[str, Any]) -> ClientMetadata:
    """Return what ``said``, as parsed from JSON, says of a client.

    What is unknown is left out: other fields, grants, scopes. Without a method of authentication a client is public.

    Raises:
        OAuthError: ``invalid_redirect_uri`` or ``invalid_client_metadata``, with what is wrong.
    """
    grant_types = _grant_types(said)
    authentication = _authentication(said)
    keys, keys_url = _keys(said, authentication)
    return ClientMetadata(
        name=_name(said),
        website=_address(said.get("client_uri")),
        logo_url=_address(said.get("logo_uri")),
        redirect_uris=_redirect_uris(said, needed=CODE_GRANT in grant_types),
        grant_types=grant_types,
        authentication=authentication,
        keys=keys,
        keys_url=keys_url,
        scope=_scope(said),
        application_type=said["application_type"] if said.get("application_type") in ("native", "web") else "",
    )


def _name(said: dict[str, Any]) -> str:
    """Return the name on one line, without what no database stores; what it may show is decided where it is shown."""
    name = said.get("client_name")
    if not isinstance(name, str):
        return UNNAMED
    line = " ".join(INVISIBLE.sub(" ", name[: MOST_COMPOSED * CLIENT_NAME_LENGTH]).split())
    return line[:CLIENT_NAME_LENGTH].strip() or UNNAMED


def _address(value: Any) -> str:
    """Return an https address that is only there to be shown or fetched, or nothing."""
    is_one = isinstance(value, str) and value.startswith("https://") and value.isascii() and value.isprintable()
    return value if is_one and len(value) <= LONGEST_ADDRESS and " " not in value else ""


def _redirect_uris(said: dict[str, Any], *, needed: bool) -> list[str]:
    uris = _texts(said, "redirect_uris", "invalid_redirect_uri")
    if needed and not uris:
        raise OAuthError("invalid_redirect_uri", "redirect_uris is required.")
    if len(uris) > MOST_URIS:
        raise OAuthError("invalid_redirect_uri", f"redirect_uris may hold {MOST_URIS} addresses.")
    for position, uri in enumerate(uris, start=1):
        if not is_allowed_redirect_uri(uri):
            raise OAuthError(
                "invalid_redirect_uri",
                f"redirect_uris, number {position}: an https address, http on localhost, 127.0.0.1 or [::1], or a "
                "scheme of the program's own, without a fragment and without a name or password.",
            )
    return list(dict.fromkeys(uris))


def _grant_types(said: dict[str, Any]) -> list[str]:
    asked = _texts(said, "grant_types")
    grants = [grant for grant in GRANTS if grant in asked]
    if CODE_GRANT not in grants and DEVICE_GRANT not in grants:
        grants = [CODE_GRANT, REFRESH_GRANT]
    response_types = _texts(said, "response_types")
    if CODE_GRANT in grants and response_types and "code" not in response_types:
        raise OAuthError("invalid_client_metadata", "response_types: only code is served.")
    return grants


def _authentication(said: dict[str, Any]) -> Client.Authentication:
    method = said.get("token_endpoint_auth_method") or Client.Authentication.NONE
    try:
        return Client.Authentication(method)
    except ValueError:
        names = ", ".join(Client.Authentication.values)
        raise OAuthError("invalid_client_metadata", f"token_endpoint_auth_method: one of {names}.") from None


def _keys(said: dict[str, Any], authentication: Client.Authentication) -> tuple[list[dict[str, str]] | None, str]:
    if authentication is not Client.Authentication.PRIVATE_KEY_JWT:
        return None, ""
    if (said.get("token_endpoint_auth_signing_alg") or ALGORITHMS[0]) not in ALGORITHMS:
        served = ", ".join(ALGORITHMS)
        raise OAuthError("invalid_client_metadata", f"token_endpoint_auth_signing_alg: one of {served}.")
    if (said.get("jwks") is None) == (said.get("jwks_uri") is None):
        raise OAuthError("invalid_client_metadata", "private_key_jwt needs either jwks or jwks_uri.")
    if said.get("jwks") is None:
        keys_url = _address(said["jwks_uri"])
        if not keys_url:
            raise OAuthError("invalid_client_metadata", "jwks_uri: an https address is needed.")
        return None, keys_url
    keys = usable_keys(said["jwks"])
    if not keys:
        raise OAuthError("invalid_client_metadata", "jwks: an RSA key of 2048 bits or a P-256 key is needed.")
    return keys, ""


def _scope(said: dict[str, Any]) -> str:
    """Return the scopes that a client should ask for. Asking for others later is no error."""
    asked = said.get("scope")
    names = asked.split() if isinstance(asked, str) else []
    known = [name for name in (*scopes.LISTED, scopes.ALL_ORGANIZATIONS) if name in names]
    return " ".join(known or scopes.LISTED)


def _texts(said: dict[str, Any], field: str, error: str = "invalid_client_metadata") -> list[str]:
    values = said.get(field)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise OAuthError(error, f"{field}: a list of texts is needed.")
    return values
