"""A node's side of a cluster, whoever runs it: what the node is, a launch on it."""

import hashlib
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import cache as once
from pathlib import Path

from benchmarks import environments, fingerprint, launchers
from benchmarks.alone import launch_alone
from benchmarks.ballast import Ballast
from benchmarks.cluster import Node, Order, ray_environments
from benchmarks.cluster.ray_project import commit
from benchmarks.environments import ROOT
from benchmarks.launchers import Launcher, Settings
from benchmarks.measure import Step
from benchmarks.privacy import without_names
from histocnn import cache
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import Launch


def describe(identity: str, kinds: Sequence[Job], settings: Settings) -> Node:
    """This machine as the node ``identity``.

    Environments that ``kinds`` need are built where there are none. Raises `InputError`
    where its folder of caches cannot be used.
    """
    facts = fingerprint.take()
    refusals = {job: _refusal(job, settings) for job in kinds}
    return Node(
        identity,
        f"node-{name()}",
        replace(facts, soft=replace(facts.soft, git=commit())),
        _launcher(settings).cores(),
        {
            job: without_names(reason, ROOT)
            for job, reason in refusals.items()
            if reason is not None
        },
    )


def measure(
    order: Order, settings: Settings, on_step: Callable[[Step], None]
) -> Launch:
    """The launch that ``order`` asks for; its arrays lie on this machine.

    Raises `InputError` for what is broken here, `MeasuringFailed` for what went wrong
    in the worker.
    """
    job, launcher = order.job, _launcher(settings)
    ray_environments.link(environments.name_for(job.engine, job.device))
    if reason := launcher.missing(job):
        raise InputError(reason)
    # Given back at once: the next launch may be another process's, and would wait.
    with closing(Ballast()) as ballast:
        return launch_alone(
            *(job, order.effort, launcher, order.arrays, order.number, ballast), on_step
        )


@once
def _launcher(settings: Settings) -> Launcher:
    """What starts workers here."""
    return launchers.get(settings.on_node, settings)


def _refusal(job: Job, settings: Settings) -> str | None:
    """Why ``job`` cannot run here, once its environment is built if need be."""
    name = environments.name_for(job.engine, job.device)
    own = dict(settings.interpreters).get(name)
    if own is not None and not os.access(own, os.X_OK):
        return f"it has no {own}, which --interpreter names for {name}"
    ray_environments.link(name)
    reason = _missing(job, settings)
    if reason is None or reason != _no_environment(name):
        return reason
    return ray_environments.provide(name) or _missing(job, settings)


def _missing(job: Job, settings: Settings) -> str | None:
    try:
        return _launcher(settings).missing(job)
    except InputError as error:
        return str(error)


def _no_environment(name: str) -> str | None:
    try:
        return environments.missing(name)
    except InputError as error:
        return str(error)


def name() -> str:
    """Eight random hexadecimal digits that this machine's folder of caches keeps."""
    place = cache.scratch() / "node-name"
    draft = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
    try:
        draft.write_text(secrets.token_hex(4))
        with suppress(FileExistsError):
            os.link(draft, place)  # the first of several is everybody's
        draft.unlink()
        return place.read_text()
    except OSError as error:
        raise InputError(
            f"the node cannot keep its name in {place.parent}: "
            f"{error.strerror or error}; start it with HISTOCNN_CACHE set to a folder "
            "that it may write to"
        ) from None


def folder(base: Path) -> Path:
    """Where a node keeps its caches: ``$HISTOCNN_CACHE``, else one of its own in base.

    Machines may share a disk; locks, names and compiled programs are each one's own.
    """
    chosen = os.environ.get("HISTOCNN_CACHE")
    machine = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
    return Path(chosen) if chosen else base / "nodes" / machine
