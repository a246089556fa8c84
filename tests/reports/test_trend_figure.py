"""Small multiples: what is drawn, on which scales, for whom it is safe; and dates."""

import io
import math
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib.text import Text
from msgspec import structs

from reports.__main__ import main
from reports.trend import canvas, dates, panels
from reports.trend.changes import Trend, trend
from reports.trend.points import History
from tests.reports.trended import commit, day, noisy

Make = Callable[..., dict[str, Any]]
Save = Callable[..., str]
Captured = pytest.CaptureFixture[str]

STEP = math.log(1.2)
LEVELS = [0.0] * 6 + [STEP] * 4


def of(levels: list[float], seed: int = 1, **axes: Any) -> Trend:
    """A trend of a case that differs from the usual one in ``axes``."""
    made = noisy(random.Random(seed), levels, noise=0.01)
    points = []
    for point in made.points:
        case = structs.replace(
            point.case, combination=structs.replace(made.combination, **axes)
        )
        points.append(type(point)(point.when, case))
    return trend(History(tuple(points)))


@pytest.fixture
def nights(save: Save, case: Make) -> str:
    """Ten nights of two cases, of which one gets slower on the seventh."""
    for number in range(10):
        chance = random.Random(number)
        times = [
            [[middle * math.exp(chance.gauss(0, 0.01))] for _ in range(3)]
            for middle in (1.2 if number > 5 else 1.0, 0.5)
        ]
        save(
            f"runs/{number}.json",
            case(*times[0]),
            case(*times[1], cores=2),
            commit=commit(number),
            when=day(number).isoformat(),
        )
    return "runs"


@pytest.mark.parametrize("ending", ["svg", "png", "SVG"])
def test_a_figure_is_written_beside_the_tables(
    ending: str, nights: str, capsys: Captured
) -> None:
    """Into a folder that is not there yet; the same bytes again."""
    written = []
    for folder in "ab":
        figure = f"{folder}/trend.{ending}"
        assert main(["trend", nights, "--figure", figure, "--format", "json"]) == 0
        shown = capsys.readouterr()
        assert shown.out.startswith('[\n {\n  "table": "changes",')
        assert not shown.err
        written.append(Path(figure).read_bytes())
    assert written[0] == written[1]
    magic = b"\x89PNG" if ending == "png" else b"<?xml"
    assert written[0].startswith(magic)


def test_an_svg_is_well_formed_and_self_contained(nights: str) -> None:
    assert main(["trend", nights, "--figure", "trend.svg"]) == 0
    root = ElementTree.parse("trend.svg").getroot()
    assert root.tag.endswith("svg")
    links = [v for e in root.iter() for k, v in e.items() if k.endswith("href")]
    assert links
    assert all(link.startswith("#") for link in links)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"script", "image", "foreignObject"}


@pytest.mark.parametrize("name", ["trend.pdf", "trend", "trend.", "svg"])
def test_another_format_is_refused(name: str, nights: str, capsys: Captured) -> None:
    assert main(["trend", nights, "--figure", name]) == 2
    shown = capsys.readouterr()
    assert shown.err == (
        f"reports: --figure {name}: its name has to end with .svg or .png\n"
    )
    assert not shown.out


def test_without_matplotlib_a_figure_is_refused_in_a_line(
    nights: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["trend", nights, "--figure", "trend.svg"]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("reports: --figure needs matplotlib, which is not ")
    assert shown.err.count("\n") == 1
    assert not Path("trend.svg").exists()


def test_names_from_files_are_nowhere_acted_upon(save: Save, case: Make) -> None:
    """Neither as markup nor as formulas of matplotlib's."""
    hostile = "</text><script>alert(1)</script>--><b>$\\frac{1}$ \x1b[31m]]>"
    for number in range(6):
        times = [[1.2 if number > 2 else 1.0]] * 3
        cases = [case(*times, engine=hostile + str(each)) for each in range(2)]
        where = {"commit": f"{number}<b>$x$", "when": day(number).isoformat()}
        save(f"runs/{number}.json", *cases, node=hostile, **where)
    assert main(["trend", "runs", "--figure", "trend.svg"]) == 0
    written = Path("trend.svg").read_text(encoding="utf-8")
    assert "<script" not in written
    assert "<b>" not in written
    ElementTree.fromstring(written)


def test_user_settings_of_matplotlib_change_nothing(
    nights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib

    assert main(["trend", nights, "--figure", "usual.svg"]) == 0
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30}):
        assert main(["trend", nights, "--figure", "other.svg"]) == 0
    assert Path("usual.svg").read_bytes() == Path("other.svg").read_bytes()


