"""A container that did not start is removed, whatever kept it from that."""

from types import SimpleNamespace
from typing import Any

import docker
import pytest

from benchmarks.containers import DockerChannel

IMAGE = SimpleNamespace(tags=["worker"], id="sha256:1", labels={})


class Container:
    """As the Docker SDK has one, which notes what is done to it."""

    def __init__(self, fails: str, error: BaseException, *, gone: bool) -> None:
        self._fails, self._error, self._gone = fails, error, gone
        self.done: list[str] = []

    def _do(self, what: str) -> None:
        self.done.append(what)
        if what == self._fails:
            raise self._error

    def attach_socket(self, **_: object) -> Any:
        """A line to it."""
        self._do("attach")
        return SimpleNamespace(close=lambda: self.done.append("hang up"))

    def start(self) -> None:
        """Run it."""
        self._do("start")

    def remove(self, *, force: bool) -> None:
        """By force, since it may run by now."""
        assert force
        self.done.append("remove")
        if self._gone:
            raise docker.errors.NotFound("no such container")


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize(
    ("fails", "error", "done"),
    [
        ("attach", OSError("no more files"), ["attach", "remove"]),
        ("start", KeyboardInterrupt(), ["attach", "start", "hang up", "remove"]),
        (
            "start",
            docker.errors.APIError("no"),
            ["attach", "start", "hang up", "remove"],
        ),
    ],
)
def test_a_container_that_did_not_start_is_removed(
    fails: str, error: BaseException, done: list[str], gone: bool
) -> None:
    """What kept it from starting is what is told."""
    container = Container(fails, error, gone=gone)
    with pytest.raises(type(error)):
        DockerChannel(None, container, IMAGE, None)
    assert container.done == done
