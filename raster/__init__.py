"""A home for a team's images and files that people and AI agents use together."""

__version__ = "0.1.0"
