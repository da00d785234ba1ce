"""Pictures for a demonstration, painted in code: skies, hills, a sea, roofs and tiles.

Each is an SVG scene, rasterised and grained like a photograph. The same code paints the same bytes every time.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyvips

WIDTH, HEIGHT = 1600, 1067
GRAIN = 5.0
QUALITY = 88

Stops = tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class DemoImage:
    """A picture, the library that it suits, and words for it. ``paint`` returns the scene as SVG."""

    file_name: str
    library: str
    tags: tuple[str, ...]
    description: str
    paint: Callable[[random.Random], str]


def make_demo_images(folder: Path) -> list[Path]:
    """Paint every picture of ``DEMO_IMAGES`` into the folder and return the files, in that order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed, demo in enumerate(DEMO_IMAGES, start=1):
        path = folder / demo.file_name
        scene = demo.paint(random.Random(seed))  # noqa: S311 - paint, no secret
        if path.suffix == ".svg":
            path.write_text(scene)
        else:
            _save(scene, path, seed)
        paths.append(path)
    return paths


def _save(scene: str, path: Path, seed: int) -> None:
    painted = pyvips.Image.svgload_buffer(scene.encode()).flatten()
    match path.suffix:
        case ".gif":
            painted.gifsave(str(path))
        case ".png":
            painted.pngsave(str(path), compression=6, palette=True, Q=90)
        case suffix:
            grain = pyvips.Image.gaussnoise(painted.width, painted.height, sigma=GRAIN, mean=0, seed=seed)
            grained = (painted + grain).cast("uchar").copy(interpretation="srgb")
            if suffix == ".webp":
                grained.webpsave(str(path), Q=QUALITY)
            else:
                grained.jpegsave(str(path), Q=QUALITY, interlace=True)


# --- Paint -------------------------------------------------------------------------------------------------------


def _scene(*parts: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        '<filter id="soft"><feGaussianBlur stdDeviation="18"/></filter>'
        '<filter id="mist"><feGaussianBlur stdDeviation="5"/></filter>'
        f"{''.join(parts)}</svg>"
    )


def _gradient(name: str, stops: Stops, *, down: bool = True) -> str:
    colors = "".join(f'<stop offset="{offset}" stop-color="{color}"/>' for offset, color in stops)
    end = 'x2="0" y2="1"' if down else 'x2="1" y2="0.4"'
    return f'<linearGradient id="{name}" x1="0" y1="0" {end}>{colors}</linearGradient>'


def _sky(stops: Stops, *, height: float = HEIGHT) -> str:
    return _gradient("sky", stops) + f'<rect width="{WIDTH}" height="{height}" fill="url(#sky)"/>'


def _sun(x: float, y: float, radius: float, color: str, glow: float = 6) -> str:
    return (
        f'<radialGradient id="glow"><stop offset="0" stop-color="{color}" stop-opacity="0.85"/>'
        f'<stop offset="0.25" stop-color="{color}" stop-opacity="0.35"/>'
        f'<stop offset="1" stop-color="{color}" stop-opacity="0"/></radialGradient>'
        f'<circle cx="{x}" cy="{y}" r="{radius * glow}" fill="url(#glow)"/>'
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{color}"/>'
    )


def _clouds(chance: random.Random, color: str, top: float, bottom: float, count: int = 14) -> str:
    streaks = (
        f'<ellipse cx="{chance.uniform(0, WIDTH):.0f}" cy="{chance.uniform(top, bottom):.0f}" '
        f'rx="{chance.uniform(120, 420):.0f}" ry="{chance.uniform(6, 22):.0f}"/>'
        for _ in range(count)
    )
    return f'<g fill="{color}" opacity="0.55" filter="url(#soft)">{"".join(streaks)}</g>'


def _ridge(
    chance: random.Random, base: float, rise: float, color: str, *, waves: float = 3, rough: float = 0.25
) -> str:
    """Paint a line of hills: a few slow waves with small ones on them, filled down to the lower edge."""
    phases = [chance.uniform(0, math.tau) for _ in range(5)]

    def height(x: float) -> float:
        along = x / WIDTH * math.tau * waves / 2
        slow = math.sin(along + phases[0]) + 0.5 * math.sin(along * 2.1 + phases[1])
        small = sum(math.sin(along * factor + phases[2]) / factor * 4 for factor in (5.3, 11.7, 23.1, 47.9))
        return base - rise * (slow / 1.5 + rough * small)

    points = " ".join(f"{x},{height(x):.1f}" for x in range(0, WIDTH + 8, 8))
    return f'<polygon fill="{color}" points="0,{HEIGHT} {points} {WIDTH},{HEIGHT}"/>'


