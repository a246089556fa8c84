"""Drawings as SVG and PNG: what is where, how it is marked, and for whom it is safe."""

import math
import os
import pickle
import re
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

import reports
from reports import figures
from reports.errors import InputError
from reports.figures import Drawing, Panel, Point, Series, layout, scales, style
from reports.figures.setting import matplotlib_set

Element = ElementTree.Element

PACKAGE = Path(reports.__file__).parent
SVG = "{http://www.w3.org/2000/svg}"
INTERVAL, RANGE, NONE = 3, 2, 1  # launches


def point(x: int, y: float, launches: int = INTERVAL, reach: float = 1.1) -> Point:
    """A point whose error bar goes as far as a factor of ``reach``."""
    low, high = (None, None) if launches == NONE else (y / reach, y * reach)
    is_interval = launches >= INTERVAL
    return Point(x, y, low, high, is_interval, launches, f"{x}: <{y}> & more")


def drawing(
    *values: Sequence[float],
    panels: int = 1,
    launches: int = INTERVAL,
    reference: float | None = None,
    keys: Sequence[str] = ("0", "1", "grow", "0.5", "async"),
    **other: object,
) -> Drawing:
    """A line at 32, 64, 128 px for each of ``values``, the same in all panels."""
    lines = tuple(
        Series(
            f"cnmem = {key}",
            key,
            tuple(point(32 * 2**n, y, launches) for n, y in enumerate(each)),
        )
        for key, each in zip(keys, values, strict=False)
    )
    made = Drawing(
        name="figure-5-theano-fit",
        title="Figure 5",
        conditions="On a GPU.",
        heading="Training time",
        setting="theano, fit",
        panels=tuple(Panel(f"{n} cores", lines, reference) for n in range(panels)),
        panels_of="number of cores",
    )
    return replace(made, **other)  # type: ignore[arg-type]


def drawn(made: Drawing, prefix: str = "p") -> Element:
    return ElementTree.fromstring(figures.svg(made, prefix))


def points(root: Element) -> dict[str, Element]:
    """The elements of points by their id, in order."""
    return {each.attrib["id"]: each for each in root.iter() if each.get("class")}


def places(root: Element) -> list[tuple[float, float]]:
    """Where the markers are, in points from the upper left."""
    markers = [each.find(f"{SVG}use") for each in points(root).values()]
    return [
        (float(m.attrib["x"]), float(m.attrib["y"])) for m in markers if m is not None
    ]


def bars(root: Element) -> list[tuple[float, float, float, float]]:
    """Left, right, top and bottom of each bar, in points from the upper left."""
    paths = [each.find(f"{SVG}path") for each in points(root).values()]
    corners = [
        [float(number) for number in re.findall(r"-?[\d.]+", path.attrib["d"])]
        for path in paths
        if path is not None
    ]
    return [(min(c[::2]), max(c[::2]), min(c[1::2]), max(c[1::2])) for c in corners]


def texts(made: Drawing) -> list[str]:
    return [each.text or "" for each in drawn(made).iter(f"{SVG}text")]


def colours(root: Element) -> set[str]:
    found = {each.get(name) for each in root.iter() for name in ("fill", "stroke")}
    return {colour for colour in found if colour}


def test_equal_factors_are_equal_distances() -> None:
    """Both axes are logarithmic; larger is to the right and slower is above."""
    (x, y), (x1, y1), (x2, y2) = places(drawn(drawing((0.1, 0.2, 0.4))))
    assert x < x1 < x2
    assert y > y1 > y2
    assert x1 - x == pytest.approx(x2 - x1, abs=0.02)
    assert y - y1 == pytest.approx(y1 - y2, abs=0.02)


def test_the_papers_style_has_linear_axes_from_zero() -> None:
    made = drawing((0.1, 0.2, 0.4), style="paper")
    (x, y), (x1, y1), (x2, y2) = places(drawn(made))
    assert x2 - x1 == pytest.approx(2 * (x1 - x), abs=0.02)
    assert y1 - y2 == pytest.approx(2 * (y - y1), abs=0.02)
    assert scales.up(made).low == 0


