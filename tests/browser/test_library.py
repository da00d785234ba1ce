"""Working in a library with a real browser: uploading by drop, finding, tagging, moving, trashing, restoring."""

import base64
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from assets.derivatives import derive_all
from assets.models import Asset
from orgs.models import Library
from tests.assets import pictures
from tests.browser.conftest import MILLISECONDS, Check
from tests.factories import PASSWORD, AssetFactory, Cast, give_password
from tests.server import Server

pytestmark = pytest.mark.once

#: Name, width and height of ten pictures: wide and tall ones.
TEN = [
    ("harbour at dawn.jpg", 900, 600),
    ("old lighthouse.jpg", 500, 800),
    ("market stalls.jpg", 800, 800),
    ("rooftops.jpg", 1200, 600),
    ("narrow alley.jpg", 400, 700),
    ("beach towels.jpg", 900, 700),
    ("mosaic bench.jpg", 800, 500),
    ("cathedral.jpg", 600, 900),
    ("palm avenue.jpg", 1000, 650),
    ("night terrace.jpg", 900, 620),
]
DROP = """
async ({ files }) => {
  const carried = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    carried.items.add(new File([bytes], name));
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}
"""


def drop(page: Page, *files: tuple[str, bytes]) -> None:
    """Drop files onto the page."""
    page.evaluate(DROP, {"files": [(name, base64.b64encode(data).decode()) for name, data in files]})


def photos(page: Page) -> Locator:
    return page.get_by_role("main").locator("[data-asset]")


