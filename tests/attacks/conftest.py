"""What the attacks share."""

import pytest

from tests.attacks.bystander import Bystander, make_bystander
from tests.factories import Cast
from tests.server import Server


@pytest.fixture
def bystander(server: Server, cast: Cast) -> Bystander:
    """Globex's agent, who must not notice what the attacker, with Acme's credentials or none, does."""
    return make_bystander(server, cast)
