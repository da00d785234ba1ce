"""What the API says of itself, to everybody and without a version."""

from collections.abc import Callable

from django.http import HttpResponse

from api.exchange import Exchange

DOCUMENTS: dict[str, Callable[[Exchange], HttpResponse]] = {}
