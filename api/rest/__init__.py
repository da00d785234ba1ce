"""The REST API: a thin face over the operations."""
