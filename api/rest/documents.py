"""What the API says of itself, to everybody and whatever their version."""

import hashlib
import json
from functools import cache
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpResponse

from api.gate import RequestContext
from api.rest.openapi import openapi
from api.rest.versions import CURRENT, asked_version, read_version

#: On every other host the page itself is there (api/urls.py).
PAGE_PATH = "/docs"
_CACHED = {"Cache-Control": "public, max-age=3600"}


@cache
def _document(version: str) -> tuple[bytes, str]:
    """Return the document of a version, and its ETag."""
    text = json.dumps(openapi(version), ensure_ascii=False, indent=1).encode()
    return text, f'"{hashlib.sha256(text).hexdigest()[:32]}"'


def _openapi(context: RequestContext) -> HttpResponse:
    """Return the OpenAPI document of the version in the address or the header, or of the present one.

    Raises:
        APIVersionUnsupported
    """
    named = dict(parse_qsl(context.scope["query_string"].decode("latin-1"))).get("version")
    version = read_version(named or asked_version(context.transport) or CURRENT)
    context.headers["Api-Version"] = version
    text, tag = _document(version)
    headers = {"ETag": tag, **_CACHED}
    known = context.transport.headers.get(b"if-none-match", b"").decode("latin-1")
    if known == "*" or tag in {each.strip().removeprefix("W/") for each in known.split(",")}:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(text, content_type="application/json", headers=headers)


def _page(context: RequestContext) -> HttpResponse:
    """Lead from the API's own host to the page, which is among the pages of people."""
    return HttpResponse(status=308, headers={"Location": f"{settings.BASE_URL}/api{PAGE_PATH}"})


DOCUMENTS = {"/openapi.json": _openapi, PAGE_PATH: _page}
