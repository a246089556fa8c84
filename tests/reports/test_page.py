"""``python -m reports page``: what stands in the file, and that nothing else can."""

import base64
import hashlib
import json
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from reports import saved, stats
from reports.__main__ import main
from reports.page import cpu_headline, gpu_headline, headline, sheet
from reports.tables import Cell, Column, Table
from tests.reports.test_frontier_view import frontier

Case = Callable[..., dict[str, Any]]
Save = Callable[..., str]

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
GPU = {"device": "cuda", "cores": 16, "size": 200}
VOID = {"meta", "br", "img", "input", "link", "path", "use", "rect"}


class Parsed(HTMLParser):
    """Elements as (name, attributes), and the text inside each kind of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self.texts[tag][-1] += data

    def names(self) -> set[str]:
        return {name for name, _ in self.elements}

    def ids(self) -> list[str]:
        return [each["id"] or "" for _, each in self.elements if "id" in each]

    def text(self, tag: str) -> str:
        return " ".join(" ".join(self.texts.get(tag, ())).split())


@pytest.fixture
def page(capsys: pytest.CaptureFixture[str]) -> Callable[..., Parsed]:
    """Write the page of files and parse it; all of it in ``build/report``."""

    def write(*files: str, code: int = 0) -> Parsed:
        assert main(["page", *files]) == code
        assert capsys.readouterr().out == "build/report/index.html\n"
        return Parsed(Path("build/report/index.html").read_text(encoding="utf-8"))

    return write


@pytest.fixture
def gpu(save: Save, case: Case) -> str:
    """A GPU with both pools against 1 and 4 cores, three launches each."""
    return save(
        "gpu.json",
        *(
            case([t], [t * 1.01], [t * 0.99], **axes)
            for t, axes in (
                (8.0, {"cores": 1, "size": 200}),
                (3.0, {"cores": 4, "size": 200}),
                (0.2, {**GPU, "cnmem": "0"}),
                (0.1, {**GPU, "cnmem": "1"}),
            )
        ),
    )


@pytest.fixture
def sizes(save: Save, case: Case) -> str:
    """A GPU with both pools at two sizes, which give figures 3 to 5."""
    cases = [
        case([t], device="cuda", cores=16, size=size, cnmem=pool)
        for t, size, pool in ((1, 64, "0"), (1, 64, "1"), (2, 200, "0"), (2, 200, "1"))
    ]
    return save("sizes.json", *cases)


def test_page_has_headline_tables_facts_and_commands(
    gpu: str, page: Callable[..., Parsed]
) -> None:
    content = json.loads(Path(gpu).read_bytes())
    content["command"] = "pytest benchmarks --sizes 200 --cores 1,4 > 'out'"
    Path(gpu).write_text(json.dumps(content))
    found = page(gpu)
    assert found.texts["h1"] == [
        "With theano, one GPU trains this CNN 30.0 times as fast as 4 CPU cores, and "
        "80.0 times as fast as 1 CPU core."
    ]
    assert {"speedup", "pool", "scaling", "commands", "not-shown"} <= set(found.ids())
    assert "4.49" not in found.text("td")  # the paper's 16 cores were not measured
    assert "7.58" in found.text("td")
    assert "Xeon, 16 CPUs" in found.text("dd")
    assert found.texts["code"][0] == content["command"]
    assert "gpu.json" in found.text("h3")
    assert "saved 2026-11-21 20:42 UTC; commit c0ffee" in found.text("p")


def test_view_without_data_is_left_out_with_its_reason(
    gpu: str, page: Callable[..., Parsed]
) -> None:
    found = page(gpu)
    assert "frontier" not in found.ids()
    assert "no memory frontier in gpu.json" in found.text("dd")


def test_nothing_to_show_is_one_line(
    gpu: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reports.page.content.views.names", lambda: ("frontier",))
    monkeypatch.setattr("reports.__main__.views.names", lambda: ("frontier", "page"))
    assert main(["page", gpu]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("reports: frontier: no memory frontier in gpu.json; ")


def test_what_could_not_be_read_stands_in_the_page(
    gpu: str, page: Callable[..., Parsed]
) -> None:
    Path("bad.json").write_text("{")
    assert "bad.json: " in page(gpu, "bad.json", code=2).text("dd")


def test_a_file_that_is_one_views_alone_needs_no_word(
    gpu: str, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder holds grids and frontiers, and each view takes its own."""
    other = save("largest.json", frontier(1484, 1576))
    assert main(["page", gpu, other]) == 0
    assert not capsys.readouterr().err


