"""Originals and sizes over HTTP, from a real server: who gets them, with which headers, and what is a 404."""

from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from django.utils import timezone

from assets import storage
from assets.models import Asset
from tests.assets import pictures
from tests.assets.conftest import Importer
from tests.factories import AssetFactory, Cast
from tests.server import Server, running_server

PERISHABLE = {"date", "x-request-id"}


def get(server: Server, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.request(method, f"{server.url}/media/{path}", headers=named)


def original(asset: Asset) -> str:
    return f"{asset.pk}/{quote(asset.file_name)}"


def size(asset: Asset, width: str = "320") -> str:
    return f"{asset.pk}/{width}/{asset.sizes[width]}"


def answer(response: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in response.headers.items() if name not in PERISHABLE}
    return response.status_code, headers, response.content


@pytest.fixture
def asset(server: Server, imported: Importer, cast: Cast) -> Asset:
    return imported(pictures.jpeg(), "Sea at noon.jpg")


def test_whatever_is_not_there_is_one_and_the_same_404(server: Server, asset: Asset, imported: Importer) -> None:
    trashed = imported(pictures.jpeg(810))
    Asset.objects.filter(pk=trashed.pk).update(trashed=timezone.now())
    gone = imported(pictures.jpeg(820), library="paris")
    gone.library.delete()
    paths = [
        "0" * 22 + "/sea.jpg",
        original(trashed),
        size(trashed),
        original(gone),
        f"{asset.pk}/other.jpg",
        f"{asset.pk}/Sea-at-noon.jpg/",
        f"{asset.pk}/",
        asset.pk,
        "",
        f"{asset.pk}/640/{asset.sizes['320']}",
        f"{asset.pk}/320/{'0' * 32}.webp",
        f"{asset.pk}/321/{asset.sizes['320']}",
        f"{asset.pk}/320/",
        f"{asset.pk}/320/%2e%2e/{asset.sizes['320']}",
        f"%2e%2e/%2e%2e/{asset.file}",
        f"{asset.pk}%00/sea.jpg",
        f"{asset.pk}/%ff%fe",
        "x" * 5000,
        asset.file,
    ]
    answers = [answer(get(server, path)) for path in paths]
    assert answers[0][0] == 404
    assert answers == [answers[0]] * len(paths)
    assert get(server, paths[0]).headers["access-control-allow-origin"] == "*"


def test_only_get_and_head_are_answered(server: Server, asset: Asset) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        response = get(server, original(asset), method)
        assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_an_original_comes_as_it_is_with_its_headers(server: Server, asset: Asset) -> None:
    response = get(server, original(asset))
    assert response.content == pictures.jpeg()
    assert response.status_code == 200
    headers = response.headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["content-length"] == str(asset.size)
    assert headers["etag"] == f'"{asset.digest[:32]}"'
    assert headers["cache-control"] == "no-cache"
    assert headers["accept-ranges"] == "bytes"
    assert headers["last-modified"].endswith("GMT")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    )
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in headers
    assert "content-disposition" not in headers


def test_a_size_is_webp_that_browsers_keep(server: Server, asset: Asset) -> None:
    response = get(server, size(asset))
    assert pictures.opened(response.content).width == 320
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cache-control"] == "public, max-age=31536000, s-maxage=300, immutable"
    assert response.headers["etag"] == f'"{Path(asset.sizes["320"]).stem}"'


def test_head_says_the_same_without_the_file(server: Server, asset: Asset) -> None:
    whole, head = get(server, original(asset)), get(server, original(asset), "HEAD")
    assert head.content == b""
    assert answer(head)[:2] == answer(whole)[:2]
    assert get(server, "unknown/sea.jpg", "HEAD").status_code == 404