def _water(chance: random.Random, top: float, stops: Stops, glint: str, sun_x: float) -> str:
    """Paint a sea with a path of light below the sun, its waves wider the nearer they are."""
    water = _gradient("water", stops) + f'<rect y="{top}" width="{WIDTH}" height="{HEIGHT - top}" fill="url(#water)"/>'
    glints = []
    for _ in range(420):
        depth = chance.random() ** 1.6
        y = top + 3 + depth * (HEIGHT - top)
        x = chance.gauss(sun_x, 30 + depth * 190)
        width = 8 + depth * 90 * chance.random()
        glints.append(f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="{width:.0f}" ry="{0.8 + depth * 3.5:.1f}"/>')
    return f'{water}<g fill="{glint}" opacity="0.42">{"".join(glints)}</g>'


def _windows(chance: random.Random, x: float, y: float, width: float, height: float, lit: float) -> str:
    panes = (
        f'<rect x="{column}" y="{row}" width="7" height="11" opacity="{chance.uniform(0.35, 1):.2f}"/>'
        for row in range(int(y) + 16, int(y + height), 26)
        for column in range(int(x) + 10, int(x + width) - 12, 18)
        if chance.random() < lit
    )
    return "".join(panes)


def _skyline(chance: random.Random, base: float, low: float, high: float, color: str, light: str, lit: float) -> str:
    houses, panes = [], []
    x = -20.0
    while x < WIDTH:
        width, height = chance.uniform(50, 130), chance.uniform(low, high)
        houses.append(f'<rect x="{x:.0f}" y="{base - height:.0f}" width="{width + 2:.0f}" height="{HEIGHT}"/>')
        panes.append(_windows(chance, x, base - height, width, height, lit))
        x += width
    return f'<g fill="{color}">{"".join(houses)}</g><g fill="{light}">{"".join(panes)}</g>'


# --- Barcelona ---------------------------------------------------------------------------------------------------


def _sagrada_at_dusk(chance: random.Random) -> str:
    def spire(x: float, width: float, top: float) -> str:
        base, shoulder = HEIGHT - 140, top + 190
        return (
            f'<path d="M{x - width},{base} '
            f"C{x - width},{shoulder + 60} {x - width * 0.45},{shoulder} {x - 5},{top + 26} "
            f'L{x + 5},{top + 26} C{x + width * 0.45},{shoulder} {x + width},{shoulder + 60} {x + width},{base} Z"/>'
            f'<circle cx="{x}" cy="{top + 16}" r="11"/><rect x="{x - 2}" y="{top - 18}" width="4" height="40"/>'
            f'<rect x="{x - 11}" y="{top - 8}" width="22" height="4"/>'
        )

    spires = (
        (560, 52, 430),
        (655, 56, 330),
        (800, 78, 170),
        (945, 56, 330),
        (1040, 52, 430),
        (728, 44, 420),
        (872, 44, 420),
    )
    return _scene(
        _sky(((0, "#1d2350"), (0.35, "#67407f"), (0.62, "#e0647a"), (0.8, "#ffb26b"), (1, "#ffe2a6"))),
        _sun(1080, 800, 62, "#fff0c4"),
        _clouds(chance, "#ff9f8f", 260, 720),
        f'<g fill="#46305f" opacity="0.75">{_ridge(chance, 860, 46, "#5b3a6c", waves=2)}</g>',
        f'<g fill="#241a3c">{"".join(spire(*values) for values in spires)}</g>',
        '<rect x="520" y="760" width="560" height="200" fill="#241a3c"/>',
        _skyline(chance, 985, 40, 130, "#191430", "#ffcf7a", 0.13),
    )


def _harbour_morning(chance: random.Random) -> str:
    boats = []
    for _ in range(9):
        x, y, size = chance.uniform(80, 1520), chance.uniform(585, 720), chance.uniform(0.55, 1.25)
        boats.append(
            f'<g transform="translate({x:.0f} {y:.0f}) scale({size:.2f})">'
            '<path d="M-46,0 H46 L34,16 H-34 Z" fill="#24455f"/>'
            '<path d="M3,-6 V-128 C36,-92 46,-48 48,-6 Z" fill="#fffaf0"/>'
            '<path d="M-3,-6 V-112 C-22,-70 -34,-34 -38,-6 Z" fill="#f4d9bd"/></g>'
        )
    return _scene(
        _sky(((0, "#8ec5e8"), (0.55, "#f6dfcb"), (1, "#ffd0a6")), height=560),
        _sun(430, 420, 46, "#fff6df"),
        _clouds(chance, "#ffffff", 80, 380),
        _ridge(chance, 540, 26, "#93a9c4", waves=2),
        _water(chance, 556, ((0, "#f6d2b3"), (0.2, "#8fbcd0"), (1, "#1f5f83")), "#fff3da", 430),
        *boats,
    )


def _montserrat_ridges(chance: random.Random) -> str:
    colors = ("#c7d3e3", "#a4b8d1", "#7f99ba", "#5b7aa0", "#3e5d82", "#274261", "#152a42")
    ridges = (
        _ridge(chance, 470 + 85 * step, 62, color, waves=3 + step * 0.6, rough=0.42)
        for step, color in enumerate(colors)
    )
    return _scene(
        _sky(((0, "#f2b8a0"), (0.4, "#f8e3d0"), (1, "#e8eef5"))), _sun(1150, 300, 54, "#fff8e6", glow=8), *ridges
    )


def _city_lights(chance: random.Random) -> str:
    stars = "".join(
        f'<circle cx="{chance.uniform(0, WIDTH):.0f}" cy="{chance.uniform(0, 560):.0f}" '
        f'r="{chance.uniform(0.6, 2):.1f}"/>'
        for _ in range(170)
    )
    return _scene(
        _sky(((0, "#070b24"), (0.55, "#1c2a5e"), (0.85, "#5d4a86"), (1, "#c06d8e"))),
        f'<g fill="#ffffff" opacity="0.7">{stars}</g>',
        _sun(1260, 210, 58, "#f7f3df", glow=5),
        _skyline(chance, 900, 170, 420, "#20295a", "#ffdd9b", 0.22),
        _skyline(chance, 980, 110, 320, "#131a40", "#ffc266", 0.35),
        _skyline(chance, 1060, 60, 210, "#090d24", "#fff0c9", 0.3),
    )


def _beach_from_above(chance: random.Random) -> str:
    def shore(offset: float, color: str, opacity: float) -> str:
        phase = chance.uniform(0, 6)
        points = " ".join(
            f"{x},{offset + x * 0.28 + 26 * math.sin(x / 190 + phase) + 9 * math.sin(x / 61 + phase):.1f}"
            for x in range(-120, WIDTH + 140, 20)
        )
        edge = f"-120,-120 {points} {WIDTH + 140},-120"
        return f'<polygon fill="{color}" opacity="{opacity}" points="{edge}"/>'

    foam = shore(505, "#c99f69", 0.6) + shore(470, "#ffffff", 0.95) + shore(440, "#8fe3dc", 0.9)
    sea = shore(380, "#46c8cc", 0.85) + shore(230, "#1fa3bd", 0.85) + shore(40, "#0f7fa6", 0.9)
    parasols = []
    for color in ("#ef5350", "#ffd54f", "#ffffff", "#29b6f6", "#ff8a65", "#ec407a", "#fff59d"):
        x = chance.uniform(60, 1180)
        y = 700 + x * 0.22 + chance.uniform(-50, 90)
        parasols.append(
            f'<circle cx="{x + 12:.0f}" cy="{y + 16:.0f}" r="33" fill="#8a6a45" opacity="0.45" filter="url(#mist)"/>'
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="33" fill="{color}"/>'
            f'<path d="M{x:.0f},{y - 33:.0f} v66 m-33,-33 h66" '
            'stroke="#00000022" stroke-width="5"/>'
        )
    return _scene(
        _gradient("sand", ((0, "#f8e3bd"), (1, "#e3bd85"))),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#sand)"/>',
        # Painted sharp below, since a blur fades at the picture's edges.
        f'{foam}<g filter="url(#mist)">{foam}{shore(395, "#ffffff", 0.35)}</g>',
        f'{sea}<g filter="url(#soft)">{sea}</g>',
        *parasols,
    )


def _broken_tiles(chance: random.Random) -> str:
    palette = (
        "#e4572e",
        "#f3a712",
        "#29335c",
        "#2a9d8f",
        "#76c7c0",
        "#a8c686",
        "#f6f1de",
        "#d9467a",
        "#457b9d",
        "#ffd166",
    )
    step = 76
    corners = {
        (column, row): (column * step + chance.uniform(-27, 27), row * step + chance.uniform(-27, 27))
        for column in range(-1, WIDTH // step + 3)
        for row in range(-1, HEIGHT // step + 3)
    }
    shards = []
    for column, row in sorted(corners):
        square = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
        if any(corner not in corners for corner in square):
            continue
        circle = math.hypot(corners[column, row][0] - 800, corners[column, row][1] - 530)
        color = palette[int(circle / 105 + chance.uniform(-0.9, 0.9)) % len(palette)]
        points = " ".join(f"{corners[corner][0]:.1f},{corners[corner][1]:.1f}" for corner in square)
        shards.append(f'<polygon points="{points}" fill="{color}"/>')
    return _scene(f'<g stroke="#ece4d4" stroke-width="8" stroke-linejoin="round">{"".join(shards)}</g>')


def _sun_mark(chance: random.Random) -> str:
    rays = "".join(
        f'<rect x="394" y="70" width="12" height="{chance.choice((90, 120, 150))}" rx="6" '
        f'transform="rotate({angle} 400 400)"/>'
        for angle in range(0, 360, 15)
    )
    return _scene(
        '<rect width="800" height="800" rx="120" fill="#fff4e0"/>',
        f'<g fill="#f08a4b">{rays}</g><circle cx="400" cy="400" r="150" fill="#e4572e"/>',
        '<path d="M250,400 a150,150 0 0 0 300,0 q-75,46 -150,0 t-150,0" fill="#29335c"/>',
        width=800,
        height=800,
    )


# --- Paris -------------------------------------------------------------------------------------------------------


def _rooftops_at_noon(chance: random.Random) -> str:
    roofs = []
    for base, slate, wall in ((640, "#a9b8c6", "#efe6d8"), (790, "#8296a8", "#e6d8c3"), (960, "#5f7488", "#d9c5a8")):
        x = -60.0
        while x < WIDTH:
            width, height = chance.uniform(170, 300), chance.uniform(0, 70)
            top = base - height
            chimneys = "".join(
                f'<rect x="{x + width * share:.0f}" y="{top - 104:.0f}" width="18" height="64" fill="#c8744f"/>'
                for share in (0.2, 0.27, 0.74)
            )
            dormers = "".join(
                f'<path d="M{x + width * share:.0f},{top - 6:.0f} v-42 q17,-22 34,0 v42 z" fill="{wall}"/>'
                f'<rect x="{x + width * share + 8:.0f}" y="{top - 42:.0f}" width="18" height="32" fill="#3d4f60"/>'
                for share in (0.25, 0.6)
            )
            panes = "".join(
                f'<rect x="{column}" y="{row}" width="20" height="44" fill="#4d5f70"/>'
                for row in range(int(top) + 26, int(top) + 170, 74)
                for column in range(int(x) + 22, int(x + width) - 30, 50)
            )
            roofs.append(
                f'{chimneys}<path d="M{x:.0f},{top:.0f} l22,-72 h{width - 44:.0f} l22,72 z" fill="{slate}"/>{dormers}'
                f'<rect x="{x:.0f}" y="{top:.0f}" width="{width:.0f}" height="{HEIGHT}" fill="{wall}"/>{panes}'
            )
            x += width
    return _scene(
        _sky(((0, "#5fa8df"), (0.5, "#b9dcf2"), (1, "#f7f3e6"))),
        _clouds(chance, "#ffffff", 70, 420, 22),
        _ridge(chance, 560, 22, "#b7c4d1", waves=2),
        *roofs,
    )


def _tower_in_autumn(chance: random.Random) -> str:
    lattice = "".join(
        f'<path d="M{800 - spread:.0f},{y} L{800 + spread * 0.82:.0f},{y - 46} M{800 + spread:.0f},{y} '
        f'L{800 - spread * 0.82:.0f},{y - 46}"/>'
        for y in range(300, 860, 46)
        for spread in (10 + 150 * ((y - 200) / 660) ** 2.2,)
    )
    reds = ("#c8551b", "#e07a1f", "#a63d12", "#f0a83a", "#7d3312")
    leaves = "".join(
        f'<circle cx="{chance.uniform(-30, WIDTH + 30):.0f}" cy="{chance.gauss(965, 48):.0f}" '
        f'r="{chance.uniform(16, 54):.0f}" fill="{chance.choice(reds)}" '
        f'opacity="{chance.uniform(0.55, 0.95):.2f}"/>'
        for _ in range(330)
    )
    return _scene(
        _sky(((0, "#f3c892"), (0.5, "#fbe7c6"), (1, "#fff6e5"))),
        _sun(420, 330, 58, "#fffaf0", glow=8),
        _clouds(chance, "#ffffff", 120, 480),
        _ridge(chance, 850, 24, "#d8b58a", waves=2),
        '<path d="M792,70 h16 C812,420 850,700 985,925 H880 Q800,760 720,925 H615 C750,700 788,420 792,70 Z" '
        'fill="#6b4a35" opacity="0.5"/>',
        f'<g stroke="#50341f" stroke-width="7" fill="none">{lattice}<path d="M792,70 C788,420 750,700 615,925 '
        'M808,70 C812,420 850,700 985,925 M720,925 Q800,760 880,925"/></g>',
        '<g fill="#50341f"><rect x="742" y="556" width="116" height="16"/>'
        '<rect x="690" y="734" width="220" height="22"/>'
        '<rect x="797" y="30" width="6" height="60"/></g>',
        leaves,
    )


def _river_at_night(chance: random.Random) -> str:
    lamps, reflections = [], []
    for x in range(60, WIDTH, 148):
        lamps.append(f'<circle cx="{x}" cy="560" r="34" fill="#ffd27a" opacity="0.5" filter="url(#soft)"/>')
        lamps.append(f'<circle cx="{x}" cy="560" r="8" fill="#fff1c9"/>')
        lamps.append(f'<rect x="{x - 2}" y="566" width="4" height="54" fill="#0d1026"/>')
        for _ in range(26):
            y = chance.uniform(742, HEIGHT)
            width = 6 + (y - 720) * 0.09 * chance.random()
            reflections.append(f'<ellipse cx="{chance.gauss(x, 9):.0f}" cy="{y:.0f}" rx="{width:.0f}" ry="3"/>')
    arches = "".join(f'<path d="M{x},745 a122,92 0 0 1 244,0 z" fill="#182050"/>' for x in range(28, WIDTH, 310))
    return _scene(
        _sky(((0, "#080c2a"), (0.6, "#25306e"), (1, "#6f5a96")), height=745),
        _skyline(chance, 625, 60, 170, "#111737", "#ffd98f", 0.3),
        '<rect y="615" width="1600" height="130" fill="#2b2f55"/>'
        '<rect y="606" width="1600" height="14" fill="#3c4170"/>',
        arches,
        _gradient("water", ((0, "#1b2456"), (1, "#070a20"))),
        '<rect y="743" width="1600" height="330" fill="url(#water)"/>',
        f'<g fill="#ffcf7d" opacity="0.6">{"".join(reflections)}</g>',
        *lamps,
    )


def _lavender_rows(chance: random.Random) -> str:
    rows = []
    for row in range(-16, 17):
        left, right = 800 + row * 150 - 58, 800 + row * 150 + 58
        shade = chance.choice(("#7b4fa6", "#8a5bb8", "#6d4596"))
        far = 800 + row * 11
        points = f"{far - 3},560 {far + 3},560 {right},{HEIGHT} {left},{HEIGHT}"
        rows.append(f'<polygon points="{points}" fill="{shade}"/>')
    blossoms = []
    for _ in range(2600):
        depth = chance.random() ** 1.4
        row = chance.randint(-16, 16)
        x = 800 + row * (11 + 139 * depth) + chance.gauss(0, 3 + 26 * depth)
        color = chance.choice(("#b58be0", "#9a6bd0", "#d3b2f0", "#6f46a0"))
        blossoms.append(f'<circle cx="{x:.0f}" cy="{562 + 505 * depth:.0f}" r="{0.8 + 6 * depth:.1f}" fill="{color}"/>')
    return _scene(
        _sky(((0, "#6fa9e0"), (0.4, "#f5d3bf"), (0.6, "#ffc58f"))),
        _sun(800, 470, 58, "#fff4d6", glow=7),
        _clouds(chance, "#ffe3d2", 80, 400),
        _ridge(chance, 530, 30, "#8c7fae", waves=3),
        '<rect y="558" width="1600" height="520" fill="#5d7a45"/>',
        *rows,
        *blossoms,
    )


def _cafe_pattern(chance: random.Random) -> str:
    size, tiles = 100, []
    for x in range(0, 800, size):
        for y in range(0, 600, size):
            back, front = (("#f4ead7", "#1f4e5f"), ("#1f4e5f", "#f4ead7"))[(x // size + y // size) % 2]
            turn = chance.choice((0, 90))
            tiles.append(
                f'<g transform="translate({x} {y}) rotate({turn} 50 50)"><rect width="100" height="100" fill="{back}"/>'
                f'<path d="M0,0 h50 a50,50 0 0 1 -50,50 z M100,100 h-50 a50,50 0 0 1 50,-50 z" fill="{front}"/>'
                '<circle cx="50" cy="50" r="12" fill="#e07a3f"/></g>'
            )
    return _scene(*tiles, width=800, height=600)


DEMO_IMAGES = (
    DemoImage(
        "Sagrada at dusk.jpg",
        "barcelona",
        ("dusk", "skyline", "architecture"),
        "Spires against an evening sky, with the first windows lit below.",
        _sagrada_at_dusk,
    ),
    DemoImage(
        "Harbour morning.jpg",
        "barcelona",
        ("sea", "boats", "morning"),
        "Sailing boats on calm water as the sun comes through the haze.",
        _harbour_morning,
    ),
    DemoImage(
        "Montserrat ridges.jpg",
        "barcelona",
        ("mountains", "mist", "landscape"),
        "Seven ridges, each a shade bluer, under a pale sun.",
        _montserrat_ridges,
    ),
    DemoImage(
        "City lights.jpg",
        "barcelona",
        ("night", "skyline"),
        "Windows of the city under a full moon.",
        _city_lights,
    ),
    DemoImage(
        "Beach from above.webp",
        "barcelona",
        ("sea", "beach", "summer"),
        "Parasols between pale sand and turquoise water.",
        _beach_from_above,
    ),
    DemoImage(
        "Broken tiles.png",
        "barcelona",
        ("pattern", "architecture"),
        "A wall of broken tiles set in rings of colour.",
        _broken_tiles,
    ),
    DemoImage(
        "Sun mark.svg",
        "barcelona",
        ("logo",),
        "The sun over the sea, as a mark for letters and labels.",
        _sun_mark,
    ),
    DemoImage(
        "Rooftops at noon.jpg",
        "paris",
        ("skyline", "architecture"),
        "Slate roofs, dormers and chimneys under summer clouds.",
        _rooftops_at_noon,
    ),
    DemoImage(
        "Tower in autumn.jpg",
        "paris",
        ("autumn", "architecture"),
        "The tower in a haze of gold, above the turning leaves.",
        _tower_in_autumn,
    ),
    DemoImage(
        "River at night.webp",
        "paris",
        ("night", "river"),
        "Street lamps on a bridge, drawn out in the water.",
        _river_at_night,
    ),
    DemoImage(
        "Lavender rows.jpg",
        "paris",
        ("landscape", "summer"),
        "Rows of lavender that meet below a low sun.",
        _lavender_rows,
    ),
    DemoImage(
        "Café pattern.gif",
        "paris",
        ("pattern",),
        "Floor tiles in two colours, turned at random.",
        _cafe_pattern,
    ),
)
