"""Files of every type over HTTP: each as it came, with its real type, and none that can run anything."""

from urllib.parse import quote

import httpx2
import pytest

from assets.derivatives import derive_all
from assets.models import Asset
from assets.signatures import judge
from tests.assets import pictures
from tests.assets.test_derivatives import pending
from tests.factories import Cast
from tests.server import Server

pytestmark = pytest.mark.once

POLYGLOT = pictures.encoded("gif", 40, 30) + b"<html><script>document.title='ran'</script></html>"
SCRIPTED_PDF = pictures.pdf(extra=b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >>")
FILES = {
    **{kind: pictures.encoded(kind, 320, 240) for kind in pictures.KINDS},
    "svg": pictures.SCRIPTED_SVG.replace(b"alert(1)", b"document.title='ran'"),
    "pdf": SCRIPTED_PDF,
    "gif": POLYGLOT,
}


def uploaded(data: bytes, file_name: str = "file") -> Asset:
    """Return an asset of which all was made that is made."""
    asset = pending(data, file_name)
    derive_all(Asset.objects.all())
    return asset


def url(server: Server, asset: Asset) -> str:
    return f"{server.url}/media/{asset.pk}/{quote(asset.file_name)}"


def test_every_type_is_served_as_it_came_in_a_sandbox(server: Server, cast: Cast) -> None:
    assets = {kind: pending(data, "page.html") for kind, data in FILES.items()}
    for kind, asset in assets.items():
        file_type = judge(FILES[kind])
        assert file_type is not None
        response = httpx2.get(url(server, asset))
        assert response.content == FILES[kind]
        assert response.headers["content-type"] == file_type.content_type
        assert response.headers["x-content-type-options"] == "nosniff"
        [policy] = response.headers.get_list("content-security-policy")
        assert policy.startswith("default-src 'none'; ")
        assert "sandbox" in policy
        assert "allow-scripts" not in policy and "script-src" not in policy
        # Without an origin, what could be a page shares nothing with the installation's.
        assert ("allow-same-origin" in policy) is (kind in {"mp4", "mov", "webm"})
        assert ("content-disposition" in response.headers) is (kind == "pdf")
    derive_all(Asset.objects.all())
    assert Asset.objects.filter(derivatives=Asset.Derivatives.READY).count() == len(FILES)


def test_a_document_is_saved_instead_of_opened(server: Server, cast: Cast) -> None:
    asset = uploaded(SCRIPTED_PDF, "Plan é.pdf")
    disposition = httpx2.get(url(server, asset)).headers["content-disposition"]
    assert disposition == "attachment; filename*=utf-8''Plan%20%C3%A9.pdf"


def test_a_video_has_ranges_and_an_unchanged_one_keeps_its_policy(server: Server, cast: Cast) -> None:
    data = FILES["mp4"]
    asset = uploaded(data)
    part = httpx2.get(url(server, asset), headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    unchanged = httpx2.get(url(server, asset), headers={"If-None-Match": part.headers["etag"]})
    assert unchanged.status_code == 304
    assert unchanged.headers["content-security-policy"] == part.headers["content-security-policy"]