def test_an_svg_is_served_as_it_came_and_can_run_nothing(server: Server, imported: Importer, cast: Cast) -> None:
    response = get(server, original(imported(pictures.SCRIPTED_SVG, "drawing.svg")))
    assert response.content == pictures.SCRIPTED_SVG
    assert response.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in response.headers["content-security-policy"]
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_a_part_of_a_file_is_served(server: Server, asset: Asset) -> None:
    data = pictures.jpeg()
    part = get(server, original(asset), range="bytes=100-199")
    assert (part.status_code, part.content) == (206, data[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(data)}"
    assert part.headers["x-content-type-options"] == "nosniff"
    end = get(server, original(asset), range="bytes=-50")
    assert (end.status_code, end.content) == (206, data[-50:])
    beyond = get(server, original(asset), range=f"bytes={len(data)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")
    assert get(server, original(asset), range="lines=1-2").status_code == 200


def test_a_part_is_only_of_the_copy_that_the_client_has(server: Server, asset: Asset) -> None:
    etag = f'"{asset.digest[:32]}"'
    assert get(server, original(asset), range="bytes=0-9", if_range=etag).status_code == 206
    assert get(server, original(asset), range="bytes=0-9", if_range='"another"').status_code == 200


def test_an_unchanged_copy_is_not_sent_again(server: Server, asset: Asset) -> None:
    first = get(server, original(asset))
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for headers in (
        {"if_none_match": etag},
        {"if_none_match": f'"other", W/{etag}'},
        {"if_none_match": "*"},
        {"if_modified_since": modified},
    ):
        response = get(server, original(asset), **headers)
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
        assert response.headers["cache-control"] == "no-cache"
    for headers in (
        {"if_none_match": '"other"'},
        {"if_none_match": '"other"', "if_modified_since": modified},
        {"if_modified_since": "Mon, 01 Jan 2001 00:00:00 GMT"},
        {"if_modified_since": "yesterday"},
    ):
        assert get(server, original(asset), **headers).status_code == 200


def test_a_date_that_no_calendar_has_is_passed_over(server: Server, asset: Asset) -> None:
    late = {"If-Modified-Since": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}
    assert get(server, original(asset), **late).status_code == 200


def test_a_changed_original_is_sent_again(server: Server, asset: Asset) -> None:
    etag = get(server, original(asset)).headers["etag"]
    Asset.objects.filter(pk=asset.pk).update(digest="0" * 64)
    assert get(server, original(asset), if_none_match=etag).status_code == 200


def test_trashing_acts_at_the_next_request(server: Server, asset: Asset) -> None:
    etag = get(server, original(asset)).headers["etag"]
    Asset.objects.filter(pk=asset.pk).update(trashed=timezone.now())
    assert get(server, original(asset), if_none_match=etag).status_code == 404


def test_a_download_carries_the_present_name_in_any_script(server: Server, asset: Asset) -> None:
    Asset.objects.filter(pk=asset.pk).update(name="برشلونة عند الغروب")
    response = get(server, f"{original(asset)}?download")
    expected = f"attachment; filename*=utf-8''{quote('برشلونة عند الغروب.jpg')}"
    assert response.headers["content-disposition"] == expected
    Asset.objects.filter(pk=asset.pk).update(name='The "sea"')
    response = get(server, f"{original(asset)}?download=1")
    assert response.headers["content-disposition"] == r'attachment; filename="The \"sea\".jpg"'
    response = get(server, f"{size(asset)}?download")
    assert response.headers["content-disposition"] == r'attachment; filename="The \"sea\".webp"'


def test_an_address_in_arabic_works(server: Server, imported: Importer, cast: Cast) -> None:
    asset = imported(pictures.jpeg(), "برشلونة.jpg")
    assert get(server, original(asset)).content == pictures.jpeg()


def test_a_row_whose_file_is_missing_is_a_404_and_one_line_in_the_log(server: Server, cast: Cast) -> None:
    asset = AssetFactory(library=cast.barcelona, file_name="sea.jpg")
    unknown, missing = get(server, "unknown/sea.jpg"), get(server, original(asset))
    assert answer(missing) == answer(unknown)
    assert len(server.logged("file is missing", asset.pk)) == 1


def test_files_are_readable_by_the_servers_own_user_only(server: Server, asset: Asset) -> None:
    mode = storage.local_path(asset.file).stat().st_mode & 0o777
    assert mode == 0o600


def test_a_database_out_of_reach_is_a_503_that_says_when_to_come_back(asset: Asset, tmp_path: Path) -> None:
    with running_server(tmp_path / "log", DATABASE_URL=f"sqlite:///{tmp_path}") as cut_off:
        response = get(cut_off, original(asset))
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.headers["cache-control"] == "no-store"
    assert b"Traceback" not in response.content
