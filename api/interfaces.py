"""REST and GraphQL at the gate: any origin may call, since the credential is in a header that no browser adds."""

from typing import Any

from api.gate import Interface
from raster.errors import PayloadTooLarge

_COMMON: dict[str, Any] = {
    "too_large": PayloadTooLarge(),
    "headers": {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Api-Version, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, "
        "Retry-After, WWW-Authenticate, X-Request-Id",
    },
    "preflight": {
        "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
        "Access-Control-Allow-Headers": "Accept, Api-Version, Apollo-Require-Preflight, Apollographql-Client-Name, "
        "Apollographql-Client-Version, Authorization, Content-Type, Traceparent, X-Apollo-Operation-Name, "
        "X-Requested-With",
        "Access-Control-Max-Age": "7200",
    },
}
REST = Interface("rest", **_COMMON)
GRAPHQL = Interface("graphql", **_COMMON)
