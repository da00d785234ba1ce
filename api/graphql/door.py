"""What a GraphQL request passes: host, HTTPS, method, credential, body, limits; then it is run in a thread."""

from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from api.exchange import PREFLIGHT, ClientGone, Exchange
from api.graphql.body import Asked, read_query_string, read_request
from api.graphql.schema import Outcome, Request, execute, prepare, refusal_body
from api.graphql.uploads import take_form
from orgs.access import BearerPrincipal
from raster.errors import BadUserInput, InsufficientScope, MethodNotAllowed, RasterError
from raster.logs import RECORD
from raster.transport import Transport
from raster.workers import writers

MOST_BYTES = 1024 * 1024
#: Methods that run queries alone, which come in the query string.
SAFE = frozenset({"GET", "HEAD"})
JSON = b"application/json"
FORM = b"multipart/form-data"
GRAPHQL_JSON = b"application/graphql-response+json"


async def serve_graphql(scope: Scope, receive: Receive, send: Send, transport: Transport) -> None:
    """Answer a request to the GraphQL API."""
    scope[RECORD]["route"] = "/graphql"
    exchange = Exchange(scope, receive, send, transport, "graphql")
    exchange.headers["Vary"] = "Accept"
    try:
        if exchange.is_preflight:
            exchange.check_transport()
            await exchange.answer(204, PREFLIGHT, b"")
            return
        outcome = await _run(exchange)
    except ClientGone:
        return
    except RasterError as refusal:
        outcome = Outcome(refusal_body(refusal), [refusal])
    accepts_own_type = GRAPHQL_JSON in transport.headers.get(b"accept", b"")
    headers = {"Content-Type": (GRAPHQL_JSON if accepts_own_type else JSON).decode()}
    status = 200
    if outcome.refusals:
        foremost = _foremost(outcome)
        status = foremost.status
        headers |= exchange.refusal_headers(foremost)
    await exchange.answer_json(status, outcome.body, headers)


async def _run(exchange: Exchange) -> Outcome:
    exchange.check_transport()
    if exchange.method not in {"POST", *SAFE}:
        raise MethodNotAllowed("POST", *sorted(SAFE))
    principal = await exchange.authenticate()
    if exchange.method in SAFE:
        return await _execute(exchange, lambda: read_query_string(exchange.scope["query_string"]))
    kind = exchange.transport.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind == FORM:
        return await take_form(exchange, principal)
    if kind != JSON:
        raise BadUserInput("Send the request as application/json, or files as multipart/form-data.")
    body = await exchange.body(MOST_BYTES)
    return await _execute(exchange, lambda: read_request(body))


async def _execute(exchange: Exchange, read: Callable[[], Asked]) -> Outcome:
    """Run what was asked, in a thread: a mutation among the writes, and never by a method that only reads."""

    def run(principal: BearerPrincipal) -> Request | Outcome:
        request = prepare(*read())
        if isinstance(request, Outcome):
            return request
        if request.is_mutation and exchange.method in SAFE:
            raise MethodNotAllowed("POST")
        exchange.scope[RECORD]["tool"] = request.summary
        return request if request.is_mutation else execute(request, principal)

    outcome = await exchange.run(run)
    if isinstance(outcome, Outcome):
        return outcome
    request = outcome
    return await exchange.run(lambda principal: execute(request, principal), writers)


def _foremost(outcome: Outcome) -> RasterError:
    """Return the refusal that the answer's status follows: the first, or one that a client can act upon."""
    for refusal in outcome.refusals:
        if isinstance(refusal, InsufficientScope) and not refusal.withheld:
            return refusal
    return outcome.refusals[0]
