"""What differs between installations in the documentation: addresses and limits."""

import re
from typing import NamedTuple

from django.conf import settings

#: The installation that the files in docs/ speak of. Where they are served, its addresses are this one's.
EXAMPLE = "https://raster.example.com"
_ADDRESS = re.compile(rf"{re.escape(EXAMPLE)}(/(?:mcp|api|graphql)(?![\w.-]))?(/?)")


class Installation(NamedTuple):
    """Addresses without a slash at the end, and what may be sent."""

    base: str
    mcp: str
    api: str
    graphql: str
    is_mcp_at_root: bool
    max_file_size: int
    credential_rate: int | None
    address_rate: int | None

    @classmethod
    def current(cls) -> "Installation":
        return cls(
            base=settings.BASE_URL,
            mcp=settings.MCP_URL.removesuffix("/"),
            api=settings.API_URL,
            graphql=settings.API_URL if settings.API_HOST else f"{settings.BASE_URL}/graphql",
            is_mcp_at_root=settings.MCP_URL.endswith("/"),
            max_file_size=settings.MAX_FILE_SIZE,
            credential_rate=settings.CREDENTIAL_RATE,
            address_rate=settings.ADDRESS_RATE,
        )

    @property
    def mcp_url(self) -> str:
        return f"{self.mcp}/" if self.is_mcp_at_root else self.mcp

    def addressed(self, text: str) -> str:
        """Return a text with this installation's addresses in place of the example's."""
        urls = {None: self.base, "/mcp": self.mcp, "/api": self.api, "/graphql": self.graphql}

        def address(match: re.Match[str]) -> str:
            if match[1] == "/mcp" and not match[2]:
                return self.mcp_url
            return urls[match[1]] + match[2]

        return _ADDRESS.sub(address, text)
