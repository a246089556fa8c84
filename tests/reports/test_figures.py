"""``python -m reports figures``: which figures the cases give, and in which files."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from reports import figures, saved
from reports.__main__ import main

Record = dict[str, Any]
Case = Callable[..., Record]
Save = Callable[..., str]
Mutants = Callable[[str, int, int], Iterator[str]]

GPU = {"device": "cuda", "cores": 16}
SVG_ALONE = ["--formats", "svg"]
BATCHES = (20, 50)  # the fewest that figure 6 is drawn of
MANIFEST = ".histocnn-figures"


@pytest.fixture
def gpu(case: Case) -> Case:
    """A case on a named GPU: a launch of one round for each of the seconds."""

    def make(*seconds: float, **axes: Any) -> Record:
        record = case(*[[each] for each in seconds], **{**GPU, **axes})
        for launch in record["extra_info"]["launches"]:
            launch["device_name"] = "GTX 980"
        return record

    return make


@pytest.fixture
def grid(save: Save, case: Case, gpu: Case) -> str:
    """Sizes, batches, pools and cores; three, two and one launches of a case."""
    found = []
    for size, batch, pool in product((64, 200), (10, 50, 150), ("0", "1")):
        seconds = size / 200 + 2 / batch + (0.1 if pool == "0" else 0)
        launches = range({10: 3, 50: 2, 150: 1}[batch])
        scatter = [seconds * (1 + 0.02 * number) for number in launches]
        found.append(gpu(*scatter, size=size, batch=batch, cnmem=pool))
    for batch, cores in product((10, 50, 150), (2, 1)):
        scatter = [10 / cores * (1 + 0.01 * number) for number in range(3)]
        several = [[seconds] for seconds in scatter]
        found.append(case(*several, size=200, batch=batch, cores=cores))
    return save("grid.json", *found)


@pytest.fixture
def two(save: Save, case: Case) -> str:
    """Two sizes with a pool: one figure, ``figure-4-theano-fused``."""
    cases = [case([0.1], **GPU, size=s, cnmem="1", loop="fused") for s in (64, 200)]
    return save("two.json", *cases)


def selected(*names: str, style: str = "default") -> figures.Selection:
    return figures.select(saved.read([Path(name) for name in names]), style)


def names(selection: figures.Selection) -> list[str]:
    return [drawing.name for drawing in selection.drawings]


def written(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The names of the files that a run wrote, as it tells them."""
    assert main(["figures", *arguments]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert all(path.is_file() for path in paths)
    return [path.name for path in paths]


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
        "64 px, batch 10, cnmem 0: 0.632 s (95 %: 0.602–0.664), 3 launches",
        "200 px, batch 10, cnmem 0: 1.33 s (95 %: 1.26–1.39), 3 launches",
        "64 px, batch 50, cnmem 0: 0.465 s (range 0.460–0.469), 2 launches",
        "200 px, batch 50, cnmem 0: 1.15 s (range 1.14–1.16), 2 launches",
        "64 px, batch 150, cnmem 0: 0.433 s, 1 launch",
        "200 px, batch 150, cnmem 0: 1.11 s, 1 launch",
    ]
    assert [point.label for point in sixth.points[:3]] == [
        "200 px, batch 10, cnmem 0, 2 cores: 3.81 × (95 %: 3.66–3.97), "
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
        "two launches. No error bar: one launch, and no word on the error; or a bar "
        "that is shorter than its mark. Hollow mark: fewer than 3 launches. theano, "
        "loop fit, float32, 300 images an epoch, dataset tissue, seed 0, GTX 980, "
        "beside Xeon, 16 CPUs."
    )
    assert captions["figure-6-theano-fit"] == (
        "Speed-up against batch size, a line for each memory pool, a panel for each "
        "number of CPU cores. Speed-up = seconds of an epoch on the CPU / seconds on "
        "the GPU. Error bars with caps: 95 % interval over launches (Welch, on "
        "logarithms). Error bars without caps: lowest and highest ratio of any two "
        "launches. No error bar: one launch on a side, and no word on the error; or a "
        "bar that is shorter than its mark. Hollow mark: fewer than 3 launches on a "
        "side. Line across: the paper's highest against "
        "so many cores (theano on a GTX-980, cnmem = 1, against tensorflow on a Core "
        "i7); above each panel the highest here. On the CPU: theano. theano, loop fit, "
        "float32, 300 images an epoch, dataset tissue, seed 0, GTX 980, beside Xeon, "
        "16 CPUs."
    )


