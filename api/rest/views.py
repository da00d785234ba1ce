"""The views of the REST API: each translates a request into one operation, and its record into an answer."""

from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.exchange import PRINCIPAL
from orgs.access import BearerPrincipal


class Me(APIView):
    """Who the credential stands for, as ``whoami``."""

    def get(self, request: Request) -> Response:
        principal: BearerPrincipal = request._request.scope[PRINCIPAL]  # type: ignore[attr-defined]  # noqa: SLF001
        with connection.cursor() as cursor:
            cursor.execute(principal.identity_statement, [principal.identity_parameter])
            identity = principal.identity(cursor.fetchall())
        return Response({"data": identity.model_dump(mode="json")})
