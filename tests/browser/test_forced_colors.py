"""With forced colors, as in a high-contrast theme, what is chosen and where one is can still be seen."""

import pytest
from playwright.sync_api import Locator, Page

from tests.factories import Cast
from tests.server import Server

pytestmark = pytest.mark.once

LOOK = """element => {
    const style = getComputedStyle(element);
    return [style.backgroundColor, style.color, style.outlineStyle, style.borderTopColor].join();
}"""


def look(element: Locator) -> str:
    shown: str = element.evaluate(LOOK)
    return shown


def test_the_chosen_access_differs_from_the_others(server: Server, cast: Cast, alice: Page) -> None:
    key = cast.key("Agent", paris="read")
    alice.emulate_media(forced_colors="active", reduced_motion="reduce")
    alice.goto(f"/acme/settings/api-keys/{key.key_id}")
    group = alice.get_by_role("group", name="Paris")
    for chosen in ("None", "Read", "Write"):
        group.get_by_role("radio", name=chosen).check()
        looks = {word: look(group.get_by_text(word, exact=True)) for word in ("None", "Read", "Write")}
        others = {look for word, look in looks.items() if word != chosen}
        assert len(others) == 1 and looks[chosen] not in others


def test_the_present_page_differs_from_the_others(server: Server, cast: Cast, alice: Page) -> None:
    alice.emulate_media(forced_colors="active", reduced_motion="reduce")
    for path, here, elsewhere in (
        ("/acme/settings/members", "Members", "API keys"),
        ("/acme/barcelona", "Barcelona", "Paris"),
        ("/acme/connect", "Any organization", "Acme alone"),
    ):
        alice.goto(path)
        links = [alice.get_by_role("link", name=name, exact=True).last for name in (here, elsewhere)]
        assert look(links[0]) != look(links[1]), path
