"""Case + node by least squares: against plain algebra, and against simulated truth."""

import math
import random
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pytest

from reports.combination import Combination
from reports.nodes import model
from reports.nodes.differences import Node, Verdict, differences
from reports.origins import Code, Machine
from reports.pool import Pooled
from reports.records import Launch
from reports.trend.noise import LEAST

TYPE = Machine("", "Linux x86_64", "Xeon", "16", "3f2a")
OTHER = Machine("", "Linux x86_64", "EPYC", "32", "9b1c")


def pooled(
    launches: Sequence[tuple[str, float]], number: int = 1, machine: Machine = TYPE
) -> Pooled:
    """A case with launches on nodes, in seconds."""
    return Pooled(
        Combination("jax", "cpu", 64, number, None, 1, 300),
        machine,
        Code("c0ffee", False),
        ("run",),
        tuple([Launch(rounds=1, median=s, node=node) for node, s in launches]),
        repeats=0,
        label="xeon" if machine == TYPE else "epyc",
    )


def simulated(
    seed: int,
    effects: Mapping[str, float],
    *,
    cases: int = 12,
    nodes_of_case: int = 2,
    launches: int = 4,
    scatter: float = 0.02,
) -> list[Pooled]:
    """Cases of very different times, each on a few of the nodes in turn."""
    chance = random.Random(seed)
    names = sorted(effects)
    found = []
    for number in range(1, cases + 1):
        level = chance.uniform(-3, 3)
        nodes = chance.sample(names, nodes_of_case)
        made = [nodes[place % nodes_of_case] for place in range(launches)]
        found.append(
            pooled(
                [
                    (at, math.exp(level + effects[at] + chance.gauss(0, scatter)))
                    for at in made
                ],
                number,
            )
        )
    return found


def by_name(nodes: Sequence[Node]) -> dict[str, Node]:
    return {node.name: node for node in nodes}


def test_terms_are_those_of_least_squares_over_all_of_them() -> None:
    """100 graphs, connected or not: effects, their variances, what is left, degrees."""
    chance = np.random.default_rng(7)
    for _ in range(100):
        count = int(chance.integers(1, 30))
        cases = _numbers(chance.integers(0, 8, count))
        nodes = _numbers(chance.integers(0, 6, count))
        logs = chance.normal(size=count)
        fit = model.fit(cases, nodes, logs)
        first, last = int(cases.max()) + 1, int(nodes.max()) + 1
        design = np.zeros((count, first + last))
        design[np.arange(count), cases] = 1
        design[np.arange(count), first + nodes] = 1
        terms, *_ = np.linalg.lstsq(design, logs, rcond=None)
        inverse = np.linalg.pinv(design.T @ design)
        assert fit.degrees == count - np.linalg.matrix_rank(design)
        for group in range(int(fit.groups.max()) + 1):
            (alike,) = np.nonzero(fit.groups == group)
            contrasts = np.zeros((len(alike), first + last))
            contrasts[:, first + alike] = np.eye(len(alike)) - 1 / len(alike)
            assert np.allclose(fit.effects[alike], contrasts @ terms)
            variances = np.diag(contrasts @ inverse @ contrasts.T)
            assert np.allclose(fit.shares[alike], variances)
        if fit.variance is not None:
            left = float(np.sum((logs - design @ terms) ** 2))
            assert fit.variance * fit.degrees == pytest.approx(left, abs=1e-12)


def _numbers(values: model.Ints) -> model.Ints:
    """Without gaps."""
    return np.unique(values, return_inverse=True)[1]


def test_a_factor_is_what_launches_of_the_same_cases_differ_by() -> None:
    """Though one node had all the long cases, which say nothing of it."""
    shared = pooled([("a", 1.0), ("b", 1.21)], 1)
    long = pooled([("b", 500.0), ("b", 500.0)], 2)
    found = by_name(differences([shared, long]))
    assert found["a"].factor == pytest.approx(1 / 1.1)
    assert found["b"].factor == pytest.approx(1.1)
    assert [found["b"].launches, found["b"].cases, found["b"].shared] == [3, 2, 1]


def test_nodes_are_compared_through_others() -> None:
    """A chain: each case joins two neighbours."""
    chain = [
        pooled([(a, 1.0), (b, 1.1), (b, 1.1)], number)
        for number, (a, b) in enumerate(pairwise("abcd"), start=1)
    ]
    found = differences(chain)
    factors = [node.factor for node in found]
    assert factors == pytest.approx([1.1**power for power in (-1.5, -0.5, 0.5, 1.5)])
    assert {node.group for node in found} == {0}


def test_nodes_without_a_case_in_common_are_not_comparable() -> None:
    """Neither one that is alone, nor those of two groups with each other."""
    found = by_name(
        differences(
            [
                pooled([("a", 1.0), ("b", 1.1), ("b", 1.1)], 1),
                pooled([("c", 7.0), ("d", 7.7), ("d", 7.7)], 2),
                pooled([("e", 1.0), ("e", 1.0)], 3),
            ]
        )
    )
    assert [node.group for node in found.values()] == [0, 0, 1, 1, 2]
    assert found["a"].factor == pytest.approx(found["c"].factor)
    assert found["e"].factor is None
    assert found["e"].verdict == Verdict.ALONE


