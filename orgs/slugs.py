"""The form of slugs in addresses, and those that no organization and no library has, because a page is there.

A test walks every route and holds these sets to it.
"""

from orgs.models import SLUG_LENGTH

RESERVED_ORGANIZATION_SLUGS = frozenset(
    {
        "admin", "api", "authorize", "claim", "confirm-email", "connect", "device", "device-authorization", "docs",
        "graphql", "healthz", "inactive", "invitations", "login", "logout", "mcp", "media", "new", "password", "readyz",
        "reauthenticate", "register", "revoke", "settings", "signup", "static", "token", "upload",
    }
)  # fmt: skip
RESERVED_LIBRARY_SLUGS = frozenset({"connect", "new", "search", "settings", "trash"})


class SlugConverter:
    """Matches the slugs that an organization or a library can have; anything else in its place is a 404."""

    regex = rf"[a-z0-9](?:-?[a-z0-9]){{0,{SLUG_LENGTH - 1}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