def select(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_label(f"Select {name}").check()


def told(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


@pytest.fixture
def slowly(context: BrowserContext) -> Callable[[], None]:
    """Hold uploads back until the returned function is called."""
    held: list[Route] = []
    is_open: list[bool] = []

    def hold(route: Route) -> None:
        route.continue_() if is_open else held.append(route)

    context.route("**/upload/web/**", hold)

    def release() -> None:
        is_open.append(True)
        for route in held:
            route.continue_()

    return release


def test_ten_pictures_are_dropped_found_tagged_moved_trashed_and_restored(
    server: Server, cast: Cast, alice: Page, slowly: Callable[[], None]
) -> None:
    alice.goto("/acme/barcelona")
    expect(alice.get_by_role("heading", name="No assets yet")).to_be_visible()
    drop(alice, *((name, pictures.jpeg(width, height)) for name, width, height in TEN))
    uploads = alice.get_by_role("region", name="Uploads")
    told(alice, "Uploading 10 files: 0 done.")
    expect(uploads.get_by_role("progressbar")).to_have_count(10)
    expect(uploads.get_by_text("Waiting")).to_have_count(7)
    slowly()
    told(alice, "10 files were uploaded.")
    expect(uploads.get_by_text("Done")).to_have_count(10)
    expect(photos(alice)).to_have_count(10)
    derive_all(Asset.objects.all())
    expect(alice.locator("[data-state=ready]")).to_have_count(10)
    expect(alice.locator(".blur")).to_have_count(10)

    alice.get_by_role("searchbox", name="Search").fill("lighthuose")
    alice.keyboard.press("Enter")
    expect(alice.get_by_role("main")).to_contain_text("Showing results for lighthouse")
    expect(photos(alice)).to_have_count(1)
    expect(alice.locator("mark")).to_have_text("lighthouse")
    alice.get_by_role("link", name="Clear the search").click()

    select(alice, "harbour at dawn", "old lighthouse", "beach towels")
    expect(alice.get_by_role("form", name="Selection")).to_contain_text("3 selected")
    alice.get_by_text("Tag", exact=True).click()
    alice.get_by_label("Tags", exact=True).fill("sea, Costa")
    alice.get_by_role("button", name="Add tags").click()
    told(alice, "3 assets were tagged.")
    alice.get_by_role("link", name=re.compile("^sea · 3")).click()
    expect(photos(alice)).to_have_count(3)

    alice.goto("/acme/barcelona")
    select(alice, "rooftops")
    alice.get_by_text("Move", exact=True).click()
    alice.get_by_label("Move to").select_option("Paris")
    alice.get_by_role("button", name="Move assets").click()
    told(alice, "1 asset was moved to Paris.")
    expect(photos(alice)).to_have_count(9)

    select(alice, "cathedral")
    alice.get_by_role("button", name="Move to trash").click()
    told(alice, "1 asset was moved to the trash.")
    expect(photos(alice)).to_have_count(8)
    alice.get_by_role("link", name="Trash").click()
    expect(alice.get_by_role("main")).to_contain_text("in 30 days")
    select(alice, "cathedral")
    alice.get_by_role("button", name="Restore").click()
    told(alice, "1 asset was restored.")
    alice.goto("/acme/barcelona")
    expect(photos(alice)).to_have_count(9)
    assert Asset.objects.filter(library=cast.paris).get().name == "rooftops"


def test_refused_files_are_named_with_the_reason_while_others_come_in(
    server: Server, cast: Cast, alice: Page, problems: list[str]
) -> None:
    alice.goto("/acme/barcelona")
    files = [("sea (1).jpg", pictures.jpeg()), ("words (2).png", b"only words"), ("empty.jpg", b"")]
    sent = [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in files]
    alice.get_by_label("Upload files").set_input_files(sent)  # type: ignore[arg-type]
    told(alice, "1 file was uploaded. 2 files could not be uploaded.")
    refused = alice.get_by_role("region", name="Uploads").get_by_role("listitem")
    expect(refused.filter(has_text="words (2).png")).to_contain_text("this is none of them.")
    expect(refused.filter(has_text="empty.jpg")).to_contain_text("The file is empty.")
    expect(refused.filter(has_text="Left out")).to_have_count(0)
    expect(photos(alice)).to_have_count(1)
    problems.clear()  # the browser says of answers that are refusals, too


def test_a_connection_that_breaks_off_is_told(
    server: Server, cast: Cast, alice: Page, context: BrowserContext, problems: list[str]
) -> None:
    context.route("**/upload/web/**", lambda route: route.abort())
    alice.goto("/acme/barcelona")
    drop(alice, ("sea.jpg", pictures.jpeg()))
    told(alice, "0 files were uploaded. 1 file could not be uploaded.")
    expect(alice.get_by_role("region", name="Uploads")).to_contain_text("The connection broke off.")
    problems.clear()  # the browser says of the broken connection, too


def test_a_variant_is_uploaded_from_its_originals_page_and_takes_its_place(
    server: Server, cast: Cast, alice: Page
) -> None:
    beach = AssetFactory(library=cast.barcelona, name="Beach", content_type="image/tiff")
    alice.goto(f"/acme/barcelona/{beach.pk}")
    file = {"name": "cropped.jpg", "mimeType": "image/jpeg", "buffer": pictures.jpeg()}
    alice.get_by_label("Upload a variant").set_input_files(file)  # type: ignore[arg-type]
    alice.get_by_role("button", name="Make cropped the original").click()
    told(alice, "The variant took the original's place")
    expect(alice.get_by_role("main").locator(".stage img")).to_be_visible()


def test_a_library_among_many_is_typed(
    server: Server, cast: Cast, alice: Page, check: Check, problems: list[str]
) -> None:
    beach = AssetFactory(library=cast.barcelona, name="Beach", content_type="image/tiff")
    Library.objects.bulk_create(
        Library(organization=cast.acme, name=f"Shelf {number}", slug=f"shelf-{number}") for number in range(250)
    )
    alice.goto(f"/acme/barcelona/{beach.pk}")
    alice.get_by_label("Move to").fill("shelf-249")
    check(alice, "asset-move-typed")
    alice.get_by_role("button", name="Move", exact=True).click()
    told(alice, "1 asset was moved to Shelf 249.")
    alice.goto("/acme/shelf-249")
    select(alice, "Beach")
    alice.get_by_text("Move", exact=True).click()
    alice.get_by_label("Move to").fill("Nowhere")
    check(alice, "library-move-typed")
    alice.get_by_role("button", name="Move assets").click()
    told(alice, "Choose one of the libraries.")
    expect(photos(alice)).to_have_count(1)


def test_more_comes_as_the_end_is_scrolled_to(server: Server, cast: Cast, alice: Page) -> None:
    for number in range(130):
        AssetFactory(library=cast.barcelona, name=f"Photo {number}", content_type="image/tiff")
    alice.goto("/acme/barcelona")
    expect(photos(alice)).to_have_count(60)
    select(alice, "Photo 129")
    photos(alice).last.scroll_into_view_if_needed()
    expect(photos(alice)).not_to_have_count(60)
    photos(alice).last.scroll_into_view_if_needed()
    expect(photos(alice)).to_have_count(130)
    alice.get_by_label("Select Photo 126").click(modifiers=["Shift"])
    expect(alice.get_by_role("form", name="Selection")).to_contain_text("4 selected")
    assert alice.locator("[data-asset]").evaluate_all("all => new Set(all.map(one => one.dataset.asset)).size") == 130


def test_selecting_and_what_follows_work_by_keyboard_alone(server: Server, cast: Cast, alice: Page) -> None:
    for number in range(4):
        AssetFactory(library=cast.barcelona, name=f"Photo {number}", content_type="image/tiff")
    alice.goto("/acme/barcelona")
    alice.get_by_label("Select Photo 3").focus()
    alice.keyboard.press("Space")
    alice.keyboard.press("Tab")
    alice.keyboard.press("Tab")
    expect(alice.get_by_label("Select Photo 2")).to_be_focused()
    alice.keyboard.press("Space")
    expect(alice.locator("[data-selection-told]")).to_contain_text("2 selected")
    alice.keyboard.press("Enter")
    alice.keyboard.press("Enter")  # on "Tag", which has the focus now
    alice.keyboard.press("Tab")
    alice.keyboard.type("sea")
    alice.keyboard.press("Escape")
    expect(alice.get_by_label("Tags", exact=True)).to_be_hidden()
    alice.keyboard.press("Enter")
    alice.keyboard.press("Tab")
    alice.keyboard.press("Enter")
    told(alice, "2 assets were tagged.")
    alice.get_by_label("Select Photo 0").focus()
    alice.keyboard.press("Space")
    alice.keyboard.press("Escape")
    expect(alice.get_by_role("form", name="Selection")).to_be_hidden()


def test_everything_works_without_scripts(server: Server, cast: Cast, chromium: Browser) -> None:
    for number in range(61):
        AssetFactory(library=cast.barcelona, name=f"Photo {number}", content_type="image/tiff")
    give_password(cast.alice)
    context = chromium.new_context(base_url=server.url, java_script_enabled=False)
    context.set_default_timeout(MILLISECONDS)
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("Email").fill(cast.alice.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto("/acme/barcelona")
    files = [{"name": name, "mimeType": "image/jpeg", "buffer": pictures.jpeg()} for name in ("one.jpg", "two.jpg")]
    page.get_by_label("Upload files").set_input_files(files)  # type: ignore[arg-type]
    page.get_by_role("button", name="Upload", exact=True).click()
    told(page, "Uploaded 2 files.")
    page.get_by_role("link", name="Next").click()
    expect(photos(page)).to_have_count(3)
    select(page, "Photo 0", "Photo 1")
    page.get_by_text("Tag", exact=True).click()
    page.get_by_label("Tags", exact=True).fill("last")
    page.get_by_role("button", name="Add tags").click()
    told(page, "2 assets were tagged.")
    expect(page).to_have_url(re.compile(r"\?page=2$"))
    select(page, "Photo 0")
    page.get_by_role("button", name="Move to trash").click()
    told(page, "1 asset was moved to the trash.")
    context.close()


def test_a_viewer_gets_neither_forms_nor_dropping(server: Server, cast: Cast, page: Page) -> None:
    AssetFactory(library=cast.barcelona, name="Beach", content_type="image/tiff")
    give_password(cast.carol)
    page.goto("/login")
    page.get_by_label("Email").fill(cast.carol.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    page.goto("/acme/barcelona")
    expect(photos(page)).to_have_count(1)
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(page.get_by_label("Upload files")).to_have_count(0)
    expect(page.get_by_role("searchbox", name="Search")).to_be_visible()


def test_what_it_looks_like(server: Server, cast: Cast, alice: Page, check: Check, problems: list[str]) -> None:
    alice.goto("/acme/paris")
    check(alice, "library-empty")
    alice.goto("/acme/barcelona")
    files = [*((name, pictures.jpeg(width, height)) for name, width, height in TEN), ("clip.mp4", pictures.video())]
    drop(alice, *files, ("guide.pdf", pictures.pdf()), ("notes.txt", b"no picture"))
    told(alice, "12 files were uploaded. 1 file could not be uploaded.")
    problems.clear()  # the browser says of answers that are refusals, too
    derive_all(Asset.objects.all())
    expect(alice.locator("[data-state=ready]")).to_have_count(12)
    check(alice, "library-uploads")
    alice.reload()
    check(alice, "library-full")
    select(alice, "rooftops", "guide")
    check(alice, "library-selection")
    alice.get_by_text("Tag", exact=True).click()
    alice.get_by_label("Tags", exact=True).fill("sea, Golden hour")
    check(alice, "library-selection-tag")
    alice.get_by_role("button", name="Add tags").click()
    alice.goto("/acme/barcelona?q=roftops")
    check(alice, "library-search")
    alice.goto("/acme/search?q=sea")
    check(alice, "search")
    alice.goto("/acme/barcelona?q=nothing+at+all")
    check(alice, "search-nothing")
    ids = dict(Asset.objects.values_list("name", "pk"))
    for name in ("rooftops", "clip", "guide"):
        alice.goto(f"/acme/barcelona/{ids[name]}")
        check(alice, f"asset-{name}")
    alice.goto(f"/acme/barcelona/{ids['rooftops']}")
    for summary in ("Rename", "Write a description", "Judge it"):
        alice.locator("summary").filter(has_text=summary).click()
    check(alice, "asset-forms")
    alice.get_by_label("Judgement").select_option("Needs changes")
    alice.get_by_label("Note").fill("The horizon is not level.\nCould it be brighter?")
    alice.get_by_role("button", name="Save approval").click()
    told(alice, "Your judgement was saved.")
    alice.get_by_role("link", name="History").click()
    check(alice, "history")
    alice.goto("/acme/barcelona")
    select(alice, "cathedral", "clip")
    alice.get_by_role("button", name="Move to trash").click()
    alice.get_by_role("link", name="Trash").click()
    check(alice, "trash")