def test_panels_share_their_axes() -> None:
    """The same values are at the same place of each panel."""
    made = drawing((0.1, 0.2, 0.4), (0.2, 0.3, 0.5), panels=5)
    boxes = layout.layout(made).boxes
    found = places(drawn(made))
    inside = [
        (round(x - box.left, 1), round(y + box.bottom, 1))
        for number, (x, y) in enumerate(found)
        for box in [boxes[number // 6]]
    ]
    for place, other in zip(inside[:6] * 5, inside, strict=True):
        assert place == pytest.approx(other, abs=0.11)


def test_figures_3_and_4_can_be_laid_side_by_side() -> None:
    """Values beside a drawing count for its y axis."""
    low = drawing((0.1, 0.2, 0.4))
    both = (*low.points, point(32, 7.0))
    assert scales.up(replace(low, beside=both)) == scales.up(
        replace(drawing((7.0,)), beside=both)
    )
    assert scales.up(low).high < 1


def test_only_intervals_have_caps() -> None:
    """A cap is an element of its own beside the marker; a lone launch has no bar."""

    def strokes(launches: int) -> tuple[int, int]:
        root = drawn(drawing((0.1, 0.2, 0.4), launches=launches))
        uses = len(list(root.iter(f"{SVG}use")))
        return uses, len(list(root.iter(f"{SVG}path")))

    caps, lines = (
        [one - none for one, none in zip(strokes(launches), strokes(NONE), strict=True)]
        for launches in (INTERVAL, RANGE)
    )
    # the shape of a cap is a path as well, and that of a hollow mark beside a filled
    assert caps == [6, 3 + 1 - 1]
    assert lines == [0, 3]


@pytest.mark.parametrize(
    ("launches", "text"),
    [
        (INTERVAL, "Error bars: 95 % interval (caps)"),
        (RANGE, "Error bars: extremes (no caps); hollow: under 3 launches"),
        (NONE, "No error bar: one launch; hollow: under 3 launches"),
    ],
)
def test_the_picture_says_what_its_error_bars_are(launches: int, text: str) -> None:
    assert text in texts(drawing((0.1, 0.2), launches=launches))


def of(*points: Point, **other: object) -> Drawing:
    """A drawing of one line through ``points``."""
    panels = (Panel("", (Series("cnmem = 1", "1", points),)),)
    return replace(drawing((1.0,)), panels=panels, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize("launches", [INTERVAL, RANGE])
def test_a_bar_shorter_than_its_mark_is_not_taken_for_none(launches: int) -> None:
    """The picture and its caption name both reasons; what does not show is not said."""
    short = [point(x, y, launches, 1.0001) for x, y in ((32, 1.0), (64, 3.0))]
    made = of(*short)
    few = "; hollow: under 3 launches"
    said = "No error bar: shorter than its mark"
    assert f"{said}{few if launches < INTERVAL else ''}" in texts(made)
    assert "No error bar: a bar that is shorter than its mark." in made.caption
    mixed = of(*short, point(128, 2.0, NONE), point(200, 2.0, launches, 2.0))
    assert f"no bar: one launch, or shorter than its mark{few}" in texts(mixed)
    assert (
        "No error bar: one launch, and no word on the error; or a bar that is shorter "
        "than its mark."
    ) in mixed.caption
    assert len(list(drawn(made).iter(f"{SVG}use"))) == 2 + 1  # the legend's; no cap


def test_marks_of_few_launches_are_hollow_and_no_others() -> None:
    """Whatever the pool; each is numbered by its place on the line all the same."""
    line = [
        *[point(32, 1.0), point(64, 1.1, RANGE), point(128, 1.2, NONE)],
        *[point(180, 1.3), point(200, 1.4, NONE)],
    ]
    panel = Panel("", tuple([Series(key, key, tuple(line)) for key in ("0", "1")]))
    made = replace(drawing((1.0,)), panels=(panel,))
    root = drawn(made)
    ground = f"var(--figure-ground, {style.GROUND})"
    hollow = {
        name: _inherited(root, each, "fill") == ground
        for name, each in points(root).items()
    }
    few = [False, True, True, False, True]
    assert list(hollow.items()) == [(f"p--{n}", few[n % 5]) for n in range(10)]
    xs = [x for x, _ in places(root)]
    assert xs[:5] == sorted(xs[:5]) == xs[5:]
    assert "Hollow mark: fewer than 3 launches." in made.caption
    sure = of(*[point(x, 1.0) for x in (32, 64)])
    assert ground not in colours(drawn(sure))
    assert "ollow" not in " ".join([*texts(sure), sure.caption])


def test_bars_of_few_launches_are_dashed_and_not_filled() -> None:
    """The hatch by which pools differ in grey print stays."""
    bars = [point(10, 1.0), point(20, 1.1, RANGE), point(50, 1.2, NONE)]
    panel = Panel("", tuple([Series(key, key, tuple(bars)) for key in ("0", "1")]))
    made = replace(drawing((1.0,)), panels=(panel,), is_speedup=True, style="paper")
    found = list(points(drawn(made)).values())
    dashed = ["stroke-dasharray" in ElementTree.tostring(e).decode() for e in found]
    assert dashed == [False, True, True] * 2
    assert "var(--figure-pool-1, #0072b2)" in _fills(found[3])
    for each in found[4:]:
        assert _fills(each) == {f"var(--figure-ground, {style.GROUND})"}
    for each in found[:3]:
        assert any(fill.startswith("url(#p--") for fill in _fills(each))
    assert (
        "Dashed outline, not filled: fewer than 3 launches on a side." in made.caption
    )


def _inherited(root: Element, point: Element, name: str) -> str | None:
    """What the marker of ``point`` has of an attribute, or a group around it."""
    around = {child: parent for parent in root.iter() for child in parent}
    element = point.find(f"{SVG}use")
    while element is not None and name not in element.attrib:
        element = around.get(element)
    return None if element is None else element.attrib[name]


def _fills(root: Element) -> set[str]:
    return {each.attrib["fill"] for each in root.iter() if "fill" in each.attrib}


def test_caps_are_spoken_of_where_one_is_drawn() -> None:
    """An interval that goes on beyond the picture at both ends has none."""
    endless = replace(point(32, 1.0), low=1e-200, high=1e200)
    made = of(endless, point(64, 1.0, NONE))
    assert (
        "Error bars: 95 % interval; no bar: one launch; hollow: under 3 launches"
    ) in texts(made)


def test_the_small_print_is_never_cut() -> None:
    """With all that there may be to say, it takes two lines, and more room."""
    all_kinds = [
        point(32, 1.0, INTERVAL, 2.0),
        point(64, 1.0, RANGE, 2.0),
        point(128, 1.0, RANGE, 1.0001),
        point(200, 1.0, NONE),
    ]
    made = of(*all_kinds)
    assert {
        "Error bars: 95 % interval (caps); extremes (no caps);",
        "no bar: one launch, or shorter than its mark; hollow: under 3 launches",
    } <= set(texts(made))
    assert layout.layout(made).height > layout.layout(of(all_kinds[0])).height
    bars = of(*all_kinds, is_speedup=True, style="paper")
    assert {
        "Error bars: 95 % interval (caps); extremes (no caps);",
        "no bar: one launch; dashed: under 3 launches",
    } <= set(texts(bars))
    assert "shorter than its mark" not in bars.caption


@pytest.mark.parametrize("panels", [1, 5])
def test_sizes_near_each_other_are_all_numbered(panels: int) -> None:
    """The paper's own: 180 and 200 px; their numbers are apart, and led to."""
    sizes = (32, 64, 128, 180, 200)
    line = Series("cnmem = 1", "1", tuple([point(x, 1.0) for x in sizes]))
    made = replace(
        drawing((1.0,)), panels=tuple([Panel(f"{n}", (line,)) for n in range(panels)])
    )
    root = drawn(made)
    found = [
        (float(text.attrib["x"]), text.text or "")
        for text in root.iter(f"{SVG}text")
        if (text.text or "").isdecimal() and int(text.text or "") in sizes
    ]
    numbered = min(panels, 2)  # columns
    assert sorted(int(text) for _, text in found) == sorted(sizes * numbered)
    for (x, text), (other, _) in pairwise(sorted(found)):
        assert other - x > style.extent(text, style.TICK)
    boxes = layout.layout(made).boxes
    assert max(x for x, _ in found) < max(box.right for box in boxes) + 1


def test_of_very_many_sizes_only_some_are_numbered() -> None:
    made = of(*[point(x, 1.0) for x in range(100, 200, 2)])
    numbers = [text for text in texts(made) if text.isdecimal() and int(text) >= 100]
    assert 3 < len(numbers) < 20


@pytest.mark.parametrize("in_style", figures.STYLES)
def test_an_endless_error_bar_ends_in_the_picture(in_style: str) -> None:
    """It takes a third of the axis at most from the values, and has no cap there."""
    one = replace(point(32, 1.0), low=1e-200, high=1e200)
    made = drawing((1.0, 2.0, 1.5), style=in_style)
    series = replace(made.panels[0].series[0], points=(one, *made.points[1:]))
    made = replace(made, panels=(Panel("", (series,)),))
    assert scales.up(made).high < 8
    text = figures.svg(made, "p")
    assert "nan" not in text
    assert "inf" not in text
    root = ElementTree.fromstring(text)
    numbers = [
        float(number)
        for path in root.iter(f"{SVG}path")
        for number in re.findall(r"-?[\d.]+", path.attrib["d"])
    ]
    assert min(numbers) >= -10
    assert max(numbers) <= 252


@pytest.mark.parametrize("value", [1e-300, 1e-9, 1e9, 1e300])
@pytest.mark.parametrize("in_style", figures.STYLES)
def test_any_time_that_a_file_can_hold_is_drawn(value: float, in_style: str) -> None:
    made = drawing((value, value, value * 1.5), style=in_style)
    assert len(places(drawn(made))) == 3


def test_bars_stand_beside_each_other_on_zero() -> None:
    """As high as their values; cnmem = 1 is blue, cnmem = 0 is hatched."""
    made = drawing((1.0, 2.0, 4.0), (2.0, 3.0, 6.0), is_speedup=True, style="paper")
    root = drawn(made)
    found = bars(root)
    for (_, right, *_), (left, *_) in pairwise(sorted(found)):
        assert left >= right - 0.01
    grounds = {bottom for *_, bottom in found}
    assert len(grounds) == 1
    heights = [bottom - top for _, _, top, bottom in found]
    values = [each.y for each in made.points]
    factors = [height / value for height, value in zip(heights, values, strict=True)]
    assert factors == pytest.approx([factors[0]] * 6, rel=0.01)
    fills = [path.get("fill", "") for path in root.iter(f"{SVG}path")]
    assert "var(--figure-pool-1, #0072b2)" in fills
    assert any(fill.startswith("url(#p--") for fill in fills)


def test_the_papers_value_is_a_line_with_its_name() -> None:
    """Also where it is far from all values; and the highest here stands beside it."""
    made = drawing((100.0, 200.0), (150.0, 90.0), is_speedup=True, reference=4.49)
    texts = [each.text for each in drawn(made).iter(f"{SVG}text")]
    assert {"paper", "4.49", "highest 150"} <= set(texts)
    assert scales.up(made).low < 4.49


def test_each_point_has_an_element_with_its_label() -> None:
    made = drawing((0.1, 0.2, 0.4), (0.2, 0.3, 0.5), panels=2)
    labels = {
        name: element.findtext(f"{SVG}title")
        for name, element in points(drawn(made, "figure-5")).items()
    }
    assert labels == {
        f"figure-5--{number}": each.label for number, each in enumerate(made.points)
    }


@pytest.mark.parametrize("in_style", figures.STYLES)
def test_ids_are_the_drawings_own(in_style: str) -> None:
    """Each begins with the prefix, is there once, and all that is meant is there."""
    made = drawing((1.0, 2.0), (2.0, 3.0), is_speedup=True, style=in_style)
    root = drawn(made, "x-1")
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids)) > 4
    assert all(name.startswith("x-1--") for name in ids)
    text = figures.svg(made, "x-1")
    meant = re.findall(r'(?:href="#|url\(#)([^")]+)', text)
    assert set(meant) <= set(ids)
    assert meant


@pytest.mark.parametrize("in_style", figures.STYLES)
def test_a_page_has_the_last_word_on_how_it_looks(in_style: str) -> None:
    """No style of its own, no size, no ground, no colour that a page cannot change."""
    made = drawing((1.0, 2.0), (2.0, 3.0), is_speedup=True, style=in_style)
    text = figures.svg(made, "p")
    root = ElementTree.fromstring(text)
    assert not [each for each in root.iter() if "style" in each.tag + str(each.attrib)]
    assert "font-family" not in text
    assert not root.attrib.keys() & {"width", "height"}
    names = "|".join(figures.DARK)
    allowed = rf"none|currentColor|url\(#.*\)|var\(({names}), #[0-9a-f]{{6}}\)"
    assert {c for c in colours(root) if not re.fullmatch(allowed, c)} == set()


def test_dark_pages_have_a_colour_for_each_property() -> None:
    assert figures.DARK.keys() == set(style.PROPERTIES.values())


def test_names_from_files_are_text_and_nothing_else() -> None:
    """No markup, no formulas; letters that the font has not draw no warning."""
    name = "<script>alert(1)</script> $x^2$ ]]> &amp; 引擎"
    made = drawing((1.0, 2.0), setting=name, title=name)
    for text in (
        figures.svg(made, "p"),
        figures.files(made, ("svg",), 72)[f"{made.name}.svg"],
    ):
        root = ElementTree.fromstring(text)
        assert not list(root.iter(f"{SVG}script"))
    assert name in [each.text for each in drawn(made).iter(f"{SVG}text")]
    assert drawn(made).get("aria-label") == name


def test_long_names_are_cut_to_the_pictures_width() -> None:
    made = drawing((1.0, 2.0), setting="m" * 500, heading="m" * 500)
    longest = max(len(each.text or "") for each in drawn(made).iter(f"{SVG}text"))
    assert longest < 100


def test_a_file_needs_no_font_and_says_what_it_shows() -> None:
    """Letters are paths; title and caption are there for who cannot see them."""
    made = drawing((1.0, 2.0))
    content = figures.files(made, ("svg",), 72)["figure-5-theano-fit.svg"]
    root = ElementTree.fromstring(content)
    assert not list(root.iter(f"{SVG}text"))
    assert root.findtext(f"{SVG}title") == "Figure 5"
    assert root.findtext(f"{SVG}desc") == made.caption
    assert root.get("width") == "252pt"
    assert b"Matplotlib" not in content
    assert not {c for c in colours(root) if c.startswith("var(")}


def test_a_png_has_the_dots_asked_for_and_no_text() -> None:
    content = figures.files(drawing((1.0, 2.0)), ("png",), 200)[
        "figure-5-theano-fit.png"
    ]
    kinds, at = [], 8
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        kinds.append(kind)
        at += length + 12
    assert struct.unpack(">I", content[16:20]) == (700,)
    assert set(kinds) == {b"IHDR", b"pHYs", b"IDAT", b"IEND"}


def test_bytes_do_not_depend_on_the_users_settings(tmp_path: Path) -> None:
    """Nor on the process, nor on a cache that cannot be written; nothing is said."""
    made = drawing((1.0, 2.0), (2.0, 3.0), is_speedup=True, style="paper", panels=1)
    (tmp_path / "matplotlibrc").write_text(
        "font.size: 30\ntext.usetex: True\nbackend: TkAgg\nsvg.id: me\nno.such: 1\n"
        "savefig.bbox: tight\nhatch.linewidth: 9\nlines.antialiased: False\n"
    )
    script = (
        "import pickle, sys\n"
        "from reports import figures\n"
        "made = pickle.load(sys.stdin.buffer)\n"
        "files = figures.files(made, figures.FORMATS, 72)\n"
        "print([figures.svg(made, 'p'), files])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        input=pickle.dumps(made),
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(PACKAGE.parent),
            "MPLCONFIGDIR": "/proc/none",
            "PYTHONHASHSEED": "7",
        },
    )
    here = [figures.svg(made, "p"), figures.files(made, figures.FORMATS, 72)]
    assert ran.stderr == b""
    assert ran.stdout.decode() == f"{here!r}\n"