def test_types_have_models_of_their_own() -> None:
    """A slow node of one says nothing of another's, nor does its scatter."""
    noisy = simulated(3, {"a": 0.0, "b": 0.0}, scatter=0.3)
    exact = [
        pooled([("y", 1.0), ("z", 1.1), ("y", 1.0), ("z", 1.1)], number, OTHER)
        for number in range(1, 4)
    ]
    found = by_name(differences([*noisy, *exact]))
    assert found["z"].verdict == Verdict.SLOWER
    assert found["y"].verdict == Verdict.FASTER
    assert {found[name].verdict for name in "ab"} == {Verdict.WITHIN_NOISE}
    assert [found[name].type for name in "az"] == ["xeon", "epyc"]


@pytest.mark.parametrize(
    "launches",
    [
        [("a", 1.0)],
        [("a", 1.0), ("b", 2.0)],
        [("a", 1e9), ("b", 1e-9), ("b", 1e9)],
    ],
)
def test_too_few_launches_bear_no_verdict(launches: list[tuple[str, float]]) -> None:
    """One launch for each term leaves none for the noise; nor does noise without end.

    An interval of a factor of 100 either way says nothing.
    """
    for node in differences([pooled(launches)]):
        assert node.low is None
        assert node.verdict in (Verdict.ALONE, Verdict.UNSURE)


def test_identical_launches_differ_by_nothing() -> None:
    """Nothing is timed more surely than to a thousandth, however alike launches are."""
    found = differences([pooled([(name, 1.0) for name in "abcabc"])])
    assert [node.factor for node in found] == [1.0] * 3
    assert {node.verdict for node in found} == {Verdict.WITHIN_NOISE}
    assert [node.high for node in found] > [1 + LEAST] * 3


def test_cases_without_nodes_have_no_say() -> None:
    assert differences([]) == ()
    assert differences([pooled([("", 1.0), ("", 2.0)])]) == ()
    (only,) = differences([pooled([("", 1.0), ("a", 2.0), ("a", 2.0)])])
    assert [only.name, only.launches] == ["a", 2]


def test_one_odd_node_does_not_make_the_others_odd() -> None:
    """They are off the mean that it pulls, and as most of them are."""
    for odd, word in ((0.1, Verdict.SLOWER), (-0.1, Verdict.FASTER)):
        effects = dict.fromkeys("abcdefg", 0.0) | {"h": odd}
        found = by_name(differences(simulated(2, effects, cases=60, scatter=0.01)))
        assert found.pop("h").verdict == word
        words = {node.verdict for node in found.values()}
        assert Verdict.AS_MOST in words
        assert words <= {Verdict.AS_MOST, Verdict.WITHIN_NOISE}


def test_intervals_hold_the_truth_in_95_of_100() -> None:
    """400 runs of 6 nodes that differ by up to 5 %: 93.5 to 96.5 % of 2,400."""
    effects = {name: 0.02 * number - 0.05 for number, name in enumerate("abcdef")}
    held, wide = [], []
    for seed in range(400):
        for node in differences(simulated(seed, effects, cases=20)):
            assert node.low
            assert node.high
            held.append(node.low <= math.exp(effects[node.name]) <= node.high)
            wide.append(node.high / node.low - 1)
    assert 0.935 < sum(held) / len(held) < 0.965
    assert 0.01 < sum(wide) / len(wide) < 0.05


def test_false_alarms_are_as_rare_as_promised() -> None:
    """400 runs of 8 nodes alike: any verdict in 5 % of them, up to 7.5 % by chance."""
    alarms = 0
    for seed in range(400):
        nodes = differences(simulated(seed, dict.fromkeys("abcdefgh", 0.0), cases=16))
        alarms += any(
            node.verdict in (Verdict.SLOWER, Verdict.FASTER) for node in nodes
        )
    assert alarms <= 400 * 0.075


def test_a_slow_node_is_found() -> None:
    """100 runs: one that is 5 % slower, where launches scatter by 2 %, in 95 of 100.

    And it alone in as many.
    """
    found = alone = 0
    for seed in range(100):
        effects = dict.fromkeys("abcdefg", 0.0) | {"h": 0.05}
        nodes = differences(simulated(seed, effects, cases=40))
        slow = [node.name for node in nodes if node.verdict == Verdict.SLOWER]
        found += "h" in slow
        alone += slow == ["h"]
    assert found >= 95
    assert alone >= 95


def test_large_clusters_take_no_minutes() -> None:
    """200,000 launches of 50,000 cases on 500 nodes: a term for each of them."""
    chance = np.random.default_rng(1)
    cases = np.repeat(np.arange(50_000), 4)
    nodes = _numbers(chance.integers(0, 500, len(cases)))
    slow = np.where(nodes == 7, 0.03, 0.0)
    fit = model.fit(cases, nodes, slow + chance.normal(0, 0.01, len(cases)))
    assert fit.effects[7] == pytest.approx(0.03 * 499 / 500, abs=0.005)
    assert fit.degrees == 200_000 - 50_000 - 500 + 1
