"""What no launcher can run is told in a sentence, before any is asked."""

from types import SimpleNamespace

import pytest

from benchmarks.launchers import beyond, local
from histocnn import engines, peers, pinning
from histocnn.job import Job


def job(engine: str, loop: str = "fit", precision: str = "float32") -> Job:
    """A case on two CPU cores."""
    return Job(engine, "cpu", 32, 10, None, 2, loop=loop, precision=precision)


def gpu_job(engine: str, precision: str = "float32") -> Job:
    """A case on a GPU, with all of its memory reserved."""
    return Job(engine, "cuda", 32, 10, "1", 2, precision=precision)


@pytest.mark.parametrize("engine", engines.names())
@pytest.mark.parametrize("loop", ["fit", "fused"])
def test_every_engine_has_both_loops_of_keras(engine: str, loop: str) -> None:
    """In float32 on as many cores as there are."""
    assert beyond(job(engine, loop), 2) is None


def test_a_peer_is_there_for_some_engines() -> None:
    """JAX and PyTorch; the others say that they have none."""
    assert peers.names() == ("jax", "torch")
    for engine in peers.names():
        assert beyond(job(engine, "peer"), 2) is None
    for engine in ("tensorflow", "theano"):
        reason = beyond(job(engine, "peer"), 2)
        assert reason == f"{engine} has no peer written by hand"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (job("theano", precision="tf32"), "theano has no tf32"),
        (job("theano", precision="bfloat16"), "theano has no bfloat16"),
        (gpu_job("theano", "tf32"), "theano has no tf32"),
        *(
            (job(engine, precision="tf32"), "tf32 is a way that NVIDIA GPUs multiply")
            for engine in ("jax", "tensorflow", "torch")
        ),
    ],
)
def test_a_precision_that_is_not_there(asked: Job, reason: str) -> None:
    """The engine's lack comes before the device's."""
    assert (beyond(asked, 2) or "").startswith(reason)


@pytest.mark.parametrize("engine", ["jax", "tensorflow", "torch"])
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_a_gpu_has_all_precisions(engine: str, precision: str) -> None:
    """tf32 among them."""
    assert beyond(gpu_job(engine, precision), 2) is None


def test_more_cores_than_are_lent() -> None:
    """Both numbers are told."""
    assert beyond(job("jax"), 1) == "needs 2 cores; this machine lends 1"


@pytest.mark.parametrize(
    ("quota", "cores"), [(None, 4), (8.0, 4), (2.5, 2), (1.0, 1), (0.5, 1)]
)
def test_a_control_groups_quota_is_no_more_cores_than_that(
    quota: float | None, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole ones: on four CPUs with the time of two and a half a case has two."""
    monkeypatch.setattr(pinning, "usable_cpus", lambda: (0, 1, 2, 3))
    monkeypatch.setattr(local, "Kernel", lambda *_: SimpleNamespace(cpu_quota=quota))
    launcher = local.Launcher()
    assert launcher.cores() == cores
    told = launcher.missing(Job("torch", "cpu", 32, 10, None, 4))
    if quota == 0.5:
        assert told == "needs a whole core; a control group lends 0.5 of one"
    elif cores < 4:
        assert told == f"needs 4 cores; this machine lends {cores}"