def test_without_matplotlib_there_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match="matplotlib, which is not installed"):
        figures.svg(drawing((1.0, 2.0)), "p")


def test_nothing_is_imported_that_is_not_needed() -> None:
    """The figures' module is imported at each run of any view."""
    script = (
        "import sys, reports.figures, reports.views.figures\n"
        "print(sys.modules.keys() & {'matplotlib', 'numpy', 'scipy'})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    assert ran.stdout == "set()\n"


def test_the_drawings_of_500_cases_take_under_two_megabytes() -> None:
    """Some 40 of them."""
    made = drawing(*[[1.0 + n, 2.0, 3.0, 4.0, 5.0] for n in range(2)], panels=5)
    size = sum(len(figures.svg(made, f"p-{number}")) for number in range(40))
    assert size < 2_000_000


def test_series_differ_in_grey_print() -> None:
    """By marker, and by dashes or hatch, or by how dark they are."""
    batches = style.looks([str(n) for n in range(8)], ordered=True)
    luminance = [_luminance(look.colour) for look in batches.values()]
    assert luminance == sorted(luminance)
    pools = style.looks(["0", "1", "grow", "async", "0.5", "4096", "2048"], False)
    for looks in (batches, pools):
        for one, other in combinations(looks.values(), 2):
            assert one.marker != other.marker
    assert len({look.hatch for look in pools.values()}) == len(pools)
    assert len({look.dashes for look in pools.values()}) == len(pools)


def test_a_pool_looks_the_same_in_every_drawing() -> None:
    assert style.looks(["1"], False)["1"] == style.looks(["0", "0.5", "1"], False)["1"]


def _luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 to 1 (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_names_of_lines_are_moved_no_more_than_they_must() -> None:
    """Apart by so much, none above the top, blocks around what was wanted."""
    assert layout.spread([10, 40, 80], 10, 100) == [10, 40, 80]
    assert layout.spread([50, 50, 50], 10, 100) == [40, 50, 60]
    assert layout.spread([10, 98, 99], 10, 100) == [10, 90, 100]
    assert layout.spread([], 10, 100) == []


def test_numbers_of_ticks_that_would_touch_are_left_out() -> None:
    """The last one is kept, and of the others each that has room."""
    assert layout.clear([0, 20, 25, 40], [10, 10, 10, 10]) == [True, True, False, True]
    assert layout.clear([0, 5], [10, 10]) == [False, True]
    assert layout.clear([], []) == []


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((0.05, 0.5), ("0.05", "0.1", "0.2", "0.5")),
        ((0.001, 1.0), ("0.001", "0.01", "0.1", "1")),
        ((1.0, 1.5), ("1", "1.2", "1.4")),
        ((1e-10, 1.5e-10), ("1e-10", "1.2e-10", "1.4e-10")),
        ((2e12, 3e12), ("2e12", "2.5e12", "3e12")),
        ((1.0, 1e9), ("1", "100", "10000", "1000000", "100000000")),
    ],
)
def test_ticks_are_round_numbers_in_plain_writing(
    values: tuple[float, float], labels: tuple[str, ...]
) -> None:
    made = drawing(values, launches=NONE)
    assert scales.up(made).labels == labels


