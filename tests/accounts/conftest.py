"""Fixtures of the tests around signing in."""

import pytest
from django.core.cache import cache


@pytest.fixture
def no_earlier_tries(db: None) -> None:
    """Forget the sign-ins that tests with a server counted, whose cache outlives them."""
    cache.clear()
