"""The protocol machine: django-oauth-toolkit's bridge to oauthlib, with the rows and rules of this project behind it.

Nothing else imports either of the two. What the toolkit's own models and views would do is done by ours
(docs/oauth.md says why): here oauthlib checks the form of requests, PKCE and the order of things, and asks
:class:`Validator` for everything that needs a row. Clients are authenticated before
(connections/client_authentication.py), so that no transaction waits for a client's keys.
"""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauthlib.common import Request
from oauthlib.oauth2 import OAuth2Error, RequestValidator, WebApplicationServer
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error

from connections import scopes, tokens
from connections.clients import find_client
from connections.contracts import AskedAuthorization
from connections.models import AuthorizationCode, Client, Connection, RefreshToken
from connections.redirects import matches_redirect_uri
from connections.secrets import Pair, generate_pair, successor

Found = TypeVar("Found")
CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
LONGEST_STATE = 4096


class AuthorizationRefused(Exception):
    """A request for authorization that no person is asked about.

    Without ``client`` and ``redirect_uri`` the client or its return address is unknown: then nobody is sent anywhere.
    """

    def __init__(
        self, error: str, description: str, client: Client | None, redirect_uri: str | None, state: str | None
    ) -> None:
        self.error = error
        self.description = description
        self.client = client
        self.redirect_uri = redirect_uri
        self.state = state
        super().__init__(f"{error}: {description}")


