"""How tests read the documentation: as a browser or an agent over HTTPS, on an installation with hosts of its own."""

import re
from typing import Any

from django.test import Client

HOST = "raster.test"
BASE = f"https://{HOST}"
HREF = re.compile(r'<a[^>]*\shref="([^"]+)"')
ID = re.compile(r'\sid="([^"]+)"')
MARKDOWN_LINK = re.compile(r"\]\(([^)\s]+)\)")


def get(path: str, method: str = "GET", **headers: str) -> Any:
    """Return the answer to a request without cookies; ``if_none_match`` is the header If-None-Match."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().generic(method, path, secure=True, headers={"Host": HOST, **named})


def text(path: str, **headers: str) -> str:
    answer = get(path, **headers)
    assert answer.status_code == 200, path
    return str(answer.content.decode())
