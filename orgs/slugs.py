"""Slugs that no organization and no library may have, because a page or an endpoint is there.

A test walks every route and holds these sets to it.
"""

RESERVED_ORGANIZATION_SLUGS = frozenset(
    {
        "admin", "anonymous", "api", "authorize", "confirm-email", "connect", "device", "device-authorization", "docs",
        "graphql", "healthz", "inactive", "invitations", "llms", "login", "logout", "mcp", "media", "new", "o",
        "password", "readyz", "reauthenticate", "register", "revoke", "settings", "signup", "static", "token", "upload",
    }
)  # fmt: skip
RESERVED_LIBRARY_SLUGS = frozenset({"connect", "new", "search", "settings", "trash"})
