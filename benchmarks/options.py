"""The options that the suite adds to pytest's."""

from pathlib import Path

import pytest

from benchmarks import axes, environments, launchers, theanorc
from benchmarks.suite import DEFAULT_DATASET
from histocnn import data, engines
from histocnn.job import DEVICES, PRECISIONS

#: Where journals are kept, in pytest's root folder.
JOURNALS = Path(".benchmarks", "journals")

_HELP = {
    "engines": f"comma list of {', '.join(engines.names())}",
    "devices": f"comma list of {', '.join(DEVICES)}",
    "sizes": "comma list of image sides, px",
    "batches": "comma list of batch sizes, images a step",
    "cnmem": "comma list of GPU memory pools: 0 (none), a fraction, MB, grow, async, "
    f"{theanorc.WORD} (that of your ~/.theanorc)",
    "cores": "comma list of CPU core counts",
    "loops": "comma list of fit (Keras' own), fused (compiled epochs), peer (by hand)",
    "precision_mode": f"comma list of {', '.join(PRECISIONS)}",
    "images": "images an epoch; every batch size divides it",
    "launches": "so many fresh processes a case, whatever the precision",
    "rounds": "timed epochs a launch, behind one warm-up epoch",
    "time_cap": "seconds of launches after which a case gets no more than 3",
}
_WHOLE = ("images", "launches", "rounds", "time_cap")


def add(group: pytest.OptionGroup) -> None:
    """Add all of them to pytest's ``group``."""
    group.addoption(
        "--grid",
        default="quick",
        metavar="PRESET",
        help=f"preset of all axes: {', '.join(axes.PRESETS)} (default: quick)",
    )
    for name in axes.OPTIONS:
        metavar = "N" if name in _WHOLE else "LIST"
        group.addoption(axes.flag(name), metavar=metavar, help=_HELP[name])
    group.addoption(
        "--dataset",
        metavar="NAME[:PATH][?KEY=VALUE]",
        help=f"one of {', '.join(data.names())} (default: {DEFAULT_DATASET})",
    )
    group.addoption(
        "--launcher",
        default="local",
        metavar="NAME",
        help=f"where workers start: {', '.join(launchers.names())} (default: local)",
    )
    group.addoption(
        "--memory-limit",
        metavar="SIZE",
        help="most memory a worker may use, e.g. 4GB (launcher docker)",
    )
    group.addoption(
        "--image",
        metavar="NAME",
        help="container image in place of the suite's own (launcher docker)",
    )
    group.addoption(
        "--gpu-memory",
        metavar="SIZE",
        help="make the GPU as small, e.g. 4096MB, by holding the rest of its memory",
    )
    group.addoption(
        "--interpreter",
        action="append",
        default=[],
        metavar="ENV=PATH",
        help="a Python (3.11 or newer) of your own in place of an environment, one of "
        f"{', '.join(environments.names())}; once an environment (launcher local)",
    )
    group.addoption(
        "--ray-address",
        metavar="HOST:PORT",
        help="where the head of a Ray cluster answers (launcher ray)",
    )
    group.addoption(
        "--machines",
        metavar="LIST",
        help="comma list of types of the cluster's machines, or all: each case on each "
        "(launcher ray)",
    )
    group.addoption(
        "--timeout",
        default="600",
        metavar="SECONDS",
        help="how long a worker may take for one answer (default: 600)",
    )
    _add_trust(group)


def _add_trust(group: pytest.OptionGroup) -> None:
    """Options of how sure results are, and how safe."""
    group.addoption(
        "--precision",
        metavar="SHARE",
        help="launches are added until the 95 %% interval of a case's time is within "
        "this, or its --time-cap is reached (default: 5%%)",
    )
    group.addoption(
        "--budget",
        metavar="SECONDS",
        help="wall time for the launches of all cases (600, 10m, 2h), in place of "
        "--time-cap; chooses --rounds, too, unless they are given",
    )
    group.addoption(
        "--repeats",
        metavar="N",
        help="how many disturbed rounds of a launch are repeated (default: as many as "
        "--rounds)",
    )
    group.addoption(
        "--order-seed",
        default="0",
        metavar="N",
        help="of the random order in which launches of all cases run (default: 0)",
    )
    group.addoption(
        "--resume",
        action="store_true",
        help="take up the launches that a run of the same plan had finished",
    )
    group.addoption(
        "--journal",
        metavar="FOLDER",
        help=f"where finished launches are kept until saved (default: {JOURNALS})",
    )
    group.addoption(
        "--host-name",
        action="store_true",
        help="store this machine's name with the results",
    )