def test_captions_name_cases_without_a_time_and_other_arithmetic(
    save: Save, case: Case, gpu: Case, untimed: Case
) -> None:
    pool = {"cnmem": "1", "precision": "tf32"}
    name = save(
        "run.json",
        *[gpu(0.1, size=s, batch=b, **pool) for s in (64, 200) for b in BATCHES],
        *[case([2.0], size=200, batch=b, precision="float32") for b in BATCHES],
        outcomes=[untimed("out-of-memory", **GPU, size=200, batch=60, **pool)],
    )
    fourth, sixth = selected(name).drawings
    assert fourth.name == "figure-4-theano-fit-tf32"
    assert fourth.caption.endswith(
        "No time: 200 px, batch 60, cnmem 1 (out of memory)."
    )
    assert "differ (tf32 against float32), and part of the ratio" in sixth.caption


def test_the_papers_style_has_a_file_a_panel(grid: str) -> None:
    """A letter each in the paper's order: batches ascending, cores descending."""
    drawings = selected(grid, style="paper").drawings
    assert {each.name: each.heading for each in drawings} == {
        "figure-3-theano-fit": "Without a memory pool (cnmem = 0)",
        "figure-4-theano-fit": "With a memory pool (cnmem = 1)",
        "figure-5a-theano-fit": "Training time by memory pool, batch 10",
        "figure-5b-theano-fit": "Training time by memory pool, batch 50",
        "figure-5c-theano-fit": "Training time by memory pool, batch 150",
        "figure-6a-theano-fit": "Speed-up over CPU cores at 200 px, 2 cores",
        "figure-6b-theano-fit": "Speed-up over CPU cores at 200 px, 1 core",
    }
    captions = [each.caption for each in drawings if each.name[7:9] in ("5a", "5c")]
    assert ["caps" in caption for caption in captions] == [True, False]
    assert drawings[2].title.startswith("Figure 5a, batch 10: training time with each")


def test_names_say_what_the_paper_has_not(save: Save, case: Case, gpu: Case) -> None:
    """Other pools, other sizes, other loops and precisions; and the best CPU engine."""
    fused = {"loop": "fused", "engine": "jax"}
    name = save(
        "run.json",
        *[
            gpu(0.1, size=size, batch=b, cnmem=pool, precision=precision, **fused)
            for b in BATCHES
            for size in (64, 200)
            for pool in ("0", "0.5", "grow")
            for precision in ("float32", "bfloat16")
        ],
        *[case([2.0], size=s, batch=b, **fused) for s in (64, 200) for b in BATCHES],
        *[case([1.0], engine="torch", size=64, batch=b) for b in BATCHES],
    )
    assert names(selected(name)) == [
        "figure-3-jax-fused",
        "figure-4-cnmem-0-5-jax-fused",
        "figure-4-cnmem-grow-jax-fused",
        "figure-5-jax-fused",
        "figure-6-64px-jax-fused",
        "figure-6-jax-fused",
        "figure-6-64px-against-best-jax-fused",
        "figure-3-jax-fused-bfloat16",
        "figure-4-cnmem-0-5-jax-fused-bfloat16",
        "figure-4-cnmem-grow-jax-fused-bfloat16",
        "figure-5-jax-fused-bfloat16",
        "figure-6-64px-jax-fused-bfloat16",
        "figure-6-jax-fused-bfloat16",
        "figure-6-64px-against-best-jax-fused-bfloat16",
    ]


