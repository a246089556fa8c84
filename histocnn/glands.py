"""Draws H&E-like colon glands, benign or malignant, at the geometry of GlaS.

Stain concentrations are painted, then turned into colours by Beer and Lambert's law.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 775, 522  # pixels of about 0.62 µm

# Absorption in red, green and blue. Haematoxylin and the first eosin: ImageJ's Colour
# Deconvolution, "H&E", after Ruifrok and Johnston 2001 (Anal Quant Cytol Histol
# 23:291); the second eosin: QuPath's default. A slide's eosin lies between the two.
HAEMATOXYLIN = np.array([0.644, 0.717, 0.267])
EOSINS = np.array([[0.093, 0.954, 0.283], [0.216, 0.801, 0.558]])

Array = NDArray[np.float64]
Rng = np.random.Generator
MIDDLE = np.array([WIDTH / 2, HEIGHT / 2])
THETA = np.linspace(0, 2 * np.pi, 97)  # closed: the last direction is the first
WAVES = np.arange(1, 8)  # around an outline


@dataclass(frozen=True)
class _Cell:
    """Ellipses of one kind: half-axes in pixels, grey levels of the two stains."""

    long: float
    short: float
    spread: float  # of sizes, directions and haematoxylin; 0 makes all alike
    eosin: int
    haematoxylin: int


@dataclass(frozen=True)
class _Style:
    """Architecture, benign unless told otherwise; lengths in pixels, pairs uniform."""

    spacing: tuple[float, float] = (135, 180)  # from gland to gland
    disorder: float = 0.06  # of the glands' places, in spacings
    radius: tuple[float, float] = (0.40, 0.47)  # of a gland, in spacings
    ruffle: float = 0.03  # of the outline, in radii
    bend: float = 4  # of the whole tissue
    wall: tuple[float, float] = (38, 47)  # height of the epithelium
    layers: int = 1  # of nuclei in the epithelium
    nucleus: _Cell = _Cell(7.5, 3.5, 0.13, 42, 114)
    goblets: tuple[float, float] = (0.2, 1.0)  # share of cells that hold mucin
    cribriform: float = 0.0  # share of glands with several lumina
    necrosis: float = 0.0  # share of lumina with debris
    cytoplasm: tuple[int, int] = (50, 26)  # grey levels of eosin, haematoxylin


STYLES = (
    _Style(),
    _Style(
        spacing=(125, 215),
        disorder=0.23,
        radius=(0.30, 0.75),
        ruffle=0.17,
        bend=12,
        wall=(29, 47),
        layers=3,
        nucleus=_Cell(8.5, 4.3, 0.26, 42, 97),
        goblets=(0.0, 0.1),
        cribriform=0.25,
        necrosis=0.5,
        cytoplasm=(51, 29),
    ),
)
GOBLET = _Cell(11, 4.9, 0.13, 11, 13)
LYMPHOCYTE = _Cell(4.2, 3.8, 0.13, 40, 135)
SPINDLE = _Cell(8, 2.1, 0.2, 45, 100)
LUMEN = _Cell(11, 8, 0.25, 5, 4)
DEBRIS = _Cell(2.6, 2.2, 0.5, 55, 45)


@dataclass(frozen=True)
class _Gland:
    """Epithelium about a lumen, in polar form.

    A depth of 0 is the basal side, 1 the border of the lumen, 2 the centre.
    """

    centre: Array  # (2,), before bending
    radius: Array  # (97,), of the basal side, over THETA
    lumen: Array  # (97,), radius of the lumen, over THETA
    cribriform: bool
    bend: Callable[[Array], Array]  # deforms the plane

    def at(self, theta: Array, depth: Array | float) -> Array:
        """Points (n, 2) of the picture, in pixels."""
        outer = np.interp(theta % (2 * np.pi), THETA, self.radius)
        inner = np.interp(theta % (2 * np.pi), THETA, self.lumen)
        wall, hole = outer - depth * (outer - inner), inner * (2 - depth)
        rho = np.where(np.less(depth, 1), wall, hole)
        return self.bend(self.centre + rho[:, None] * _unit(theta))

    def spaced(self, pitch: float) -> Array:
        """Angles (n,) that lie ``pitch`` pixels apart along the basal side."""
        steps = np.diff(self.at(THETA, 0.0), axis=0)
        length = np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))
        return np.interp(np.arange(0, length[-1] - pitch / 2, pitch), length, THETA[1:])


class _Canvas:
    """A picture whose red is eosin and whose green is haematoxylin, in grey levels."""

    def __init__(self, rng: Rng) -> None:
        self.rng, self.scale = rng, 1
        self.image = Image.new("RGB", (WIDTH, HEIGHT), (26, 10, 0))
        self.pen = ImageDraw.Draw(self.image)

    def refine(self) -> None:
        """Soften what was drawn so far and double the resolution of what follows."""
        soft, self.scale = self.image.filter(ImageFilter.BoxBlur(0.8)), 2
        self.image = soft.resize((2 * WIDTH, 2 * HEIGHT), Image.Resampling.NEAREST)
        self.pen = ImageDraw.Draw(self.image)

    def fill(self, outline: Array, eosin: int, haematoxylin: int) -> None:
        """Fill a polygon (n, 2)."""
        flat = (outline * self.scale).ravel().tolist()
        self.pen.polygon(flat, fill=(eosin, haematoxylin, 0))

    def cells(self, kind: _Cell, centres: Array, along: Array) -> None:
        """Draw cells about ``centres`` (n, 2), their long axes ``along`` (n, 2)."""
        seen = (np.abs(centres - MIDDLE) < MIDDLE + 12).all(axis=1)
        centres, along = centres[seen], along[seen]
        n = len(centres)
        size = np.exp(self.rng.normal(0, kind.spread, (3, n, 1)))
        turn = np.arctan2(along[:, 1:], along[:, :1])
        turn = turn + self.rng.normal(0, 1.5 * kind.spread, (n, 1))
        x = kind.long * size[0] * np.cos(THETA[:-1:8])
        y = kind.short * size[1] * np.sin(THETA[:-1:8])
        cosine, sine = np.cos(turn), np.sin(turn)
        turned = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=2)
        levels = (kind.haematoxylin * size[2, :, 0] ** 0.7).clip(0, 255).astype(int)
        outlines = ((turned + centres[:, None]) * self.scale).reshape(n, 24).tolist()
        for outline, level in zip(outlines, levels.tolist(), strict=True):
            self.pen.polygon(outline, fill=(kind.eosin, level, 0))

    def lining(self, kind: _Cell, gland: _Gland, theta: Array, depth: Array) -> None:
        """Draw cells of a gland, at right angles to the layers of its epithelium."""
        centres = gland.at(theta, depth)
        along = gland.at(theta + 0.03, depth) - centres
        self.cells(kind, centres, np.stack([-along[:, 1], along[:, 0]], axis=1))


def _unit(theta: Array) -> Array:
    return np.stack([np.cos(theta), np.sin(theta)], axis=-1)


def _axes(rng: Rng) -> Array:
    """Two perpendicular directions (2, 2)."""
    return _unit(rng.uniform(0, np.pi) + np.array([0, np.pi / 2]))


def _bend(rng: Rng, size: float) -> Callable[[Array], Array]:
    """A smooth deformation of the plane: an oblique cut, then three sine waves."""
    axes = _axes(rng)
    cut = axes.T @ np.diag([rng.uniform(1, 1.6), 1]) @ axes
    waves = _unit(rng.uniform(0, 7, 3)) * rng.uniform(0.02, 0.05, (3, 1))
    phases, shifts = rng.uniform(0, 7, 3), rng.normal(0, size, (3, 2))

    def bend(points: Array) -> Array:
        points = (points - MIDDLE) @ cut + MIDDLE
        return np.asarray(points + np.sin(points @ waves.T + phases) @ shifts)

    return bend


def _rounded(radius: Array) -> Array:
    """A closed curve of radii (97,) without its corners."""
    spectrum = np.fft.rfft(radius[:-1]) * np.exp(-((np.arange(49) / 9) ** 2))
    smooth = np.fft.irfft(spectrum)
    return np.append(smooth, smooth[0]).clip(2)


def _glands(rng: Rng, style: _Style) -> Iterator[_Gland]:
    """Glands in view, each on its own side of the borders with its neighbours."""
    bend, spacing = _bend(rng, style.bend), rng.uniform(*style.spacing)
    row, column = np.mgrid[-6:7, -6:7].reshape(2, -1)
    lattice = np.stack([column + 0.5 * (row % 2), 0.87 * row], axis=1)
    lattice = lattice + rng.normal(0, style.disorder, lattice.shape)
    centres = spacing * lattice @ _axes(rng) + MIDDLE
    sizes = rng.uniform(*style.radius, len(centres)) * spacing
    for i in np.flatnonzero(
        (np.abs(bend(centres) - MIDDLE) < MIDDLE + 110).all(axis=1)
    ):
        away = np.delete(centres - centres[i], i, axis=0)
        apart = np.linalg.norm(away, axis=1)
        border = np.maximum(apart * sizes[i] / (sizes[i] + np.delete(sizes, i)) - 3, 9)
        border = border / np.maximum(_unit(THETA) @ (away.T / apart), 1e-3)
        ripple = np.cos(THETA[:, None] * WAVES + rng.uniform(0, 7, 7))
        swing = np.exp(ripple @ (rng.normal(0, style.ruffle, (2, 7)) / WAVES**0.7).T)
        free = sizes[i] * swing[:, 0]
        radius = _rounded((free**-8 + (border**-8).sum(axis=1)) ** (-1 / 8))
        cribriform = bool(radius.mean() > 45) and rng.random() < style.cribriform
        wall = rng.uniform(*style.wall) * swing[:, 1] * (3 if cribriform else 1)
        lumen = _rounded(np.maximum(radius - wall, 0.12 * radius))
        if radius.mean() > 26:
            yield _Gland(centres[i], radius, lumen, cribriform, bend)


def _stroma(canvas: _Canvas, glands: list[_Gland]) -> None:
    """Draw fibres that run around the glands, with spindle and round nuclei."""
    rng, n = canvas.rng, 1500
    fibres = np.empty((7, n, 2))
    fibres[0] = rng.uniform(-30, (WIDTH + 30, HEIGHT + 30), (n, 2))
    middles = np.array([gland.bend(gland.centre) for gland in glands])
    apart = np.linalg.norm(fibres[0][:, None] - middles, axis=2)
    nearest = middles[apart.argmin(axis=1)]
    turn = np.pi / 2 + rng.normal(0, 0.4, n)
    for i in range(6):
        away = fibres[i] - nearest
        fibres[i + 1] = fibres[i] + 8 * _unit(np.arctan2(away[:, 1], away[:, 0]) + turn)
    for i, level in enumerate(rng.normal(42, 11, n).clip(4, 90).astype(int).tolist()):
        path = fibres[:, i].ravel().tolist()
        canvas.pen.line(path, (level, 8 + level // 6, 0), 2 + i % 4)
    canvas.refine()
    canvas.cells(SPINDLE, fibres[3, :300], fibres[4, :300] - fibres[2, :300])
    n = int(rng.uniform(250, 900))
    crowds = rng.uniform(0, (WIDTH, HEIGHT), (n // 12, 2))
    places = rng.choice(crowds, n) + rng.normal(0, 26, (n, 2))
    canvas.cells(LYMPHOCYTE, places, _unit(rng.uniform(0, 7, n)))


def _epithelium(canvas: _Canvas, style: _Style, gland: _Gland) -> None:
    """Draw one gland over what lies beneath: wall, mucin, nuclei, lumina."""
    rng = canvas.rng
    canvas.fill(gland.at(THETA, -0.08), 56, 18)
    canvas.fill(gland.at(THETA, 0.0), *style.cytoplasm)
    theta = gland.spaced(12)
    theta = theta[rng.random(len(theta)) < rng.uniform(*style.goblets)]
    canvas.lining(GOBLET, gland, theta, rng.uniform(0.52, 0.74, len(theta)))
    first = 1.15 * style.nucleus.long / (gland.radius - gland.lumen).max()
    for layer in range(style.layers + gland.cribriform):
        theta = gland.spaced(2.25 * style.nucleus.short)
        theta = theta + rng.normal(0, 0.02, len(theta))
        depth = first + 0.2 * layer + rng.normal(0, 0.03 * style.layers, len(theta))
        canvas.lining(style.nucleus, gland, theta, np.maximum(depth, 0.9 * first))
    if gland.cribriform:
        theta = np.arange(0, 6, 55 / gland.radius.mean())
        theta = theta + rng.normal(0, 0.12, len(theta))
        canvas.lining(LUMEN, gland, theta, rng.uniform(0.35, 0.8, len(theta)))
        return
    canvas.fill(gland.at(THETA, 0.96), 52, 24)
    canvas.fill(gland.at(THETA, 1.03), 5, 4)
    if rng.random() < style.necrosis:
        canvas.fill(gland.at(THETA, 1.3), 34, 12)
        theta = rng.uniform(0, 7, int(gland.lumen.mean() ** 2 / 9))
        canvas.lining(DEBRIS, gland, theta, 1 + rng.uniform(0, 1, len(theta)) ** 0.5)


def _grain(rng: Rng, cell: int) -> NDArray[np.float32]:
    """Noise (HEIGHT, WIDTH) of about unit spread that varies over ``cell`` pixels."""
    small = rng.standard_normal((HEIGHT // cell, WIDTH // cell), np.float32)
    wide = Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(wide)


def _develop(canvas: _Canvas) -> Image.Image:
    """Apply Beer and Lambert's law, with the stains, light and sensor of one slide."""
    rng = canvas.rng
    drawn = canvas.image.reduce(2).filter(ImageFilter.BoxBlur(0.5))
    thickness = 0.01 * np.exp(rng.normal(0, 0.25))  # optical density of a grey level
    strength = (thickness * np.exp(rng.normal(0, 0.13, 2))).astype(np.float32)
    fine = 0.07 * _grain(rng, 2) + 0.07 * _grain(rng, 3)
    eosin = strength[0] * np.asarray(drawn.getchannel(0), np.float32)
    eosin *= 1 + fine + 0.1 * _grain(rng, 13)
    haematoxylin = strength[1] * np.asarray(drawn.getchannel(1), np.float32)
    haematoxylin *= 1 + 1.2 * fine
    mix = rng.uniform(0, 0.7)
    absorbed = (1 - mix) * EOSINS[0] + mix * EOSINS[1]
    tilt = rng.normal(0, 6, 2).astype(np.float32)
    light = 243 + tilt[0] * np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
    light = light + tilt[1] * np.linspace(-1, 1, WIDTH, dtype=np.float32)
    picture = rng.integers(-4, 5, (HEIGHT, WIDTH, 3), np.int8).astype(np.float32)
    for channel, (h, e) in enumerate(zip(HAEMATOXYLIN, absorbed, strict=True)):
        density = np.float32(h) * haematoxylin + np.float32(e) * eosin
        picture[..., channel] += light * np.exp(-density)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def render(seed: int, index: int) -> Image.Image:
    """Draw one picture, RGB: benign where ``index`` is even, malignant where odd."""
    rng = np.random.default_rng([seed, index])
    style = STYLES[index % 2]
    glands, canvas = list(_glands(rng, style)), _Canvas(rng)
    _stroma(canvas, glands)
    for gland in glands:
        _epithelium(canvas, style, gland)
    return _develop(canvas)
