"""Which case another is compared with, and what is said if there is none."""

import pytest

from reports import baseline
from reports.combination import Combination, varying
from reports.errors import InputError


def _case(**axes: object) -> Combination:
    job = {"engine": "theano", "device": "cpu", "size": 64, "batch": 20, "cores": 1}
    return Combination.of({**job, "images": 300, "dataset": "tissue", **axes})


CASES = (
    _case(),
    _case(cores=2),
    _case(device="cuda", cnmem="1", cores=16),
    _case(device="cuda", cnmem="grow", cores=16),
)


def test_default_baseline_of_a_gpu_case_has_no_memory_pool() -> None:
    """Everything else stays as the case has it."""
    chosen = baseline.parse(baseline.DEFAULT, CASES)
    assert chosen.of(CASES[2]) == CASES[0]
    assert chosen.of(CASES[0]) == CASES[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cnmem=grow", CASES[3]),
        ("cores=2,device=cpu", CASES[1]),
        ("device=cpu,cnmem=none,cores=1", CASES[0]),
        ("dataset=glas", _case(device="cuda", cnmem="1", cores=16, dataset="glas")),
        ("images=30", _case(device="cuda", cnmem="1", cores=16, images=30)),
        ("loop=peer", _case(device="cuda", cnmem="1", cores=16, loop="peer")),
        ("precision=tf32", _case(device="cuda", cnmem="1", cores=16, precision="tf32")),
    ],
)
def test_every_axis_can_be_overridden(text: str, expected: Combination) -> None:
    assert baseline.parse(text, CASES).of(CASES[2]) == expected


def test_a_case_saved_before_loops_and_precisions_is_fit_in_float32() -> None:
    """So that it is the same case as one that says so."""
    assert _case() == _case(loop="fit", precision="float32")
    assert _case() != _case(loop="fused")
    assert _case() != _case(precision="tf32")


def test_baseline_keeps_loop_and_precision() -> None:
    """A fused case is compared with a fused one, and so on."""
    chosen = baseline.parse(baseline.DEFAULT, CASES)
    fused = _case(device="cuda", cnmem="1", cores=16, loop="fused")
    assert chosen.candidates(fused) == (_case(loop="fused"),)
    peer = _case(cores=2, loop="peer", precision="bfloat16")
    assert chosen.candidates(peer) == (_case(loop="peer", precision="bfloat16"),)


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_cpu_in_float32_stands_in_for_a_precision_of_the_gpu(precision: str) -> None:
    """A CPU has no tf32. Its own bfloat16 comes first, where it was measured."""
    chosen = baseline.parse(baseline.DEFAULT, CASES)
    case = _case(device="cuda", cnmem="1", loop="fused", precision=precision)
    equal, usual = chosen.candidates(case)
    assert equal == _case(loop="fused", precision=precision)
    assert usual == _case(loop="fused")


@pytest.mark.parametrize(
    "text", ["device=cpu,precision=bfloat16", "loop=fit", "device=cuda,cnmem=0"]
)
def test_nothing_stands_in_for_what_was_asked_for(text: str) -> None:
    """Neither for a precision that was named, nor where the baseline is on a GPU."""
    case = _case(device="cuda", cnmem="1", precision="tf32")
    chosen = baseline.parse(text, (case,))
    assert chosen.candidates(case) == (chosen.of(case),)


@pytest.mark.parametrize("text", ["", "cores", "cores=", "=1", "cores=1,,"])
def test_malformed_baseline_shows_the_form_and_the_axes(text: str) -> None:
    expected = r"AXIS=VALUE.*engine, device, .*, loop, precision"
    with pytest.raises(InputError, match=expected):
        baseline.parse(text, CASES)


def test_unknown_axis_lists_those_there_are() -> None:
    expected = "no axis 'colour'; the axes are engine, .*, images, dataset"
    with pytest.raises(InputError, match=expected):
        baseline.parse("colour=1", CASES)


def test_axis_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match="cores twice"):
        baseline.parse("cores=1,cores=2", CASES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cores=64", "no case has cores=64; measured: 1, 2, 16"),
        ("cores=two", "no case has cores=two; measured: 1, 2, 16"),
        ("engine=foo", "no case has engine=foo; measured: theano"),
        ("cnmem=0", "no case has cnmem=0; measured: none, 1, grow"),
        ("loop=peer", "no case has loop=peer; measured: fit"),
        (
            "device=cuda,cores=1",
            "no case has device=cuda, cores=1 together; measured: device=cpu,cores=1; "
            "device=cpu,cores=2; device=cuda,cores=16",
        ),
        ("device=cuda,cores=16", ""),
    ],
)
def test_unmeasured_baseline_lists_what_was_measured(text: str, expected: str) -> None:
    assert baseline.why_unmeasured(baseline.parse(text, CASES), CASES) == expected


def test_cases_sort_by_axis_and_pools_by_size() -> None:
    """Numbers go by value, not as text, and names come last."""
    pools = [None, "0", "0.5", "1", "4096", "async", "grow"]
    cases = [_case(device="cuda", cnmem=each) for each in pools]
    cases += [_case(engine="torch", cores=2), _case(engine="torch", cores=16)]
    shuffled = [cases[each] for each in (8, 3, 5, 0, 7, 2, 6, 1, 4)]
    assert sorted(shuffled, key=lambda case: case.order) == cases


def test_float32_sorts_before_the_precisions_it_is_compared_with() -> None:
    """The loops of one case stand together, each with its precisions."""
    cases = [
        _case(size=32, loop="peer"),
        *(_case(precision=each) for each in ("float32", "bfloat16", "tf32")),
        _case(loop="fused"),
        _case(cores=2),
    ]
    assert sorted({*cases}, key=lambda case: case.order) == cases


def test_only_fields_that_differ_are_worth_a_column() -> None:
    cases = [_case(seed=0), _case(seed=1, images=30)]
    assert varying(cases) == ("images", "seed")


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ({"size": "64"}, "size is 64, expected a whole number"),
        ({"cores": True}, "cores is true"),
        ({"batch": 0}, "batch is 0"),
        ({"images": 10**400}, "images is 1000"),
        ({"engine": ""}, "engine is , expected a name"),
        ({"loop": 3}, "loop is 3, expected a name"),
        ({"loop": None}, "loop is null, expected a name"),
        ({"precision": ["tf32"]}, r'precision is \["tf32"\], expected a name'),
        ({"precision": ""}, "precision is , expected a name"),
        ({"cnmem": [1]}, r"cnmem is \[1\], expected text"),
    ],
)
def test_job_of_the_wrong_kind_is_named(axes: dict[str, object], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        _case(**axes)


def test_missing_axis_is_named() -> None:
    with pytest.raises(InputError, match="engine is missing, expected a name"):
        Combination.of({})
