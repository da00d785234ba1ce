"""Reads what strangers uploaded apart from the server, within limits: ``python -m assets.decode`` (decoding.py).

It knows neither Django nor the database, and its environment holds no secret.
"""

PREVIEW_EDGE = 640
WIDTHS = (320, 640, 1280, 2560)
SIZES = {f"{width}.webp": width for width in WIDTHS}
PREVIEW = "preview.jpg"
LOGO_EDGE = 128
MAX_LOGO_PIXELS = 16_000_000
LOGO = "logo.png"

#: The files that each task may make, under fixed names: they are there, empty, when it begins.
MADE = {"probe": (), "derive": tuple(SIZES), "preview": (PREVIEW,), "logo": (LOGO,)}
#: Where what libraries print goes.
WORDS = "words"
MAX_MADE_SIZE = 32 * 1024 * 1024
MAX_ANSWER_SIZE = 64 * 1024
