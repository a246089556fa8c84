"""Model: log seconds of a launch = case + node, by least squares.

Cases and nodes are the two sides of a graph, whose edges are launches. Nodes in one of
its connected parts can be compared: directly by the cases that they share, or through
other nodes. With the cases' terms eliminated, what is left for the nodes' is the
Laplacian of the graph (launches of each node, less what cases share them out to).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from reports.trend.noise import LEAST

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Fit:
    """The terms of nodes, which are numbered from 0; all of it on logarithms.

    ``effects`` are the nodes' against the mean of their group, (nodes,), ``shares``
    the variances of those in units of a launch's, 0 of a node that is alone in its
    group. ``groups`` are numbers of the connected parts. ``variance`` is that of
    launches around case and node, with so many ``degrees`` of freedom; None without
    any.
    """

    effects: Floats
    shares: Floats
    groups: Ints
    variance: float | None
    degrees: int

    @property
    def errors(self) -> Floats | None:
        """Standard errors of the effects, `LEAST` or more; None without a variance."""
        if self.variance is None:
            return None
        return np.maximum(np.sqrt(self.shares * self.variance), LEAST)


def fit(cases: Ints, nodes: Ints, logs: Floats) -> Fit:
    """Fit the terms to launches, each of a case and on a node; one launch or more.

    ``cases`` and ``nodes`` are numbers from 0 without gaps, ``logs`` the logarithms of
    seconds, all of the shape (launches,). Every launch has the same weight.
    """
    made = np.bincount(cases)
    counts = sparse.coo_array((np.ones(len(logs)), (cases, nodes))).tocsr()
    groups = _groups(cases, nodes)
    centred = logs - (np.bincount(cases, logs) / made)[cases]
    pulls = np.bincount(nodes, centred)
    by_case = sparse.diags_array(1 / made) @ counts
    laplacian = (
        sparse.diags_array(np.bincount(nodes).astype(float)) - counts.T @ by_case
    ).tocsr()
    effects, shares = np.zeros(len(groups)), np.zeros(len(groups))
    order = np.argsort(groups, kind="stable")
    for alike in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(alike) > 1:
            inverse = _inverse(laplacian[alike][:, alike].toarray())
            effects[alike] = inverse @ pulls[alike]
            shares[alike] = np.maximum(np.diag(inverse), 0.0)
    expected = effects[nodes] - (np.bincount(cases, effects[nodes]) / made)[cases]
    left = float(np.sum((centred - expected) ** 2))
    degrees = len(logs) - len(made) - len(groups) + int(groups.max()) + 1
    variance = left / degrees if degrees > 0 else None
    return Fit(effects, shares, groups, variance, degrees)


def _groups(cases: Ints, nodes: Ints) -> Ints:
    """For each node the number of its connected part, in the order of their nodes."""
    count, most = int(nodes.max()) + 1, int(cases.max()) + 1
    graph = sparse.coo_array(
        (np.ones(len(nodes)), (nodes, count + cases)), shape=(count + most,) * 2
    )
    _, parts = csgraph.connected_components(graph, directed=False)
    _, first, groups = np.unique(parts[:count], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[groups]


def _inverse(laplacian: Floats) -> Floats:
    """The pseudo-inverse of that of one connected part: constants, and 0, are left out.

    A Laplacian leaves out the constant vector alone, which a matrix of ones of the same
    scale stands in for meanwhile.
    """
    count = len(laplacian)
    scale = np.trace(laplacian) / count
    inverse = np.linalg.inv(laplacian + scale / count)
    return np.asarray(inverse - 1 / (scale * count))
