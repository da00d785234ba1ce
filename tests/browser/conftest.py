"""A real Chromium against a real server."""

import os
import shutil
from collections.abc import Iterator
from typing import Protocol

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.factories import PASSWORD, Cast, give_password
from tests.server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
SCREENSHOTS = settings.BASE_DIR / "var" / "screenshots"
MILLISECONDS = 15_000
#: How a page is looked at: width of the window in pixels, and colour scheme.
LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "narrow": (320, "light")}


class Check(Protocol):
    """Looks at a page under a name; ``without`` selects what is not ours on it."""

    def __call__(self, page: Page, name: str, without: str = "") -> None: ...


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed: make test installs it where it may")
    # Playwright runs an event loop in this thread, in which Django would refuse every query.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def is_problem(message: ConsoleMessage, server: Server) -> bool:
    """Return whether a page of ours did what its policy forbids or missed a file; that a page is a 404 is none."""
    url = message.location["url"]
    is_the_page = message.page is not None and url == message.page.url
    is_elsewhere = url.startswith("http") and not url.startswith(server.url)
    is_missing = message.text.startswith("Failed to load resource")
    return message.type == "error" and not (is_missing and (is_the_page or is_elsewhere))


@pytest.fixture
def problems() -> list[str]:
    """What pages did that their policy forbids, and files they missed."""
    return []


@pytest.fixture
def context(chromium: Browser, server: Server, problems: list[str]) -> Iterator[BrowserContext]:
    """A browser without cookies, on the running server; a page with problems fails the test."""
    context = chromium.new_context(base_url=server.url)
    context.set_default_timeout(MILLISECONDS)
    context.on("console", lambda message: problems.append(message.text) if is_problem(message, server) else None)
    context.on("weberror", lambda error: problems.append(str(error.error)))
    yield context
    context.close()
    assert problems == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def alice(cast: Cast, page: Page) -> Page:
    """A page on which alice is signed in."""
    give_password(cast.alice)
    page.goto("/login")
    page.get_by_label("Email").fill(cast.alice.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    return page


def photograph(page: Page, name: str) -> None:
    """Keep screenshots of a page, light, dark and narrow, and fail where it scrolls sideways."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for look, (width, scheme) in LOOKS.items():
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} scrolls sideways by {overflow} px at {width} px"
        # Hiding the caret would put an inline style into the page, which its policy forbids.
        page.screenshot(path=SCREENSHOTS / f"{name}-{look}.png", full_page=True, caret="initial")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.fixture
def check(problems: list[str]) -> Check:
    """Fail on anything axe finds on a page, in either colour scheme, and keep screenshots of it."""

    def checking(page: Page, name: str, without: str = "") -> None:
        assert problems == [], name
        axe_finds_nothing(page, name, without)
        photograph(page, name)
        # axe and the camera put styles into the page, which its policy forbids to everybody.
        problems.clear()

    return checking


def axe_finds_nothing(page: Page, name: str, without: str) -> None:
    context = {"exclude": [[without]]} if without else None
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        results = Axe().run(page, context)
        assert results.violations_count == 0, f"{name}, {scheme}: {results.generate_report()}"
