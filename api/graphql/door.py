"""What a GraphQL request passes: host, HTTPS, method, credential, body, limits; then it is run in a thread."""

from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from api.gate import ClientGone, Gate, RequestContext
from api.graphql.body import Asked, read_query_string, read_request
from api.graphql.schema import Outcome, Request, execute, prepare, refusal_body
from api.graphql.uploads import take_form
from api.interfaces import GRAPHQL
from connections.resources import API, api_root
from orgs.access import BearerPrincipal
from raster.errors import BadUserInput, InsufficientScope, MethodNotAllowed, RasterError
from raster.logs import RECORD
from raster.transport import Transport
from raster.workers import writers

#: Methods that run queries alone, which come in the query string.
SAFE = frozenset({"GET", "HEAD"})
JSON = b"application/json"
FORM = b"multipart/form-data"
GRAPHQL_JSON = b"application/graphql-response+json"


async def serve_graphql(gate: Gate, scope: Scope, receive: Receive, send: Send, transport: Transport) -> None:
    """Answer a request to the GraphQL API."""
    scope[RECORD]["route"] = "/graphql"
    context = RequestContext(gate, GRAPHQL, scope, receive, send, transport)
    context.headers["Vary"] = "Accept"
    try:
        context.check_host()
        context.check_https()
        if context.is_preflight:
            await context.answer_preflight()
            return
        outcome = await _run(context)
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
        headers |= context.refusal_headers(foremost, api_root(transport.host))
    await context.answer_json(status, outcome.body, headers)


async def _run(context: RequestContext) -> Outcome:
    if context.method not in {"POST", *SAFE}:
        raise MethodNotAllowed("POST", *sorted(SAFE))
    await context.authenticate(API)
    if context.method in SAFE:
        return await _execute(context, lambda: read_query_string(context.scope["query_string"]))
    kind = context.transport.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind == FORM:
        return await take_form(context)
    if kind != JSON:
        raise BadUserInput("Send the request as application/json, or files as multipart/form-data.")
    body = await context.body()
    return await _execute(context, lambda: read_request(body))


async def _execute(context: RequestContext, read: Callable[[], Asked]) -> Outcome:
    """Run what was asked, in a thread: a mutation among the writes, and never by a method that only reads."""

    def run(principal: BearerPrincipal) -> Request | Outcome:
        request = prepare(*read())
        if isinstance(request, Outcome):
            return request
        if request.is_mutation and context.method in SAFE:
            raise MethodNotAllowed("POST")
        context.scope[RECORD]["tool"] = request.summary
        return request if request.is_mutation else execute(request, principal)

    outcome = await context.run(run)
    if isinstance(outcome, Outcome):
        return outcome
    request = outcome
    return await context.run(lambda principal: execute(request, principal), writers)


def _foremost(outcome: Outcome) -> RasterError:
    """Return the refusal that the answer's status follows: the first, or one that a client can act upon."""
    for refusal in outcome.refusals:
        if isinstance(refusal, InsufficientScope) and not refusal.withheld:
            return refusal
    return outcome.refusals[0]