def test_machines_have_figures_of_their_own(
    save: Save, gpu: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same setting elsewhere has a number, in all of its names alike."""
    for node in ("one", "two"):
        cases = [gpu(0.1, size=s, cnmem=p) for s in (64, 200) for p in ("0", "1")]
        save(f"{node}.json", *cases, node=node)
    found = written(capsys, "one.json", "two.json", *SVG_ALONE)
    assert found == [
        *[f"figure-{number}-theano-fit.svg" for number in (3, 4, 5)],
        *[f"figure-{number}-theano-fit-2.svg" for number in (3, 4, 5)],
        "captions.txt",
    ]


def test_other_data_or_epochs_have_figures_of_their_own(save: Save, gpu: Case) -> None:
    """No line connects what was measured with other images or settings of a job."""
    cases = [
        gpu(0.1, size=size, cnmem="0", **job)
        for size in (64, 200)
        for job in ({}, {"images": 600}, {"dataset": "glas"}, {"gpu_memory": 4096})
    ]
    drawings = selected(save("run.json", *cases)).drawings
    assert [len(each.points) for each in drawings] == [2] * 4
    told = [each.caption for each in drawings]
    for fact in ("600 images", "dataset glas", "gpu_memory 4096"):
        assert sum(fact in caption for caption in told) == 1


def test_the_papers_values_stand_beside_their_like_only(
    save: Save, case: Case, gpu: Case
) -> None:
    """At 200 px, with cnmem = 1, against numbers of cores that it has."""
    at = [{"size": size, "batch": b} for size in (64, 200) for b in BATCHES]
    cases = [gpu(0.1, cnmem="1", **axes) for axes in at]
    cpus = [case([1.0], cores=n, **axes) for axes in at for n in (1, 3)]
    name = save("run.json", *cases, gpu(0.1, size=64, cnmem="0"), *cpus)
    references = {
        drawing.name: [panel.reference for panel in drawing.panels]
        for drawing in selected(name).drawings
        if drawing.is_speedup
    }
    assert references == {
        "figure-6-64px-theano-fit": [None, None],
        "figure-6-theano-fit": [None, 16.19],
    }


@pytest.mark.parametrize(
    "unlike",
    [
        {"loop": "fused"},
        {"precision": "bfloat16"},
        {"images": 3000},
        {"cnmem": "0"},
        {"size": 180},
    ],
)
def test_the_papers_values_do_not_stand_beside_what_it_did_not_do(
    save: Save, case: Case, gpu: Case, unlike: Record
) -> None:
    axes: Record = {"size": 200, "cnmem": "1", **unlike}
    cpu = {name: value for name, value in axes.items() if name != "cnmem"}
    cases = [[gpu(0.1, batch=b, **axes), case([1.0], batch=b, **cpu)] for b in BATCHES]
    name = save("run.json", *cases[0], *cases[1])
    (sixth,) = selected(name).drawings
    assert [panel.reference for panel in sixth.panels] == [None]
    assert "Line across" not in sixth.caption


def test_the_papers_values_do_not_stand_beside_the_best_engines(
    save: Save, case: Case, gpu: Case
) -> None:
    """It compared with one engine that it chose."""
    name = save(
        "run.json",
        *[gpu(0.1, size=200, batch=b, cnmem="1") for b in BATCHES],
        *[case([2.0], size=200, batch=b) for b in BATCHES],
        *[case([1.0], size=200, batch=b, engine="torch") for b in BATCHES],
    )
    own, best = selected(name).drawings
    assert best.name == "figure-6-against-best-theano-fit"
    assert [panel.reference for panel in own.panels] == [16.19]
    assert [panel.reference for panel in best.panels] == [None]


def test_engines_too_far_apart_to_be_compared_are_drawn_apart(
    save: Save, gpu: Case
) -> None:
    cases = {pool: [gpu(0.1, size=s, cnmem=pool) for s in (64, 200)] for pool in "01"}
    for pool, version in (("0", "1.0.5"), ("1", "2.0.0")):
        for each in cases[pool]:
            for launch in each["extra_info"]["launches"]:
                launch["versions"] = {"theano": version}
    found = names(selected(save("run.json", *cases["0"], *cases["1"])))
    assert found == ["figure-3-theano-fit", "figure-4-theano-fit-2"]


@pytest.mark.parametrize(
    ("sizes", "pools", "told"),
    [
        (
            (64, 200),
            ("1",),
            [
                "no figure 3 of {}: no case with a time has cnmem = 0",
                "no figure 5 of {}: it compares memory pools, and there is cnmem = 1 "
                "alone",
                "no figure 6 of {}: no CPU case of this machine to compare with has a "
                "time",
            ],
        ),
        (
            (64, 200),
            ("0",),
            [
                "no figure 4 of {}: no case with a time has a memory pool",
                "no figure 5 of {}: it compares memory pools, and there is cnmem = 0 "
                "alone",
                "no figure 6 of {}: no CPU case of this machine to compare with has a "
                "time",
            ],
        ),
        (
            (64,),
            ("0", "1"),
            [
                "no figures 3 to 5 of {}: one image size only, 64 px, and they are of "
                "several",
                "no figure 6 of {}: no CPU case of this machine to compare with has a "
                "time",
            ],
        ),
    ],
)
def test_what_cannot_be_drawn_is_told(
    sizes: tuple[int, ...],
    pools: tuple[str, ...],
    told: list[str],
    save: Save,
    gpu: Case,
) -> None:
    cases = [gpu(0.1, size=size, cnmem=pool) for size in sizes for pool in pools]
    setting = "theano, fit, float32 on GTX 980"
    gaps = selected(save("run.json", *cases)).gaps
    assert gaps == tuple([line.format(setting) for line in told])


def test_speedups_at_a_size_with_one_batch_size_are_not_drawn(
    save: Save, case: Case, gpu: Case
) -> None:
    """A panel of one place would show no course; it is told, and others are drawn.

    The numbers are the paper's, so that those that are drawn keep theirs.
    """
    at = [{"size": 64, "batch": 50}, *[{"size": 200, "batch": b} for b in BATCHES]]
    name = save(
        "run.json",
        *[gpu(0.1, cnmem=pool, **axes) for axes in at for pool in "01"],
        *[
            case([2.0 if engine == "theano" else 1.0], engine=engine, **axes)
            for axes in at
            for engine in ("theano", "torch")
        ],
    )
    found = selected(name)
    assert [each for each in names(found) if each.startswith("figure-6")] == [
        "figure-6-theano-fit",
        "figure-6-against-best-theano-fit",
    ]
    assert found.gaps == tuple(
        [
            f"no figure 6 of theano, fit, float32 on GTX 980: against {whom} at 64 px "
            "there is batch size 50 alone, and it is of several"
            for whom in ("the same engine", "the best CPU engine")
        ]
    )


def test_a_batch_size_more_in_any_panel_makes_a_figure_6(
    save: Save, case: Case, gpu: Case
) -> None:
    """The panels share their axis, and each point has its place on it."""
    gpus = [gpu(0.1, size=200, batch=b, cnmem="1") for b in BATCHES]
    one = [case([1.0], size=200, batch=BATCHES[0], cores=n) for n in (1, 2)]
    more = case([1.0], size=200, batch=BATCHES[1], cores=2)
    (sixth,) = selected(save("run.json", *gpus, *one, more)).drawings
    assert [[p.x for p in panel.series[0].points] for panel in sixth.panels] == [
        [20, 50],
        [20],
    ]


def test_gaps_go_to_standard_error_and_the_rest_is_drawn(
    save: Save, gpu: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several settings that lack the same share a line."""
    cases = [
        gpu(0.1, size=size, cnmem="1", engine=engine)
        for size in (64, 200)
        for engine in ("a", "b", "c", "d", "e")
    ]
    assert main(["figures", save("run.json", *cases), *SVG_ALONE]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 6
    assert err.splitlines()[0] == (
        "reports: no figure 3 of a, fit, float32 on GTX 980; b, fit, float32 on GTX "
        "980; c, fit, float32 on GTX 980 and 2 more: no case with a time has cnmem = 0"
    )
    assert len(err.splitlines()) == 3


def test_more_lines_than_anybody_can_read_are_not_drawn(save: Save, gpu: Case) -> None:
    cases = [
        gpu(0.1, size=size, batch=batch, cnmem="0", images=3000)
        for size in (64, 200)
        for batch in range(1, 50)
    ]
    selection = selected(save("run.json", *cases))
    assert selection.drawings == ()
    assert "49 lines are more than the 48 that it can have" in selection.gaps[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cpu.json", "--formats", "svg,pdf"], "'pdf' is none of svg, png"),
        (["cpu.json", "--formats", ""], "'' is none of svg, png"),
        (["cpu.json", "--dpi", "0"], "--dpi '0' is not a whole number from 50 to 1200"),
        (["cpu.json", "--dpi", "٣٠٠"], "is not a whole number"),
        (["gone.json"], "gone.json"),
    ],
)
def test_what_cannot_be_had_is_one_line(
    arguments: list[str],
    message: str,
    save: Save,
    case: Case,
    gpu: Case,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save("cpu.json", case([1.0]))
    save("one.json", gpu(0.1, cnmem="1"))
    assert main(["figures", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("options", "code"), [([], 2), (["--if-any"], 0)])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cpu.json", "nothing to draw: figures 3 to 6 are of a GPU"),
        ("one.json", "nothing to draw: no figures 3 to 5 of theano"),
        ("other.json", "nothing to draw: figures 3 to 6 are of a GPU"),
    ],
)
def test_nothing_to_draw_is_an_error_of_one_line(
    name: str,
    message: str,
    options: list[str],
    code: int,
    save: Save,
    case: Case,
    gpu: Case,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Or a line alone, with --if-any; no file is written or removed."""
    earlier = Path("build/report/figure-3-theano-fit.svg")
    earlier.parent.mkdir(parents=True)
    earlier.write_bytes(b"<svg/>")
    wrote = f"{hashlib.sha256(b'<svg/>').hexdigest()}  {earlier.name}\n"
    earlier.with_name(MANIFEST).write_text(wrote)
    save("cpu.json", case([1.0]))
    save("one.json", gpu(0.1, cnmem="1"))
    save("other.json", {"name": "test_sort", "stats": {"median": 0.25}})
    assert main(["figures", name, *options]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1
    assert {path.name for path in earlier.parent.iterdir()} == {MANIFEST, earlier.name}


def test_figures_of_an_earlier_run_go(grid: str, two: str) -> None:
    """Those of another experiment would stand beside the new; other files stay."""
    folder = Path("build/report")
    folder.mkdir(parents=True)
    others = ["figure-1-mine.svg", "figure-9.png", "index.html"]
    for name in others:
        Path(folder, name).write_bytes(b"")
    assert main(["figures", grid, *SVG_ALONE]) == 0
    assert (folder / "figure-3-theano-fit.svg").exists()
    # what somebody drew in by hand, or put there since, is no longer of that run
    (folder / "figure-5-theano-fit.svg").write_bytes(b"<svg/>")
    assert main(["figures", two, *SVG_ALONE]) == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [
            *[MANIFEST, "captions.txt", "figure-4-theano-fused.svg"],
            *[*others, "figure-5-theano-fit.svg"],
        ]
    )


def test_names_to_be_written_are_written_over_whoever_made_them(two: str) -> None:
    """As --help says; from then on they are a run's own, and go as such."""
    folder = Path("build/report")
    folder.mkdir(parents=True)
    captions, drawn = folder / "captions.txt", folder / "figure-4-theano-fused.svg"
    captions.write_bytes(b"mine")
    drawn.write_bytes(b"mine")
    assert main(["figures", two, *SVG_ALONE]) == 0
    assert b"mine" not in {captions.read_bytes(), drawn.read_bytes()}
    assert main(["figures", two, "--formats", "png", "--dpi", "50"]) == 0
    assert not drawn.exists()


@pytest.mark.parametrize(
    "line",
    ["{}  ../mine.svg", "{}  {folder}/mine.svg", "{}  mine.svg", "{} captions.txt", ""],
)
def test_a_manifest_that_no_run_wrote_counts_for_nothing(line: str, two: str) -> None:
    """With one such line among good ones; what they name stays."""
    folder = Path("build/report")
    folder.mkdir(parents=True)
    digest = hashlib.sha256(b"mine").hexdigest()
    own = folder / "figure-9.svg"
    named = [own, folder / "mine.svg", folder.parent / "mine.svg"]
    for path in named:
        path.write_bytes(b"mine")
    lines = [f"{digest}  {own.name}", line.format(digest, folder=folder.resolve())]
    (folder / MANIFEST).write_text("\n".join([*lines, ""]))
    assert main(["figures", two, *SVG_ALONE]) == 0
    assert [path.read_bytes() for path in named] == [b"mine"] * 3
    (folder / MANIFEST).write_text(f"{lines[0]}\n")
    assert main(["figures", two, *SVG_ALONE]) == 0
    assert not own.exists()


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "bytes"])
def test_what_stands_in_a_manifests_place_is_not_obeyed(kind: str, two: str) -> None:
    """Nor is it waited for; a folder there is an error of one line."""
    folder = Path("build/report")
    folder.mkdir(parents=True)
    (folder / "figure-9.svg").write_bytes(b"mine")
    line = f"{hashlib.sha256(b'mine').hexdigest()}  figure-9.svg\n"
    place = folder / MANIFEST
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
        reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
    elif kind == "link":
        Path("elsewhere").write_text(line)
        place.symlink_to(Path("elsewhere").resolve())
    else:
        place.write_bytes(b"\xff" + line.encode())
    assert main(["figures", two, *SVG_ALONE]) == (2 if kind == "folder" else 0)
    assert (folder / "figure-9.svg").read_bytes() == b"mine"
    if kind == "pipe":
        os.close(reader)


