"""The page in Debian's Chromium, used as a reader uses it: see `browser_check`."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from tests.conftest import ROOT

PYTHON = ROOT / ".envs/browser/bin/python"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
RESULTS = ROOT / "results/h100"
LAYOUTS = [f"{scheme} {width}" for scheme in ("light", "dark") for width in (1400, 380)]

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium here: apt-get install chromium"
    ),
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="no .envs/browser here: python3 tools/env.py browser (make test does)",
    ),
]

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What the browser sees of this repository's results, and of a hostile file."""
    folder = tmp_path_factory.mktemp("page")
    hostile = folder / "hostile.json"
    hostile.write_text(_hostile())
    assert main(["page", str(RESULTS), str(hostile), "--output", str(folder)]) == 0
    script = Path(__file__).with_name("browser_check.py")
    done = subprocess.run(
        [PYTHON, script, str(CHROMIUM), folder / "index.html"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Seen = json.loads(done.stdout)
    return found


def test_browser_has_nothing_to_complain_of(seen: Seen) -> None:
    """No error, no breach of the page's policy, and no request beyond the page."""
    assert seen["console"] == []
    assert seen["violations"] == []
    assert seen["requests"] == []


def _hostile() -> str:
    """The CPU's results as another machine's, with `HOSTILE` for an engine."""
    content = json.loads((RESULTS / "theano-cpu-200px.json").read_bytes())
    for case in content["benchmarks"]:
        case["params"]["engine"] = case["extra_info"]["job"]["engine"] = HOSTILE
        case["fullname"] = case["name"] = HOSTILE
    content["machine_info"]["node"] = content["command"] = HOSTILE
    return json.dumps(content)


def test_hostile_names_are_there_to_be_read(seen: Seen) -> None:
    """They are text, and did nothing: see the test above."""
    engines = {row[0] for row in seen["filtering"]["all"]["rows"]}
    results = [json.loads(path.read_bytes()) for path in RESULTS.glob("*.json")]
    cases = [case for content in results for case in content["benchmarks"]]
    assert engines == {HOSTILE, *(case["params"]["engine"] for case in cases)}


def test_column_sorts_by_number_up_down_and_as_it_was(seen: Seen) -> None:
    sorting = seen["sorting"]
    as_it_came = sorting["epoch (s), as it came"]["cells"]
    values = [_number(cell) for cell in as_it_came]
    turns = [sorting[f"epoch (s), {turn}"] for turn in ("first", "second", "third")]
    assert [_number(cell) for cell in turns[0]["cells"]] == sorted(values)
    assert [_number(cell) for cell in turns[1]["cells"]] == sorted(values, reverse=True)
    assert turns[2]["cells"] == as_it_came
    assert [turn["state"] for turn in turns] == ["ascending", "descending", None]
    # as text 12.0 would come before 4.40
    assert sorted(as_it_came) != turns[0]["cells"]


def test_column_sorts_by_text(seen: Seen) -> None:
    sorting = seen["sorting"]
    devices = sorting["device, as it came"]["cells"]
    assert sorting["device, first"]["cells"] == sorted(devices)
    assert sorting["device, second"]["cells"] == sorted(devices, reverse=True)
    assert len(set(devices)) == 2


def test_one_column_at_a_time_is_marked_as_sorted(seen: Seen) -> None:
    counts = {key: found["sorted"] for key, found in seen["sorting"].items()}
    assert counts["device, first"] == counts["device, second"] == 1
    assert counts["device, third"] == 0


def test_cells_without_a_number_come_last_both_ways(seen: Seen) -> None:
    """Where a case has no baseline there is a dash in its place."""
    for turn in ("first", "second"):
        cells = seen["sorting"][f"speed-up, {turn}"]["cells"]
        numbers = [cell for cell in cells if cell != "—"]
        assert 0 < len(numbers) < len(cells)
        assert cells[: len(numbers)] == numbers


def test_keys_sort_too(seen: Seen) -> None:
    up, down = (seen["sorting"][f"cores, {key}"] for key in ("Enter", "Space"))
    values = [int(cell) for cell in up["cells"]]
    assert values == sorted(values)
    assert [int(cell) for cell in down["cells"]] == values[::-1]
    assert (up["state"], down["state"]) == ("ascending", "descending")


def test_words_and_choices_leave_the_rows_that_have_them(seen: Seen) -> None:
    found = seen["filtering"]
    every = found["all"]["rows"]
    assert found["all"]["count"] == f"{len(every)} rows"
    words = [row for row in every if "cuda" in row and "180" in " ".join(row)]
    assert found["words"]["rows"] == words
    assert found["words"]["count"] == f"{len(words)} of {len(every)} rows"
    assert found["choice"]["rows"] == [row for row in every if "cuda" in row]
    assert found["nothing"] == {"rows": [], "count": f"0 of {len(every)} rows"}
    assert found["cleared"] == found["all"]


def test_select_boxes_list_the_values_in_their_order(seen: Seen) -> None:
    assert seen["filtering"]["options"] == {
        "device": ["all", "cpu", "cuda"],
        "size": ["all", "32", "64", "128", "180", "200"],
    }


def test_points_tell_their_values_under_the_mouse(seen: Seen) -> None:
    hovering = seen["hovering"]
    assert hovering["points"] > 2
    assert not hovering["before"]
    for name in ("first", "last"):
        assert hovering[name]["tip"] == hovering[name]["label"] != ""
        assert hovering[name]["inside"]
    assert not hovering["away"]


def test_points_tell_their_values_to_the_keyboard(seen: Seen) -> None:
    """A figure is one stop of the tabulator; arrows go from point to point."""
    hovering = seen["hovering"]
    assert [hovering["focused"], hovering["next"]] == hovering["labels"]
    assert hovering["focused"] != hovering["next"]
    assert not hovering["escaped"]
    assert hovering["tab stops"] == 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_page_is_no_wider_than_the_window(layout: str, seen: Seen) -> None:
    found = seen["layout"][layout]
    assert found["page"] == found["window"]
    assert found["outside"] == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_text_is_easy_to_read(layout: str, seen: Seen) -> None:
    """WCAG's 4.5 to 1 for all text, in the figures too."""
    found = seen["layout"][layout]
    assert found["contrast"]["ratio"] >= 4.5, found["contrast"]["text"]


def test_page_is_dark_where_the_reader_likes_it_so(seen: Seen) -> None:
    backgrounds = [seen["layout"][layout]["background"] for layout in LAYOUTS]
    assert backgrounds[0] == backgrounds[1] == "rgb(255, 255, 255)"
    assert backgrounds[2] == backgrounds[3] != backgrounds[0]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_headings_stay_while_a_long_table_scrolls(layout: str, seen: Seen) -> None:
    found = seen["layout"][layout]
    assert found["box scrolled"] > 0
    assert abs(found["heading moved"]) < 1


def test_paper_gets_the_whole_table_dark_on_light(seen: Seen) -> None:
    paper = seen["paper"]
    assert paper["cut"] <= 0
    assert paper["background"] == "rgb(255, 255, 255)"
    assert paper["contrast"]["ratio"] >= 4.5, paper["contrast"]["text"]
    assert paper["controls"] == 0
    assert paper["pdf"] > 0


def test_without_scripts_all_of_it_can_be_read(seen: Seen) -> None:
    found = seen["without_script"]
    assert found["rows"] == len(seen["filtering"]["all"]["rows"])
    assert found["titles"] == seen["hovering"]["points"]
    assert found["controls"] == 0
    assert "times as fast" in found["claim"]


def _number(cell: str) -> float:
    return float(cell.split(maxsplit=1)[0])
