"""What a browser does with links to files: it shows, plays or saves them, and runs nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.assets.test_serving_types import FILES, SCRIPTED_PDF, uploaded, url
from tests.factories import Cast
from tests.server import Server

pytestmark = pytest.mark.once


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """A page on which what the policy forbids is no fault of ours."""
    page = chromium.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("kind", ["svg", "gif"])
def test_a_script_in_a_picture_never_runs(server: Server, cast: Cast, tab: Page, kind: str) -> None:
    tab.goto(url(server, uploaded(FILES[kind])))
    assert tab.title() != "ran"
    assert tab.evaluate("() => self.origin") == "null"


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_videos_link_plays_it(server: Server, cast: Cast, tab: Page, kind: str) -> None:
    tab.goto(url(server, uploaded(FILES[kind])))
    tab.wait_for_function("() => document.querySelector('video').videoWidth === 320")


def test_a_documents_link_downloads_it(server: Server, cast: Cast, tab: Page) -> None:
    address = url(server, uploaded(SCRIPTED_PDF, "plan.pdf"))
    with tab.expect_download() as downloading:
        tab.evaluate("address => { location.href = address }", address)
    path = downloading.value.path()
    assert downloading.value.suggested_filename == "plan.pdf"
    assert Path(path).read_bytes() == SCRIPTED_PDF
