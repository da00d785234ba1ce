"""Clients that others made, unmodified and with their default settings, against a live server."""
