"""Render: a drawing as SVG or PNG, by matplotlib."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reports.figures import markup
from reports.figures.drawing import Drawing
from reports.figures.setting import matplotlib_set

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")


def svg(drawing: Drawing, prefix: str) -> str:
    """``drawing`` as SVG to stand in an HTML page; the same bytes each time.

    Every id begins with ``prefix``. Point number n is the element ``prefix``--n, which
    has the class ``point`` and its label as a title. Text is text in the page's font,
    ink is ``currentColor``, the ground transparent, and the colours are CSS properties
    (`style.PROPERTIES`). How large it is, is the page's to say.

    Raises
    ------
    InputError
        if matplotlib is not installed.
    """
    return markup.embedded(_svg(drawing, "none", "none"), drawing, prefix)


def files(drawing: Drawing, formats: tuple[str, ...], dpi: int) -> dict[str, bytes]:
    """``drawing`` as one file of each of ``formats``, by name.

    Text of an SVG file is drawn as paths, so that it looks the same where the font is
    not installed, in a word processor or after conversion to PDF. PNG has ``dpi`` dots
    per inch. Raises `InputError` as `svg` does.
    """
    found = {}
    if "svg" in formats:
        text = markup.standalone(_svg(drawing, "path", "white"), drawing)
        found[f"{drawing.name}.svg"] = text.encode()
    if "png" in formats:
        found[f"{drawing.name}.png"] = _png(drawing, dpi)
    return found


def _svg(drawing: Drawing, fonttype: str, ground: str) -> str:
    with _figure(drawing, {"svg.fonttype": fonttype}, ground) as figure:
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def _png(drawing: Drawing, dpi: int) -> bytes:
    with _figure(drawing, {}, "white") as figure:
        written = io.BytesIO()
        figure.savefig(written, format="png", dpi=dpi, metadata={"Software": None})
    return written.getvalue()


@contextmanager
def _figure(
    drawing: Drawing, settings: dict[str, Any], ground: str
) -> Iterator["Figure"]:
    with matplotlib_set("figures need", settings):
        from reports.figures import canvas

        yield canvas.figure(drawing, ground)