def test_panels_are_named_by_what_differs() -> None:
    """What does not stands above them once."""
    found = panels.picture(
        [of(LEVELS), of(LEVELS, cores=2), of(LEVELS, loop="fused", cnmem="1")]
    )
    assert found.setting == "jax, cpu, 64 px, batch 20, float32, lab"
    titles = [panel.title for panel in found.panels]
    assert titles == ["1 core, fit", "2 cores, fit", "cnmem 1, 1 core, fused"]
    alone = panels.picture([of(LEVELS)])
    assert alone.panels[0].title == ""
    assert alone.setting == "jax, cpu, 64 px, batch 20, 1 core, fit, float32, lab"
    assert alone.period == "2026-09-01 02:00 to 2026-09-10 02:00 UTC"


def test_a_step_is_as_high_in_each_panel_as_it_is_large() -> None:
    """All panels span the same factor; but for one that needs far more."""
    some = [of(LEVELS), of([0.0] * 10, cores=2), of([3.0] * 10, cores=4)]
    spans = [panel.high / panel.low for panel in panels.picture(some).panels]
    assert spans == pytest.approx([spans[0]] * 3)
    wide = of([0.0] * 5 + [2.0] * 5, cores=8)
    more = panels.picture([*some, wide]).panels
    assert [p.high / p.low for p in more[:3]] == pytest.approx(spans)
    assert more[3].high / more[3].low > math.exp(2)
    for panel in more:
        assert all(panel.low < t.seconds < panel.high for t in panel.times)


def test_no_label_is_crossed_by_the_line_of_another_change() -> None:
    """Two days apart one is slower (orange), one faster (blue); by pixels."""
    import numpy as np

    levels = [0.0] * 10 + [0.4] * 3 + [-0.4] * 10
    drawn = canvas.figure(panels.picture([of(levels)]))
    drawn.set_dpi(200)
    written = io.BytesIO()
    drawn.savefig(written, format="rgba", dpi=200)
    wide = int(drawn.bbox.width)
    colours = np.frombuffer(written.getvalue(), np.uint8).reshape(-1, wide, 4)
    pixels = colours[::-1, :, :3].astype(int)
    labels = [each for each in drawn.findobj(Text) if each.get_text().endswith(" %")]
    assert len(labels) == 2
    for label in labels:
        box = Text.get_window_extent(label)
        inside = pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
        redness = (inside[..., 0] - inside[..., 2]).ravel()
        is_orange = label.get_color() == "#d55e00"
        assert (redness if is_orange else -redness).max() > 50
        assert (redness if is_orange else -redness).min() > -50


def test_of_many_cases_those_that_changed_most_are_drawn(
    save: Save, case: Make, capsys: Captured
) -> None:
    """In their order; and a line tells how many are not."""
    trends = [of([0.0] * 8, seed=n, cores=n) for n in range(1, 31)]
    trends[27] = of(LEVELS, cores=28)
    found = panels.picture(trends)
    assert found.left_out == 6
    cores = [panel.trend.history.combination.cores for panel in found.panels]
    assert cores == [*range(1, 24), 28]
    for number in range(2):
        cases = [case([1.0], cores=each) for each in range(1, 26)]
        when = day(number).isoformat()
        save(f"runs/{number}.json", *cases, commit=commit(number), when=when)
    assert main(["trend", "runs", "--figure", "trend.png"]) == 0
    assert capsys.readouterr().err == (
        "reports: --figure shows 24 of 25 cases, those that changed most; name fewer "
        "files, or see the tables\n"
    )


def test_points_of_one_moment_have_room() -> None:
    point = of([0.0]).history.points[0]
    found = panels.picture([trend(History((point,)))])
    assert found.end - found.start == timedelta(days=1)
    assert found.period == "2026-09-01 02:00 UTC"
    first = type(point)(datetime(1, 1, 1, tzinfo=UTC), point.case)
    found = panels.picture([trend(History((first,)))])
    assert found.start == found.end


@pytest.mark.parametrize(
    ("start", "end", "names"),
    [
        ("2026-09-01 02:00", "2026-09-01 02:07", ["02:00", "02:05"]),
        ("2026-09-01 22:10", "2026-09-02 01:50", ["23:00", "00:00", "01:00"]),
        ("2026-09-01 02:00", "2026-09-04 02:00", ["09-02", "09-03", "09-04"]),
        ("2026-09-08 02:00", "2026-10-01 02:00", ["09-10", "09-17", "09-24", "10-01"]),
        (
            "2026-08-30 02:00",
            "2026-12-02 02:00",
            ["2026-09", "2026-10", "2026-11", "2026-12"],
        ),
        ("2024-02-01 00:00", "2026-12-02 00:00", ["2025", "2026"]),
        ("0001-01-01 00:00", "9999-12-31 00:00", ["2500", "5000", "7500"]),
    ],
)
def test_dates_have_round_ticks(start: str, end: str, names: list[str]) -> None:
    ends = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (start, end)]
    found = dates.ticks(ends[0], ends[1], 5)
    assert [name for _, name in found] == names
    assert all(ends[0] <= when <= ends[1] for when, _ in found)
