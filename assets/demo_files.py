"""The demonstration's files in assets/demo/: pictures, a drawing, a document and a video, with words for each."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "demo"


@dataclass(frozen=True, slots=True)
class DemoFile:
    """A file, and the asset that is made of it."""

    file: str
    tags: tuple[str, ...]
    description: str
    variants: tuple["DemoFile", ...] = ()

    @property
    def path(self) -> Path:
        return FOLDER / self.file

    @property
    def file_name(self) -> str:
        """The name that the file is uploaded with."""
        return self.file.replace("-", " ").capitalize()


#: By library.
DEMO_FILES = {
    "barcelona": (
        DemoFile(
            "sailing-at-sunrise.jpg",
            ("sea", "boats", "morning"),
            "A small sailing boat on calm water. The sun rises over the horizon, and gulls fly past.",
            (
                DemoFile(
                    "sailing-at-sunrise-square.webp",
                    ("sea", "boats", "social media"),
                    "The sailing boat alone, cropped to a square for posts.",
                ),
            ),
        ),
        DemoFile(
            "boat-on-calm-water.mp4",
            ("sea", "boats", "loop"),
            "Three seconds of small waves around the sailing boat, which repeat without a cut.",
        ),
        DemoFile(
            "morning-in-the-mountains.jpg",
            ("mountains", "mist", "landscape", "morning"),
            "Ridges in blue morning mist, with firs in front.",
        ),
        DemoFile(
            "patterned-tiles.png",
            ("pattern", "architecture"),
            "Floor tiles with stars and circles in blue, ocher and red.",
        ),
        DemoFile(
            "brand-guide.pdf",
            ("brand", "document"),
            "Colors, type and pictures of Acme, on two pages.",
        ),
    ),
    "paris": (
        DemoFile(
            "city-by-the-river.jpg",
            ("city", "skyline", "river", "night"),
            "Towers and gables at dusk. Lamps along the quay are mirrored in the river.",
        ),
        DemoFile(
            "team-choosing-pictures.webp",
            ("people", "team", "office"),
            "Three colleagues at a table by the window choose between prints.",
        ),
        DemoFile(
            "ceramic-mug.jpg",
            ("product", "mug", "studio"),
            "A green speckled mug of coffee on a white plinth, with a few beans.",
        ),
        DemoFile(
            "city-bicycle.svg",
            ("drawing", "city"),
            "A red bicycle with flowers in its basket.",
        ),
    ),
}
