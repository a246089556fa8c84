"""``python -m reports figures``: what is drawn, where, and in which files."""

import re
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import reports
from reports import figures, paper, saved
from reports.__main__ import main
from reports.figures import Drawing, layout, scales, style

Record = dict[str, Any]
Case = Callable[..., Record]
Save = Callable[..., str]
Mutants = Callable[[str, int, int], Iterator[str]]

PACKAGE = Path(reports.__file__).parent
SVG = "{http://www.w3.org/2000/svg}"
GPU = {"device": "cuda", "cores": 16}


@pytest.fixture
def gpu(case: Case) -> Callable[..., Record]:
    """A case on a named GPU; launches of the seconds given, the same in each round."""

    def make(*seconds: float, **axes: Any) -> Record:
        record = case(*[[each, each] for each in seconds], **{**GPU, **axes})
        for launch in record["extra_info"]["launches"]:
            launch["device_name"] = "GTX 980"
        return record

    return make


@pytest.fixture
def grid(save: Save, case: Case, gpu: Case) -> str:
    """Sizes, batches, pools and cores with intervals, ranges and lone launches."""
    found = []
    for size, batch, pool in product((64, 200), (10, 50, 150), ("0", "1")):
        seconds = size / 200 + 2 / batch + (0.1 if pool == "0" else 0)
        launches = {10: 3, 50: 2, 150: 1}[batch]
        scatter = [seconds * (1 + 0.02 * number) for number in range(launches)]
        found.append(gpu(*scatter, size=size, batch=batch, cnmem=pool))
    for batch, cores in product((10, 50, 150), (2, 1)):
        several = [[10 / cores * (1 + 0.01 * n)] for n in range(3)]
        found.append(case(*several, size=200, batch=batch, cores=cores))
    return save("grid.json", *found)


def selected(*names: str, in_style: str = "default") -> figures.Selection:
    return figures.select(saved.read([Path(name) for name in names]), in_style)


def drawn(drawing: Drawing, prefix: str = "p") -> ElementTree.Element:
    return ElementTree.fromstring(figures.svg(drawing, prefix))