@pytest.mark.parametrize(
    "values",
    [
        *[(1.0, 5.0), (0.002, 0.05), (0.001, 0.005), (1e-9, 2e-9), (1e9, 9e9)],
        *[(1e-300, 1e-299), (1e290, 1e291), (1e11, 9e12), (0.0, 1e-4)],
    ],
)
@pytest.mark.parametrize("panels", [1, 5, 9])
@pytest.mark.parametrize("in_style", figures.STYLES)
@pytest.mark.parametrize("is_speedup", [False, True])
def test_the_name_of_the_y_axis_is_clear_of_its_numbers(
    values: tuple[float, float], panels: int, in_style: str, is_speedup: bool
) -> None:
    """As wide as matplotlib draws them; both are on the picture, panels beside them."""
    made = drawing(values[values[0] == 0 :], panels=panels, launches=NONE)
    made = replace(made, style=in_style, is_speedup=is_speedup)
    with matplotlib_set("figures need", {}):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.text import Text

        from reports.figures import canvas

        figure = canvas.figure(made, "white")
        FigureCanvasAgg(figure)
        found = figure.findobj(Text)
        (name,) = [each for each in found if each.get_rotation() == 90]
        numbers = [e for e in found if e.get_horizontalalignment() == "right"]
        edge = name.get_window_extent()
        starts = [each.get_window_extent().x0 for each in numbers]
    assert {each.get_text() for each in numbers} == set(scales.up(made).labels)
    assert edge.x0 >= 0
    assert min(starts) > edge.x1 + 1
    assert all(box.width > 20 for box in layout.layout(made).boxes)


