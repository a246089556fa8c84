"""Setting: matplotlib as these figures have it, whatever its user has set."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reports.errors import InputError, printable
from reports.figures import style


@contextmanager
def matplotlib_set(asker: str, settings: Mapping[str, Any]) -> Iterator[None]:
    """Matplotlib's own defaults, ours, and ``settings`` above both.

    ``asker`` begins the sentence of who has no matplotlib (``figures need``).

    Raises
    ------
    InputError
        if matplotlib is not installed, or does not start.
    """
    # A cache folder that cannot be written is no concern of who reads the figures.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import matplotlib
    except ImportError:
        raise InputError(
            f"{asker} matplotlib, which is not installed here; take the saved "
            "files to a checkout with `make env ENGINE=bench`"
        ) from None
    except (OSError, ValueError) as error:  # no folder to write to; a bad matplotlibrc
        raise InputError(
            f"matplotlib does not start: {printable(str(error))}"
        ) from None
    all_settings: dict[Any, Any] = {
        **_changed(matplotlib.rcParams, matplotlib.rcParamsDefault),
        **style.SETTINGS,
        **settings,
    }
    with warnings.catch_warnings(), matplotlib.rc_context(all_settings):
        warnings.simplefilter("ignore")  # letters that the font has not
        yield


def _changed(
    current: Mapping[Any, object], defaults: Mapping[Any, object]
) -> dict[Any, object]:
    """The defaults of all settings that the user has others of."""
    # to ask for the backend is to choose one, for which it looks for a display
    names = [name for name in defaults if name != "backend"]
    return {name: defaults[name] for name in names if current[name] != defaults[name]}
