"""Render: a drawing as SVG or PNG, by matplotlib."""

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reports.errors import InputError, printable
from reports.figures import markup, style
from reports.figures.drawing import Drawing

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
    """The figure under matplotlib's own defaults and ours, whatever the user's are."""
    # A cache folder that cannot be written is no concern of who reads the figures.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import matplotlib
    except ImportError:
        raise InputError(
            "figures need matplotlib, which is not installed here; take the saved "
            "files to a checkout with `make env ENGINE=bench`"
        ) from None
    except (OSError, ValueError) as error:  # no folder to write to; a bad matplotlibrc
        raise InputError(
            f"matplotlib does not start: {printable(str(error))}"
        ) from None
    from reports.figures import canvas

    all_settings: dict[Any, Any] = {
        **_changed(matplotlib.rcParams, matplotlib.rcParamsDefault),
        **style.SETTINGS,
        **settings,
    }
    with warnings.catch_warnings(), matplotlib.rc_context(all_settings):
        warnings.simplefilter("ignore")  # letters that the font has not
        yield canvas.figure(drawing, ground)


def _changed(
    current: Mapping[Any, object], defaults: Mapping[Any, object]
) -> dict[Any, object]:
    """The defaults of all settings that the user has others of."""
    # to ask for the backend is to choose one, for which it looks for a display
    names = [name for name in defaults if name != "backend"]
    return {name: defaults[name] for name in names if current[name] != defaults[name]}