class Validator(RequestValidator):  # type: ignore[misc]  # oauthlib ships no types
    """Answers oauthlib's questions for one request.

    ``client`` is the one that authenticated itself, or at the authorization endpoint the one that was found;
    ``resource`` are the request's parameters of that name.
    """

    def __init__(self, client: Client | None = None, resource: Sequence[str] = (), address: str = "") -> None:
        super().__init__()
        self.client = client
        self._asked_resource = list(resource)
        self._address = address
        self._resource = ""
        self._connection: Connection | None = None
        self._code: AuthorizationCode | None = None
        self._refresh_token: RefreshToken | None = None
        self._pair: Pair | None = None

    # --- At the authorization endpoint -------------------------------------------------------------------------

    def validate_client_id(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> bool:
        request.client = self.client = find_client(client_id, address=self._address)
        return self.client is not None

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return self.client is not None and matches_redirect_uri(self.client, redirect_uri)

    def get_default_redirect_uri(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> str | None:
        if self._code is not None:  # at the token endpoint, where it is PKCE that binds the code (OAuth 2.1)
            return self._code.redirect_uri
        registered: list[str] = request.client.redirect_uris
        return registered[0] if len(registered) == 1 else None

    def validate_response_type(
        self, client_id: str, response_type: str, client: Client, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return response_type == "code" and "authorization_code" in client.grant_types

    def is_pkce_required(self, client_id: str, request: Request) -> bool:
        return True

    def get_default_scopes(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        return scopes.DEFAULT.text.split()

    def validate_scopes(
        self, client_id: str, names: list[str], client: Client, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return scopes.read_scope(" ".join(names)) is not None

    # --- At the token endpoint ---------------------------------------------------------------------------------

    def client_authentication_required(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        return True

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        request.client = self.client
        return self.client is not None

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Client, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return grant_type in client.grant_types

    def validate_code(
        self, client_id: str, code: str, client: Client, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        self._code = tokens.find_code(client, code)
        return self._code is not None and self._take(self._code.connection, request)

    def get_code_challenge(self, code: str, request: Request) -> str:
        return self._found(self._code).code_challenge

    def get_code_challenge_method(self, code: str, request: Request) -> str:
        return "S256"

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Client, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return redirect_uri == self._found(self._code).redirect_uri

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Request, *args: Any, **kwargs: Any
    ) -> None:
        tokens.spend_code(self._found(self._code))

    def validate_refresh_token(
        self, refresh_token: str, client: Client, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        self._refresh_token = tokens.find_refresh_token(client, refresh_token)
        return self._refresh_token is not None and self._take(self._refresh_token.connection, request)

    def get_original_scopes(self, refresh_token: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        return tokens.scope_of(self._found(self._connection)).split()

    def is_within_original_scope(
        self, names: list[str], refresh_token: str, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Drop unknown scopes here too; what is left must have been granted."""
        asked = scopes.read_scope(" ".join(names))
        connection = self._found(self._connection)
        return asked is not None and (
            asked.write <= connection.may_write and asked.all_organizations <= _had_all_organizations(connection)
        )

    def generate_access_token(self, request: Request) -> str:
        """Return a new access token, or the one that always follows the refresh token of the request."""
        self._pair = successor(request.refresh_token) if self._refresh_token else generate_pair()
        return self._pair.access

    def generate_refresh_token(self, request: Request) -> str:
        """Return the refresh token that goes with the access token before it."""
        return self._found(self._pair).refresh

    def save_bearer_token(self, token: dict[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        """Keep the pair, and put into the answer what was granted and how long it lasts."""
        connection, pair = self._found(self._connection), self._found(self._pair)
        asked = self._found(scopes.read_scope(" ".join(request.scopes)))
        if self._refresh_token is not None:
            issued = tokens.replace(self._refresh_token, pair, self._resource, asked)
        else:
            issued = tokens.issue(connection, pair, self._resource, asked)
        token.clear()
        token.update(issued.answer())

    def _take(self, connection: Connection, request: Request) -> bool:
        """Go on with a connection, for the resource that the request names within what was granted."""
        row = tokens.narrowed_resource(connection.resource, self._asked_resource)
        if row is None:
            raise CustomOAuth2Error("invalid_target", "This resource is not what was granted.", request=request)
        self._connection, self._resource = connection, row
        request.user = connection.user
        request.scopes = tokens.scope_of(connection).split()
        return True

    @staticmethod
    def _found(value: Found | None) -> Found:
        """Return what an earlier question of oauthlib found: it asks in the order of the protocol."""
        if value is None:
            raise RuntimeError("oauthlib asked for something before it was looked up.")
        return value


def validate_authorization_request(request: HttpRequest) -> AskedAuthorization:
    """Return what the query of a request to the authorization endpoint asks for.

    The client's metadata document may be fetched, so call it for signed-in people and outside of a transaction.

    Raises:
        AuthorizationRefused: with the protocol's error; see there for who is told.
        RateLimited: too many documents were fetched for this address.
    """
    if any(_is_control(value) for _, values in request.GET.lists() for value in values):
        raise AuthorizationRefused("invalid_request", "A parameter has control characters.", None, None, None)
    validator = Validator(address=request.META["REMOTE_ADDR"])
    try:
        _, asked = _core(validator).validate_authorization_request(request)
    except FatalClientError as error:
        raise _refused(error.oauthlib_error, None) from None
    except OAuthToolkitError as error:
        raise _refused(error.oauthlib_error, validator.client) from None
    except ValueError:  # oauthlib's own reading of a query that is no query
        raise AuthorizationRefused("invalid_request", "The query cannot be read.", None, None, None) from None
    oauth_request = asked["request"]
    scope = scopes.read_scope(oauth_request.scope) or scopes.DEFAULT
    row = tokens.row_of_all(request.GET.getlist("resource")) if "resource" in request.GET else ""
    if asked.get("code_challenge_method") != "S256" or not CODE_CHALLENGE.fullmatch(asked["code_challenge"]):
        problem = ("invalid_request", "PKCE with code_challenge_method S256 is needed.")
    elif any(len(values) > 1 for name, values in request.GET.lists() if name != "resource"):
        problem = ("invalid_request", "A parameter is sent more than once.")
    elif len(oauth_request.state or "") > LONGEST_STATE:
        problem = ("invalid_request", "The state is too long.")
    elif row is None:
        problem = ("invalid_target", "This server does not serve that resource.")
    else:
        return AskedAuthorization(
            client=oauth_request.client,
            redirect_uri=asked["redirect_uri"],
            state=asked["state"],
            code_challenge=asked["code_challenge"],
            scope=scope,
            resource=row,
        )
    raise AuthorizationRefused(*problem, oauth_request.client, asked["redirect_uri"], asked["state"])


def token_response(request: HttpRequest, client: Client) -> HttpResponse:
    """Return the answer to a request for tokens by code or refresh token, by a client that authenticated itself.

    Run it in a transaction. It returns errors too, since what a refused request found out must be kept.
    """
    _, headers, body, status = _core(Validator(client, request.POST.getlist("resource"))).create_token_response(request)
    return HttpResponse(body, status=status, headers={"Content-Type": "application/json", **headers})


def _had_all_organizations(connection: Connection) -> bool:
    """Return whether it was granted all organizations, be it that admins took some out since."""
    return connection.all_organizations or connection.granted.count() > 1


def _core(validator: Validator) -> OAuthLibCore:
    return OAuthLibCore(
        WebApplicationServer(
            validator,
            token_generator=validator.generate_access_token,
            refresh_token_generator=validator.generate_refresh_token,
        )
    )


def _refused(error: OAuth2Error, client: Client | None) -> AuthorizationRefused:
    """Return the refusal; ``client`` only where it and its return address were accepted."""
    description = error.description or "The request is not valid."
    return AuthorizationRefused(error.error, description, client, error.redirect_uri if client else None, error.state)


def _is_control(text: str) -> bool:
    return any(character < " " or character == "\x7f" for character in text)
