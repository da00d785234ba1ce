"""The GraphQL API: a thin face over the operations."""