def test_same_files_give_the_same_bytes(gpu: str, page: Callable[..., Parsed]) -> None:
    page(gpu)
    first = Path("build/report/index.html").read_bytes()
    page(gpu)
    assert Path("build/report/index.html").read_bytes() == first


def test_names_never_become_markup(
    save: Save, case: Case, page: Callable[..., Parsed]
) -> None:
    """Of a hostile file nothing is an element, an attribute or a script."""
    plain, found = (page(_everywhere(save, case, name)) for name in ("theano", HOSTILE))
    assert found.names() == plain.names()
    for element in ("script", "style", "img"):
        assert len(found.texts.get(element, [])) == len(plain.texts.get(element, []))
    attributes = {name for _, each in found.elements for name in each}
    assert attributes == {name for _, each in plain.elements for name in each}
    assert found.texts["code"][0] == HOSTILE
    assert HOSTILE in found.texts["h1"][0]


def _everywhere(save: Save, case: Case, name: str) -> str:
    """A file that has ``name`` wherever it may hold one."""
    three = ([1.0], [1.1], [0.9])
    axes = {"engine": name, "loop": name, "precision": name, "notes": [name]}
    on_gpu = {**axes, "device": "cuda", "cores": 16}
    file = save(
        "run.json",
        case(*three, **axes),
        case(*three, **axes, cores=2),
        case(*three, **on_gpu, cnmem=name),
        case(*three, **on_gpu, cnmem="0", dataset=name),
        {"name": name, "stats": {"median": 0.1}},
        node=name,
    )
    content = json.loads(Path(file).read_bytes())
    content["machine_info"]["cpu"]["brand_raw"] = name
    content["commit_info"]["id"] = content["command"] = content["datetime"] = name
    Path(file).write_text(json.dumps(content))
    return file