def test_what_a_run_wrote_that_failed_goes_with_the_next(
    grid: str, two: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder is in the way of its second figure: nothing is removed yet."""
    folder = Path("build/report")
    assert main(["figures", two, *SVG_ALONE]) == 0
    (folder / "figure-4-theano-fit.svg").mkdir()
    capsys.readouterr()
    assert main(["figures", grid, *SVG_ALONE]) == 2
    err = capsys.readouterr().err
    assert err == (
        "reports: cannot write build/report/figure-4-theano-fit.svg: Is a directory\n"
    )
    left = {path.name for path in folder.iterdir()}
    assert {"figure-4-theano-fused.svg", "figure-3-theano-fit.svg"} <= left
    assert main(["figures", two, *SVG_ALONE]) == 0
    assert {path.name for path in folder.iterdir()} == {
        *[MANIFEST, "captions.txt", "figure-4-theano-fused.svg"],
        "figure-4-theano-fit.svg",
    }


def test_help_says_what_happens_to_files(capsys: pytest.CaptureFixture[str]) -> None:
    """What is written over, by both views of a folder; what goes, by one."""
    told = {}
    for view in ("figures", "page"):
        with pytest.raises(SystemExit):
            main([view, "--help"])
        told[view] = " ".join(capsys.readouterr().out.split())
    assert all("over files of the same names" in each for each in told.values())
    assert "an earlier run wrote there" in told["figures"]
    assert "an earlier run" not in told["page"]


def test_names_of_files_are_safe_whatever_names_cases_have(
    save: Save, gpu: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """No path, no markup; names that are the same after that have numbers."""
    engines = ("../../etc/passwd", "<script>alert(1)</script>", "\x1b[2J", "引擎", "漢")
    cases = [
        gpu(0.1, size=size, cnmem="$1", engine=engine, loop="a" * 300)
        for size in (64, 200)
        for engine in engines
    ]
    found = written(capsys, save("run.json", *cases), *SVG_ALONE)
    assert len(found) == len(set(found)) == len(engines) + 1
    assert all(re.fullmatch(r"[a-z0-9-]{1,150}\.(svg|txt)", name) for name in found)
    folder = Path("build/report")
    assert {path.name for path in folder.iterdir()} == {*found, MANIFEST}
    # and each is known again for one that a run wrote
    last = [gpu(0.1, size=size, cnmem="1") for size in (64, 200)]
    kept = written(capsys, save("last.json", *last), *SVG_ALONE)
    assert {path.name for path in folder.iterdir()} == {*kept, MANIFEST}


def test_the_same_files_have_the_same_bytes_in_any_order(
    save: Save, gpu: Case, case: Case
) -> None:
    """So do captions, which are beside the figures."""
    cases = [gpu(0.1, size=size, cnmem=pool) for size in (64, 200) for pool in "01"]
    save("gpu.json", *cases)
    save("cpu.json", case([1.0], size=200))
    for folder, files in (
        ("a", ["gpu.json", "cpu.json"]),
        ("b", ["cpu.json", "gpu.json"]),
    ):
        assert main(["figures", *files, "--output", folder, "--dpi", "50"]) == 0
    contents = [
        {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        for folder in ("a", "b")
    ]
    assert contents[0] == contents[1]
    kinds = {Path(name).suffix for name in contents[0].keys() - {MANIFEST}}
    assert kinds == {".svg", ".png", ".txt"}
    captions = contents[0]["captions.txt"].decode()
    assert captions.startswith(
        "figure-3-theano-fit\nFigure 3: training time without a memory pool (cnmem = "
        "0): theano, fit, float32 on GTX 980.\nTraining time of an epoch on the GPU"
    )


def test_bad_files_never_end_in_a_traceback(
    grid: str, mutants: Mutants, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each cut, changed or swapped file is drawn or refused, in at most a few lines."""
    codes = set()
    for _ in mutants(grid, 40, 6):
        codes.add(main(["figures", "bad.json", *SVG_ALONE]))
        assert len(capsys.readouterr().err.splitlines()) < 6
    assert codes == {0, 2}
