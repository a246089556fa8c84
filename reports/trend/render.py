"""Render: small multiples as the bytes of an SVG or PNG file."""

import io

from reports.figures.setting import matplotlib_set
from reports.trend.panels import Picture

FORMATS = ("svg", "png")
_DPI = 300


def render(picture: Picture, form: str) -> bytes:
    """``picture`` as a file in one of `FORMATS`; the same bytes each time.

    Text is drawn as paths in SVG, so that it looks the same where the font is missing.

    Raises
    ------
    InputError
        if matplotlib is not installed, or does not start.
    """
    written = io.BytesIO()
    settings = {"svg.fonttype": "path", "svg.hashsalt": "trend"}
    with matplotlib_set("--figure needs", settings):
        from reports.trend import canvas

        figure = canvas.figure(picture)
        if form == "svg":
            figure.savefig(written, format=form, metadata={"Date": None})
        else:
            figure.savefig(written, format=form, dpi=_DPI, metadata={"Software": None})
    return written.getvalue()