@pytest.mark.parametrize(("panels", "width"), [(1, 252), (8, 252), (9, 516), (40, 516)])
def test_panels_fit_a_column_or_a_page(panels: int, width: float) -> None:
    """None touches another, and all are on the drawing."""
    plan = layout.layout(drawing((1.0, 2.0), panels=panels))
    assert plan.width == width
    assert len(plan.boxes) == panels
    for box in plan.boxes:
        assert 0 < box.left < box.right <= plan.width
        assert 0 < box.bottom < box.top < plan.height
    for one, other in combinations(plan.boxes, 2):
        assert one.right <= other.left or one.bottom >= other.top


def test_every_x_axis_has_its_numbers_somewhere_below() -> None:
    """In a grid that is not full, the lowest panel of each column has them."""
    plan = layout.layout(drawing((1.0, 2.0), panels=5))
    assert [plan.is_lowest(number) for number in range(5)] == [False] * 3 + [True] * 2
    assert [plan.is_left(number) for number in range(5)] == [True, False] * 2 + [True]


def test_a_value_lies_where_its_logarithm_does() -> None:
    scale = scales.Scale(True, 1.0, 100.0, ())
    assert scale.place(10.0) == pytest.approx(0.5)
    assert scale.place(1000.0) == 1
    assert scale.place(0.0) == 0
    assert math.isclose(scales.Scale(False, 0.0, 4.0, ()).place(1.0), 0.25)
