"""Measures what Raster adds to the bare MCP SDK, and how it grows: ``make bench``."""
