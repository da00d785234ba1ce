"""Moments in words: what has passed is counted in whole units, and what is a day or more ahead is a date."""

from datetime import datetime

import pytest
from playwright.sync_api import Page

from tests.server import Server

pytestmark = pytest.mark.once

NOW = datetime.fromisoformat("2026-11-24T12:00:00+00:00")
ADD = """moment => {
    const time = document.createElement("time");
    time.dateTime = moment;
    document.querySelector("main").append(time);
}"""


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-24T12:00:05Z", "just now"),
        ("2026-11-24T11:59:55Z", "just now"),
        ("2026-11-24T11:59:01Z", "59 seconds ago"),
        ("2026-11-24T11:58:01Z", "1 minute ago"),
        ("2026-11-24T10:00:01Z", "1 hour ago"),
        ("2026-11-22T12:00:01Z", "1 day ago"),
        ("2026-10-24T12:00:01Z", "30 days ago"),
        ("2026-10-24T12:00:00Z", "1 month ago"),
        ("2025-11-24T12:00:01Z", "11 months ago"),
        ("2025-11-24T12:00:00Z", "1 year ago"),
        ("2024-11-24T12:00:01Z", "1 year ago"),
        ("2026-11-24T12:30:00Z", "in 30 minutes"),
        ("2026-11-25T11:59:59Z", "in 23 hours"),
        ("2026-11-25T12:00:00Z", "25 November 2026"),
        ("2027-11-24T12:00:00Z", "24 November 2027"),
        ("2028-01-01T12:00:00Z", "1 January 2028"),
    ],
)
def test_moments_never_round_wrong(server: Server, page: Page, moment: str, words: str) -> None:
    page.clock.install(time=NOW)
    page.goto("/")
    page.clock.pause_at(NOW.replace(minute=1))
    page.evaluate(ADD, moment)
    page.clock.set_fixed_time(NOW)
    page.clock.run_for(30_000)
    assert page.locator("main time").last.inner_text() == words