def test_page_loads_nothing_and_its_policy_knows_its_script_and_style(
    gpu: str, page: Callable[..., Parsed]
) -> None:
    found = page(gpu)
    loading = {"src", "srcset", "data", "action", "poster", "background", "style"}
    for name, attributes in found.elements:
        assert not loading & set(attributes), name
        assert name not in ("link", "base", "iframe", "object", "embed", "form")
        for each in ("href", "xlink:href"):
            assert (attributes.get(each) or "#").startswith("#")
    text = Path("build/report/index.html").read_text(encoding="utf-8")
    namespaces = r'xmlns(:xlink)?="http://www\.w3\.org/[a-z0-9/]+"'
    assert not re.search("https?:", re.sub(namespaces, "", text))
    assert not re.search(r"url\((?!#)|@import", text)
    (policy,) = [
        each["content"] or ""
        for _, each in found.elements
        if each.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == (
        "default-src 'none'; "
        f"style-src '{_digest(found.texts['style'])}'; "
        f"script-src '{_digest(found.texts['script'])}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(texts: list[str]) -> str:
    (text,) = texts
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256-{digest.decode()}"


def test_ids_are_unique_and_links_lead_somewhere(
    gpu: str, page: Callable[..., Parsed]
) -> None:
    found = page(gpu)
    ids = found.ids()
    assert len(ids) == len(set(ids))
    links = {each["href"] or "" for name, each in found.elements if name == "a"}
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_points_of_figures_have_titles(sizes: str, page: Callable[..., Parsed]) -> None:
    """Without a script the browser shows them over the points."""
    found = page(sizes)
    points = [each for _, each in found.elements if each.get("class") == "point"]
    assert points
    titles = found.texts["title"][1:]  # the first is the page's
    assert len(titles) == len(points)
    assert any("200 px" in title and "launch" in title for title in titles)


def test_figures_that_are_too_many_are_counted(
    sizes: str, page: Callable[..., Parsed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Figures 3 to 5 of these, of which one is shown."""
    assert page(sizes).text("b").count("Figure ") == 3
    monkeypatch.setattr("reports.page.drawn._MOST", 1)
    found = page(sizes)
    assert found.text("b").count("Figure ") == 1
    assert "2 more figures are drawn by" in found.text("dd")


def test_500_cases_take_less_than_3_megabytes(
    save: Save, case: Case, page: Callable[..., Parsed]
) -> None:
    three = ([1.0, 1.1], [1.1, 1.0], [0.9, 1.0])
    cases = [
        case(*three, engine=engine, size=size, batch=batch, cores=cores, **on)
        for engine in ("theano", "tensorflow", "jax", "torch")
        for size in (32, 64, 128, 180, 200)
        for batch in (10, 20, 50, 100, 150)
        for cores, on in (
            *((cores, {}) for cores in (1, 4, 16)),
            *((16, {"device": "cuda", "cnmem": pool}) for pool in ("0", "1")),
        )
    ]
    file = save("many.json", *cases)
    assert len(cases) == 500
    page(file)
    assert Path("build/report/index.html").stat().st_size < 3_000_000


@pytest.mark.parametrize("module", ["jinja2", "matplotlib"])
def test_missing_library_costs_one_clear_line(
    module: str,
    sizes: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without Jinja2 there is no page; without Matplotlib one without figures."""
    for name in [each for each in sys.modules if each.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    code = main(["page", sizes])
    written = Path("build/report/index.html")
    if module == "jinja2":
        assert code == 2
        assert capsys.readouterr().err == (
            "reports: a page needs Jinja2, which this Python has not: run it with "
            ".envs/bench/bin/python, which `make report` sets up\n"
        )
        assert not written.exists()
    else:
        assert code == 0
        found = Parsed(written.read_text(encoding="utf-8"))
        assert "atplotlib" in found.text("dd")
        assert "figures" not in found.ids()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2×1 [a]", 2),
        ("0.485 ± 0.030", 0.485),
        ("≥ 65536", 65536),
        ("1 (baseline)", 1),
        ("−3.5 %", -3.5),
        ("1,330 MB", 1330),
        ("77.6†", 77.6),
        (0.25, 0.25),
        ("—", None),
        ("grow", None),
        ("out of memory", None),
        ("", None),
        (None, None),
    ],
)
def test_cells_sort_by_the_number_that_they_begin_with(
    cell: Cell, expected: float | None
) -> None:
    assert sheet.number(cell) == expected


def test_sheet_marks_what_sorts_by_number_and_what_has_a_select_box() -> None:
    columns = (
        Column("engine", ("a", "b") * 3, "left"),
        Column("cores", (1, 2, 4, 1, 2, 4)),
        Column("cnmem", ("0", "grow") * 3),
        Column("epoch (s)", ("1.0", "2.0", "—", "1 of 2", "out of memory", "0.5")),
        Column("loop", ("fit",) * 6, "left", said=True),
        Column("source", ("x" * 60,) * 6, "left"),
    )
    found = sheet.sheet(Table(shown=columns, data=(), above=("a", "b")), "T", {"a"})
    told = [(h.text, h.setting, h.is_numeric, h.is_chosen_by) for h in found.headings]
    assert told == [
        ("engine", "", False, True),
        ("cores", "n", True, True),
        ("cnmem", "n", True, True),
        ("epoch (s)", "n", True, False),
        ("source", "t", False, False),
    ]
    assert [row[3].key for row in found.rows] == ["1", "2", "", "1", "", None]
    assert found.above == ("b",)


def test_headline_without_3_launches_has_no_interval(save: Save, case: Case) -> None:
    """The ratio is given roughly, with a mark and a line that says why."""
    file = save(
        "run.json",
        case([8.0], size=200),
        case([0.13], **GPU, cnmem="1"),
    )
    found = gpu_headline.of(saved.read([Path(file)]).cases)
    assert found is not None
    assert found.claim == (
        "With theano, one GPU trains this CNN about 62 times as fast as 1 CPU core."
    )
    measured = found.lines[0].figures[0]
    assert measured is not None
    assert (measured.value, measured.range) == ("61.5*", "")
    assert any(note.startswith("* No interval") for note in found.notes)


def test_headline_claims_no_difference_where_a_narrow_interval_holds_1(
    save: Save, case: Case
) -> None:
    file = save(
        "run.json",
        case([1.0], [1.02], [0.99]),
        case([0.99], [1.01], [1.0], cores=2),
    )
    found = cpu_headline.of(saved.read([Path(file)]).cases)
    assert found is not None
    assert found.claim == (
        "On 2 cores, theano trains this CNN no faster, as far as these launches tell, "
        "than on 1."
    )


def test_headline_does_not_know_where_a_wide_interval_holds_1(
    save: Save, case: Case
) -> None:
    """What launches leave open is not that there is nothing."""
    file = save(
        "run.json",
        case([1.0], [1.2], [0.9]),
        case([0.5], [1.1], [0.7], cores=2),
    )
    found = cpu_headline.of(saved.read([Path(file)]).cases)
    assert found is not None
    assert found.claim == (
        "On 2 cores, theano trains this CNN faster or slower than on 1, by how much is "
        "not known (1.4 times as fast, 95 % interval 0.60–3.3)."
    )


@pytest.mark.parametrize(
    ("low", "high", "is_known"),
    [
        (0.8, 1.25, True),
        (0.79, 1.25, False),
        (0.8, 1.26, False),
        (1.01, 9.0, True),
        (0.05, 0.99, True),
    ],
)
def test_headline_tells_narrow_intervals_around_1_from_wide_ones(
    low: float, high: float, is_known: bool
) -> None:
    """One that does not hold 1 tells at least who is faster."""
    claim = headline.claim("It", [(stats.Speedup(1.0, low, high), "that")])
    assert ("not known" in claim) == (not is_known)
    assert ("no faster" in claim) == (is_known and low <= 1 <= high)


def test_headline_with_one_unknown_speed_up_is_one_sentence() -> None:
    unknown, fast = stats.Speedup(1.412, 0.085, 9.242), stats.Speedup(3.0, 2.9, 3.1)
    assert headline.claim("It", [(fast, "one"), (unknown, "two")]) == (
        "It trains this CNN 3.00 times as fast as one, and faster or slower than two, "
        "by how much is not known (1.4 times as fast, 95 % interval 0.085–9.2)."
    )


@pytest.mark.parametrize(
    ("launches", "words"),
    [
        ((2.0,), "takes about 2.0 times as long as 1 CPU core to train this CNN."),
        (
            (2.0, 2.02, 1.98),
            "takes 2.00 times as long as 1 CPU core to train this CNN.",
        ),
    ],
)
def test_headline_says_how_many_times_as_long_what_is_slower_takes(
    launches: tuple[float, ...], words: str, save: Save, case: Case
) -> None:
    file = save(
        "run.json",
        case([1.0], [1.01], [0.99], size=200),
        case(*[[seconds] for seconds in launches], **GPU, cnmem="1"),
    )
    found = gpu_headline.of(saved.read([Path(file)]).cases)
    assert found is not None
    assert found.claim == f"With theano, one GPU {words}"


def test_headline_of_the_slower_and_the_faster_is_one_sentence() -> None:
    slow, slower = stats.Speedup(0.5, None, None), stats.Speedup(0.25, 0.2, 0.3125)
    fast = stats.Speedup(3.0, None, None)
    said = {
        headline.claim("It", told)
        for told in (
            [(slow, "two"), (slower, "four")],
            [(slow, "two"), (fast, "one")],
            [(fast, "one"), (slow, "two")],
        )
    }
    assert said == {
        "It takes about 2.0 times as long as two to train this CNN, and 4.0 times as "
        "long as four.",
        "It takes about 2.0 times as long as two to train this CNN, and trains this "
        "CNN about 3.0 times as fast as one.",
        "It trains this CNN about 3.0 times as fast as one, and takes about 2.0 times "
        "as long as two.",
    }


def test_headline_on_more_cores_that_are_slower(save: Save, case: Case) -> None:
    file = save("run.json", case([1.0]), case([2.0], cores=2))
    found = cpu_headline.of(saved.read([Path(file)]).cases)
    assert found is not None
    assert found.claim == (
        "On 2 cores, theano takes about 2.0 times as long as on 1 to train this CNN."
    )


@pytest.mark.parametrize("commit", ["c0ffee", "beef"])
def test_headline_tells_of_other_commits(commit: str, save: Save, case: Case) -> None:
    """On either side of a GPU's speed-up, and of that of cores."""
    save("old.json", case([8.0], size=200))
    save("new.json", case([0.1], **GPU, cnmem="1"), commit=commit)
    save("more.json", case([4.0], cores=2, size=200), commit=commit)
    of_gpu, of_cpu = (
        find(saved.read([Path("old.json"), Path(other)]).cases)
        for find, other in (
            (gpu_headline.of, "new.json"),
            (cpu_headline.of, "more.json"),
        )
    )
    assert of_gpu is not None
    assert of_cpu is not None
    figure = of_gpu.lines[0].figures[0]
    assert figure is not None
    other = commit == "beef"
    assert ("§" in figure.value) == other
    for found in (of_gpu, of_cpu):
        assert any("different commits" in note for note in found.notes) == other


@pytest.mark.parametrize("unlike", [{"loop": "fused"}, {"images": 3000}])
def test_headline_has_no_papers_row_beside_what_it_did_not_do(
    unlike: dict[str, Any], save: Save, case: Case
) -> None:
    file = save(
        "run.json",
        case([8.0], size=200, **unlike),
        case([0.1], **GPU, cnmem="1", **unlike),
    )
    found = gpu_headline.of(saved.read([Path(file)]).cases)
    assert found is not None
    assert not any(line.is_paper for line in found.lines)


def test_headline_has_the_papers_row_only_where_it_printed_one(
    save: Save, case: Case
) -> None:
    file = save(
        "run.json",
        case([8.0], size=64, cores=1),
        case([0.1], **{**GPU, "size": 64}, cnmem="1"),
    )
    found = gpu_headline.of(saved.read([Path(file)]).cases)
    assert found is not None
    assert not any(line.is_paper for line in found.lines)
    assert any("none stands beside these" in note for note in found.notes)


def test_headline_of_cores_speaks_of_the_engine_measured_most_widely(
    save: Save, case: Case
) -> None:
    """Not of the one that scales best."""
    file = save(
        "run.json",
        *(case([8.0 / n], cores=n, engine="torch") for n in (1, 2)),
        *(case([8.0 / n**0.5], cores=n) for n in (1, 2, 4)),
        case([9.0], cores=8, size=200),  # no case of its own on 1 core
    )
    found = cpu_headline.of(saved.read([Path(file)]).cases)
    assert found is not None
    assert (
        found.claim
        == "On 4 cores, theano trains this CNN about 2.0 times as fast as on 1."
    )
    assert found.headings == ("4 cores", "2 cores")
    assert [[f and f.value for f in line.figures] for line in found.lines] == [
        ["2.00*", "1.41*"],
        [None, "2.00*"],
    ]


def test_page_of_one_case_claims_nothing(
    save: Save, case: Case, page: Callable[..., Parsed]
) -> None:
    found = page(save("run.json", case()))
    assert found.texts["h1"] == ["No two cases in these files tell of a speed-up."]
    assert "figures" not in found.ids()
    assert "no GPU case in these files has a time" in found.text("dd")
