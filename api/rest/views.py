"""The views of the REST API: each translates a request into the operation of its endpoint, and its record into JSON."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.rest.endpoints import Endpoint
from api.rest.requests import read_body, read_command
from api.rest.versions import operation_of, shaped
from orgs.access import BearerPrincipal, Origin
from raster.contracts import Page, Record


def enveloped(version: str, record: Record) -> bytes:
    """Return the body of an answer: a page has ``data`` already, anything else is put there."""
    text = shaped(version, record).model_dump_json().encode()
    return text if isinstance(record, Page) else b'{"data":' + text + b"}"


class ArgumentsParser(BaseParser):
    """Reads a body, whatever its type is said to be, so that every refusal is of the catalogue."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        return read_body(media_type or "", stream.read())


class RecordRenderer(BaseRenderer):
    """Writes a record in the shape of the version that was asked for."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return enveloped(renderer_context["kwargs"]["version"], data)


class OneForm(BaseContentNegotiation):
    """There is one form of bodies and one of answers, whatever a request says that it sends or accepts."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class EndpointView(APIView):
    """Runs an endpoint's operation. api/rest/door.py has found the endpoint and whoever asks."""

    parser_classes = (ArgumentsParser,)
    renderer_classes = (RecordRenderer,)
    content_negotiation_class = OneForm

    def answer(
        self,
        request: Request,
        endpoint: Endpoint,
        caller: BearerPrincipal | Origin,
        version: str,
        query: bytes,
        places: dict[str, str],
    ) -> Response:
        """Answer with the operation's record."""
        arguments = dict(request.data) if endpoint.takes_body else {}
        command = read_command(endpoint, version, places, query, arguments)
        return Response(operation_of(version, endpoint)(caller, command), status=endpoint.rest.status)

    get = head = post = patch = delete = answer
