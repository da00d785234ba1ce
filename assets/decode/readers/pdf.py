"""The first page of a PDF, by PDFium, in a build that runs no script."""

import math
from pathlib import Path

import pypdfium2
import pyvips

from assets.decode import WIDTHS
from assets.decode.pictures import Opened, from_pixels
from assets.images import MAX_PIXELS
from assets.signatures import FileType
from raster.errors import BadUserInput

DAMAGED = "The PDF is damaged or cut off."
LOCKED = "The PDF asks for a password."
MAX_POINTS = 14_400  # the largest page that PDF readers take (ISO 32000-1, annex C.2)
POINTS_AN_INCH = 72
PIXELS_AN_INCH = 200  # at which a page of letter size can be read


def open_file(path: Path, file_type: FileType) -> Opened:
    """Open a document; its dimensions are those of its first page at ``PIXELS_AN_INCH``, or less if it is huge."""
    try:
        page = pypdfium2.PdfDocument(path)[0]
        across, down = page.get_size()
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise BadUserInput(LOCKED if locked else DAMAGED) from None
    if not (0 < across <= MAX_POINTS and 0 < down <= MAX_POINTS):
        raise BadUserInput("The PDF's first page has no size that can be shown.")
    scale = min(PIXELS_AN_INCH / POINTS_AN_INCH, math.sqrt(MAX_PIXELS / (across * down)))
    width, height = max(1, math.floor(across * scale)), max(1, math.floor(down * scale))
    return Opened(width, height, lambda: _pixels(page, min(width, WIDTHS[-1]) / across))


def _pixels(page: pypdfium2.PdfPage, scale: float) -> pyvips.Image:
    try:
        bitmap = page.render(scale=scale, rev_byteorder=True, draw_annots=True, may_draw_forms=False)
    except (pypdfium2.PdfiumError, ValueError):
        raise BadUserInput(DAMAGED) from None
    row, size = bitmap.width * bitmap.n_channels, (bitmap.width, bitmap.height)
    padded = pyvips.Image.new_from_memory(bytes(bitmap.buffer), bitmap.stride, bitmap.height, 1, "uchar")
    packed = padded.extract_area(0, 0, row, bitmap.height).write_to_memory()
    return from_pixels(packed, size, bitmap.n_channels).extract_band(0, n=3)