def points(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    """The elements of points by their id."""
    return {each.attrib["id"]: each for each in root.iter() if each.get("class")}


def places(root: ElementTree.Element) -> list[tuple[float, float]]:
    """Where the markers are, in points from the upper left."""
    markers = [each.find(f"{SVG}use") for each in points(root).values()]
    return [(float(m.attrib["x"]), float(m.attrib["y"])) for m in markers if m is not None]


def test_figures_of_a_grid(grid: str) -> None:
    """Figures 3 and 4 have a line a batch, 5 and 6 a panel a batch or core count."""
    selection = selected(grid)
    outline = {
        drawing.name: [
            (panel.title, [series.name for series in panel.series], panel.reference)
            for panel in drawing.panels
        ]
        for drawing in selection.drawings
    }
    batches = ["batch 10", "batch 50", "batch 150"]
    pools = ["cnmem = 0", "cnmem = 1"]
    assert outline == {
        "figure-3-theano-fit": [("", batches, None)],
        "figure-4-theano-fit": [("", batches, None)],
        "figure-5-theano-fit": [(batch, pools, None) for batch in batches],
        "figure-6-theano-fit": [("2 cores", pools, 11.97), ("1 core", pools, 16.19)],
    }
    assert selection.gaps == ()


def test_labels_say_the_value_its_range_and_what_that_is(grid: str) -> None:
    """An interval from 3 launches on, the extremes of two, nothing of one."""
    third, *_, sixth = selected(grid).drawings
    assert [point.label for point in third.points] == [
        "64 px, batch 10, cnmem 0: 0.632 s (95 %: 0.600–0.664), 3 launches",
        "200 px, batch 10, cnmem 0: 1.326 s (95 %: 1.261–1.394), 3 launches",
        "64 px, batch 50, cnmem 0: 0.465 s (range 0.460–0.469), 2 launches",
        "200 px, batch 50, cnmem 0: 1.15 s (range 1.14–1.16), 2 launches",
        "64 px, batch 150, cnmem 0: 0.433 s, 1 launch",
        "200 px, batch 150, cnmem 0: 1.11 s, 1 launch",
    ]
    assert [point.label for point in sixth.points[:3]] == [
        "200 px, batch 10, cnmem 0, 2 cores: 3.81 × (95 %: 3.61–4.02), "
        "3 launches on the GPU, 3 on the CPU (theano, float32)",
        "200 px, batch 50, cnmem 0, 2 cores: 4.39 × (range 4.30–4.47), "
        "2 launches on the GPU, 3 on the CPU (theano, float32)",
        "200 px, batch 150, cnmem 0, 2 cores: 4.54 ×, "
        "1 launch on the GPU, 3 on the CPU (theano, float32)",
    ]


def test_captions_say_what_is_drawn_how_sure_it_is_and_of_what(grid: str) -> None:
    captions = {each.name: each.caption for each in selected(grid).drawings}
    assert captions["figure-5-theano-fit"] == (
        "Training time of an epoch on the GPU against image size, a line for each "
        "memory pool, a panel for each batch size. Time = median over launches of each "
        "launch's median epoch. Error bars with caps: 95 % interval over launches "
        "(Student's t, on logarithms). Error bars without caps: lowest and highest of "
        "two launches. No error bar: one launch, and no word on the error. theano, "
        "loop fit, float32, 300 images an epoch, dataset tissue, seed 0, GTX 980, "
        "beside Xeon, 16 CPUs."
    )
    assert captions["figure-6-theano-fit"] == (
        "Speed-up against batch size, a line for each memory pool, a panel for each "
        "number of CPU cores. Speed-up = seconds of an epoch on the CPU / seconds on "
        "the GPU. Error bars with caps: 95 % interval over launches (Welch, on "
        "logarithms). Error bars without caps: lowest and highest ratio of any two "
        "launches. No error bar: one launch on a side, and no word on the error. Line "
        "across: the paper's highest against so many cores (theano on a GTX-980, "
        "cnmem = 1, against tensorflow on a Core i7). On the CPU: theano. theano, loop "
        "fit, float32, 300 images an epoch, dataset tissue, seed 0, GTX 980, beside "
        "Xeon, 16 CPUs."
    )


def test_captions_name_cases_without_a_time_and_other_arithmetic(
    save: Save, case: Case, gpu: Case, untimed: Callable[..., Record]
) -> None:
    name = save(
        "run.json",
        *[gpu(0.1, size=s, cnmem="1", precision="tf32") for s in (64, 200)],
        case([2.0], size=200, precision="float32"),
        outcomes=[
            untimed(
                "out-of-memory", **GPU, size=200, batch=60, cnmem="1", precision="tf32"
            )
        ],
    )
    fourth, sixth = selected(name).drawings
    assert fourth.caption.endswith(
        "No time: 200 px, batch 60, cnmem 1 (out of memory)."
    )
    assert "differ (tf32 against float32), and part of the ratio" in sixth.caption


def test_points_are_where_their_values_are(grid: str) -> None:
    """Equal factors are equal distances on the default's axes, upwards and across."""
    third = selected(grid).drawings[0]
    expected = [(point.x, point.y) for point in third.points]
    found = places(drawn(third))
    for (one, other), (here, there) in zip(
        combinations(expected, 2), combinations(found, 2), strict=True
    ):
        for axis, direction in ((0, 1), (1, -1)):
            factor = scales_log(other[axis] / one[axis])
            whole = scales_log(expected[-1][axis] / expected[0][axis])
            span = found[-1][axis] - found[0][axis]
            distance = (there[axis] - here[axis]) / span
            assert distance == pytest.approx(factor / whole, abs=0.002), direction
    assert found[1][0] > found[0][0]  # larger images are on the right
    assert found[1][1] < found[0][1]  # slower epochs are above


def scales_log(factor: float) -> float:
    import math

    return math.log(factor)
