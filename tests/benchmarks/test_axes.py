"""The grid: presets, and comma lists that override them."""

import pytest

from benchmarks import axes
from histocnn.errors import InputError

NOTHING: dict[str, str | None] = dict.fromkeys(axes.OPTIONS)


def ids(preset: str, **overrides: str) -> list[str]:
    """Ids of the cases that a command line selects on 16 cores."""
    grid = axes.select(preset, {**NOTHING, **overrides})
    return [job.id for job in axes.jobs(grid, "tissue", all_cores=16)]


def test_quick_covers_both_engines_two_sizes_two_batches_two_cores() -> None:
    """Eight cases, the CPU alone: a size goes with a batch size."""
    assert ids("quick", engines="theano") == [
        "theano-cpu-32px-b10-cores2",
        "theano-cpu-32px-b10-cores1",
        "theano-cpu-64px-b50-cores2",
        "theano-cpu-64px-b50-cores1",
    ]
    assert len(ids("quick")) == 8


def test_sizes_and_batches_of_ones_own_are_crossed() -> None:
    """Each with each, whichever of the two is given."""
    assert len(ids("quick", sizes="32,64,128")) == 2 * 3 * 2 * 2
    assert len(ids("quick", batches="10")) == 2 * 2 * 2


def test_paper_is_the_papers_grid() -> None:
    """5 sizes × 5 batches × (5 core counts + 2 pools) for each engine."""
    cases = ids("paper")
    assert len(cases) == len(set(cases)) == 2 * 5 * 5 * (5 + 2)
    assert "theano-cuda-200px-b150-cnmem1" in cases
    assert "tensorflow-cpu-200px-b150-cores16" in cases


def test_comma_lists_override_one_axis_each() -> None:
    """Spaces around commas are allowed; the order is the one asked for."""
    assert ids("quick", engines="theano", sizes="22, 200", batches="10", cores="1") == [
        "theano-cpu-22px-b10-cores1",
        "theano-cpu-200px-b10-cores1",
    ]


def test_cnmem_applies_to_the_gpu_and_cores_to_the_cpu() -> None:
    """A GPU case has one entry a pool, a CPU case one a core count."""
    assert ids(
        "quick",
        engines="theano",
        devices="cpu,cuda",
        sizes="64",
        batches="50",
        cnmem="0,1.0,grow",
        cores="4,1",
    ) == [
        "theano-cpu-64px-b50-cores4",
        "theano-cpu-64px-b50-cores1",
        "theano-cuda-64px-b50-cnmem0",
        "theano-cuda-64px-b50-cnmem1",
        "theano-cuda-64px-b50-cnmemgrow",
    ]


def test_a_cap_on_memory_is_the_gpus() -> None:
    """A CPU case has none, and its id does not change."""
    pools = {"engines": "jax", "devices": "cpu,cuda", "cores": "1", "cnmem": "1"}
    loads = {"sizes": "64", "batches": "50"}
    grid = axes.select("quick", {**NOTHING, **pools, **loads})
    jobs = list(axes.jobs(grid, "tissue", all_cores=16, gpu_memory=4096))
    assert [(job.id, job.gpu_memory) for job in jobs] == [
        ("jax-cpu-64px-b50-cores1", None),
        ("jax-cuda-64px-b50-cnmem1-of4096MB", 4096),
    ]


def test_loops_and_precisions_are_axes_too() -> None:
    """In the order asked for; their usual values are not named."""
    assert ids(
        "quick",
        engines="jax",
        sizes="64",
        batches="50",
        cores="1",
        loops="peer, fit",
        precision_mode="float32,tf32",
    ) == [
        "jax-cpu-64px-b50-cores1-peer",
        "jax-cpu-64px-b50-cores1-peer-tf32",
        "jax-cpu-64px-b50-cores1",
        "jax-cpu-64px-b50-cores1-tf32",
    ]


@pytest.mark.parametrize("preset", axes.PRESETS)
def test_presets_are_keras_own_loop_in_float32(preset: str) -> None:
    """As the paper trained."""
    grid = axes.PRESETS[preset]
    assert (grid.loops, grid.precision_mode) == (("fit",), ("float32",))


def test_options_are_spelt_with_hyphens() -> None:
    """`precision_mode` within, `--precision-mode` on the command line."""
    flags = [axes.flag(name) for name in axes.OPTIONS]
    assert "--precision-mode" in flags
    assert "--loops" in flags
    assert not any("_" in flag for flag in flags)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"engines": "caffe"}, "unknown engine 'caffe'; there are: jax, tensorflow"),
        ({"devices": "cpu,tpu"}, "unknown device 'tpu'; there are: cpu, cuda"),
        ({"sizes": "big"}, "--sizes: 'big' is not a whole number from 1 up"),
        ({"sizes": "20"}, "size=20 px is too small"),
        ({"batches": "0"}, "--batches: '0'"),
        ({"batches": "500"}, "batch=500 is larger than images=300"),
        ({"images": "100", "batches": "30"}, "batch=30 does not divide images=100"),
        ({"cores": "0"}, "--cores: '0' is not a whole number"),
        ({"cores": "1,,2"}, "--cores '1,,2' has an empty value"),
        ({"cores": "1,1"}, "--cores names a value twice: 1,1"),
        ({"cnmem": "-1"}, "cnmem='-1' is not a memory pool"),
        ({"cnmem": "nan"}, "cnmem='nan' is not a memory pool"),
        ({"cnmem": "much"}, "cnmem='much' is not a memory pool"),
        ({"cnmem": "1,1.0"}, "--cnmem names a value twice"),
        ({"cnmem": "0.5", "devices": "cpu"}, "--cnmem is for GPU cases, and --devices"),
        ({"launches": "1", "time_cap": "5"}, "--launches fixes their number, --time-"),
        ({"launches": "0"}, "--launches: '0'"),
        ({"rounds": "2.5"}, "--rounds: '2.5'"),
        ({"images": "-3"}, "--images: '-3'"),
        ({"loops": "scan"}, "unknown loop 'scan'; there are: fit, fused, peer"),
        ({"loops": "fit,"}, "--loops 'fit,' has an empty value"),
        ({"loops": "fit, fused,fit"}, "--loops names a value twice: fit, fused,fit"),
        (
            {"precision_mode": "float16"},
            "unknown precision 'float16'; there are: float32, tf32, bfloat16",
        ),
        (
            {"precision_mode": "tf32,tf32"},
            "--precision-mode names a value twice: tf32,tf32",
        ),
        ({"precision_mode": ""}, "--precision-mode '' has an empty value"),
    ],
)
def test_a_bad_value_is_one_clear_line(overrides: dict[str, str], message: str) -> None:
    """The line names the option or the value, and what would do."""
    with pytest.raises(InputError, match=message) as caught:
        ids("quick", **overrides)
    assert "\n" not in str(caught.value)


def test_an_unknown_preset_lists_the_presets() -> None:
    """`--grid huge`."""
    with pytest.raises(InputError, match="unknown grid 'huge'; there are: quick, pap"):
        axes.select("huge", NOTHING)
