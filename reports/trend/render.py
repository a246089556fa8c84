"""Render: small multiples as the bytes of an SVG or PNG file."""

import io
import logging
import warnings

from reports.errors import InputError, printable
from reports.figures import style
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
    # A cache folder that cannot be written is no concern of who reads the figure.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import matplotlib.style
    except ImportError:
        raise InputError(
            "--figure needs matplotlib, which is not installed here; take the saved "
            "files to a checkout with `make env ENGINE=bench`"
        ) from None
    except (OSError, ValueError) as error:  # no folder to write to; a bad matplotlibrc
        raise InputError(
            f"matplotlib does not start: {printable(str(error))}"
        ) from None
    from reports.trend import canvas

    settings = {**style.SETTINGS, "svg.fonttype": "path", "svg.hashsalt": "trend"}
    written = io.BytesIO()
    # what the user has set for figures of their own is not meant for these
    with warnings.catch_warnings(), matplotlib.style.context(["default", settings]):
        warnings.simplefilter("ignore")  # letters that the font has not
        figure = canvas.figure(picture)
        if form == "svg":
            figure.savefig(written, format=form, metadata={"Date": None})
        else:
            figure.savefig(written, format=form, dpi=_DPI, metadata={"Software": None})
    return written.getvalue()
