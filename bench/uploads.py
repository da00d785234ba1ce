"""What uploads cost: from the file to lists and sizes, and in memory."""

import argparse
import io
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image

from bench.comparing import Figure, Measured, answer
from bench.load import Call
from bench.servers import RASTER, Database, Databases, Served, serving
from bench.tools import SMALL, call

PIXELS = (4000, 3000)
FILE_BYTES = 1024**3
CHUNK = 256 * 1024
BOUNDARY = "bench-of-uploads"
PAUSE = 0.01
SIZES_SECONDS = 30


def measure_uploads(databases: Databases, options: argparse.Namespace) -> Measured:
    """Measure a photo on its way in against a copy of its file, and the memory that a large file takes."""
    database = databases.filled("catalogue", SMALL)
    photo = databases.folder / "photo.jpg"
    Image.effect_noise(PIXELS, 60).resize(PIXELS).convert("RGB").save(photo, quality=85)
    copies, listed, ready = [], [], []
    with serving(RASTER, database.environment) as server, httpx2.Client(timeout=300) as http:
        for turn in range(options.rounds + 1):
            copied, to_list, to_sizes = _turn(http, server, database, photo)
            if turn:  # the first warms up
                copies.append(copied)
                listed.append(to_list)
                ready.append(to_sizes)
        growth = _memory_of_large_file(http, server, database)
    copied, to_list, to_sizes = (statistics.median(values) * 1000 for values in (copies, listed, ready))
    name, size = databases.kind, f"{photo.stat().st_size / 1e6:.1f} MB"
    return Measured(
        figures=[
            Figure(name, f"copy of a photo of 12 megapixels, {size}", copied, "ms"),
            Figure(
                name, "upload of it by a link until list_assets has it", to_list, "ms", f"≤ {2 * copied + 30:.1f} ms"
            ),
            Figure(name, "from there until its sizes are ready", to_sizes, "ms", "≤ 1000 ms"),
            Figure(name, "memory of the server that a file of 1 GB takes", growth / 1024**2, "MB", "< 64 MB"),
        ]
    )


def _turn(http: httpx2.Client, server: Served, database: Database, photo: Path) -> tuple[float, float, float]:
    """Return the seconds that a copy took, an upload until it was listed, and its sizes after that."""
    begun = time.perf_counter()
    shutil.copyfile(photo, photo.with_suffix(".copy"))
    copied = time.perf_counter() - begun
    link = _link(http, server, database)
    content = photo.read_bytes()
    begun = time.perf_counter()
    uploaded = http.post(link, files={"file": ("photo.jpg", content)}).raise_for_status().json()["assets"][0]["id"]
    place = database.facts["questions"]["list_assets"]
    newest = _content(http, call(database, server.port, "list_assets", {**place, "pageSize": 1}))["data"][0]
    listed = time.perf_counter()
    if newest["id"] != uploaded:
        raise RuntimeError("The upload is not the first in the list.")
    question = call(database, server.port, "get_asset", {**place, "assetId": uploaded})
    while not _content(http, question)["blurhash"]:
        if time.perf_counter() - listed > SIZES_SECONDS:
            raise RuntimeError("The sizes are never ready.")
        time.sleep(PAUSE)
    return copied, listed - begun, time.perf_counter() - listed


def _link(http: httpx2.Client, server: Served, database: Database) -> str:
    place = database.facts["questions"]["list_assets"]
    url: str = _content(http, call(database, server.port, "create_upload_link", place))["url"]
    return f"http://127.0.0.1:{server.port}/upload/{url.rpartition('/')[2]}"


def _content(http: httpx2.Client, call: Call) -> dict[str, Any]:
    content: dict[str, Any] = answer(call, http)["structuredContent"]
    return content


def _memory_of_large_file(http: httpx2.Client, server: Served, database: Database) -> int:
    """Return by how many bytes the server is larger at most while a file of 1 GB comes in."""
    link = _link(http, server, database)
    status = Path(f"/proc/{server.pid}/status")
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")  # the peak starts anew
    before = _kilobytes(status, "VmRSS")
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    http.post(link, content=_large_form(), headers=headers).raise_for_status()
    return (_kilobytes(status, "VmHWM") - before) * 1024


def _large_form() -> Iterator[bytes]:
    """Yield a form with a picture that is followed by noise, as its format allows."""
    head = io.BytesIO()
    Image.new("RGB", (1, 1)).save(head, "PNG")
    start = head.getvalue()
    yield (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="large.png"\r\n\r\n'
    ).encode() + start
    left = FILE_BYTES - len(start)
    noise = os.urandom(CHUNK)
    while left:
        yield noise[: min(left, CHUNK)]
        left -= min(left, CHUNK)
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def _kilobytes(status: Path, name: str) -> int:
    [line] = [line for line in status.read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1])
