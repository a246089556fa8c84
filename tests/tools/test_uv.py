"""tools/uv.py: where PyTorch's builds for CPUs are looked for, syncing and locking."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools import uv
from tools.checkout import Checkout

CPU = "torch==2.13.0+cpu"
CUDA = "torch==2.13.0"
BACKEND = ["--torch-backend", "cpu"]


@dataclass
class Calls:
    """The one call of uv that a test makes: its arguments and its variables."""

    command: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def __call__(
        self, command: list[str], environ: Mapping[str, str], *_: object
    ) -> None:
        self.command, self.environ = command, dict(environ)

    @property
    def backend(self) -> list[str]:
        """``--torch-backend`` and its value, if uv was told."""
        if BACKEND[0] not in self.command:
            return []
        at = self.command.index(BACKEND[0])
        return self.command[at : at + 2]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What uv was called with; nothing is fetched, and the user's pip is not asked."""
    calls = Calls()
    monkeypatch.setattr(uv, "call", calls)
    monkeypatch.setattr(uv, "_bootstrap", lambda folder, lock: None)
    monkeypatch.setattr(uv, "pip_listing", lambda folder: "")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX"):
        monkeypatch.delenv(name, raising=False)
    return calls


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A clone with a lock of PyTorch for CPUs, one for CUDA, and one without it."""
    (tmp_path / "requirements").mkdir()
    for name, pin in (("torch", CPU), ("torch-cuda", CUDA), ("jax", "jax==0.10.2")):
        text = f"{pin} \\\n    --hash=sha256:00\n"
        (tmp_path / "requirements" / f"{name}.txt").write_text(text)
    return Checkout(tmp_path)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels and an index beside PyPI, both known to pip."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://more.example/simple")
    return folder


@pytest.mark.parametrize(
    ("name", "backend"), [("torch", BACKEND), ("torch-cuda", []), ("jax", [])]
)
def test_only_a_build_for_cpus_asks_pytorchs_index(
    checkout: Checkout, called: Calls, name: str, backend: list[str]
) -> None:
    """PyPI has the CUDA build, and no index of PyTorch's is asked without need."""
    folder, lock = checkout.folder(name), checkout.lock(name)
    uv.Uv(checkout).sync(folder, lock)
    assert called.backend == backend
    assert called.command[1:3] == ["pip", "sync"]
    assert "--require-hashes" in called.command
    assert called.command[-1] == str(lock)


def test_a_folder_of_wheels_that_pip_knows_takes_the_indexs_place(
    checkout: Checkout, called: Calls, wheels: Path
) -> None:
    """A closed network has one place less to let through; uv is told the folder."""
    uv.Uv(checkout).sync(checkout.folder("torch"), checkout.lock("torch"))
    assert called.backend == []
    assert called.environ["UV_FIND_LINKS"] == str(wheels)


def test_a_folder_that_uv_itself_is_told_counts_as_well(
    checkout: Checkout,
    called: Calls,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    uv.Uv(checkout).sync(checkout.folder("torch"), checkout.lock("torch"))
    assert called.backend == []
    assert called.environ["UV_FIND_LINKS"] == str(tmp_path)


def test_a_lock_is_resolved_with_own_wheels_only_for_a_local_build(
    checkout: Checkout, called: Calls, wheels: Path
) -> None:
    """Else the user's own builds of what PyPI has would leave their hashes."""
    locking = uv.Uv(checkout)
    locking.compile(["--extra", "torch"], checkout.lock("torch"), [CPU])
    assert called.environ["UV_FIND_LINKS"] == str(wheels)
    for pins in ([CUDA], ["histocnn[theano]", "mako==1.4.3"], []):
        locking.compile(["--extra", "x"], checkout.lock("x"), pins)
        assert "UV_FIND_LINKS" not in called.environ


@pytest.mark.parametrize("pins", [[CPU], [CUDA]])
def test_a_lock_is_never_resolved_with_an_extra_index(
    checkout: Checkout, called: Calls, wheels: Path, pins: list[str]
) -> None:
    """A partial mirror would leave the hashes of its files only."""
    assert wheels.exists()
    uv.Uv(checkout).compile(["--extra", "torch"], checkout.lock("torch"), pins)
    assert "UV_INDEX" not in called.environ
    assert called.command[1:3] == ["pip", "compile"]
    assert "--generate-hashes" in called.command


def test_a_lock_for_cpus_asks_pytorchs_index_where_no_wheels_are_known(
    checkout: Checkout, called: Calls
) -> None:
    locking = uv.Uv(checkout)
    locking.compile(["--extra", "torch"], checkout.lock("torch"), [CPU, "keras==3"])
    assert called.backend == BACKEND
    locking.compile(["--extra", "torch-cuda"], checkout.lock("torch-cuda"), [CUDA])
    assert called.backend == []


def test_a_folder_of_wheels_does_not_hide_the_cuda_build(
    checkout: Checkout, called: Calls, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2.13.0+cpu counts as newer than 2.13.0; without an index the folder is all."""
    syncing = uv.Uv(checkout)
    syncing.sync(checkout.folder("torch-cuda"), checkout.lock("torch-cuda"))
    assert "UV_FIND_LINKS" not in called.environ
    syncing.sync(checkout.folder("jax"), checkout.lock("jax"))
    assert called.environ["UV_FIND_LINKS"] == str(wheels)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    uv.Uv(checkout).sync(checkout.folder("torch-cuda"), checkout.lock("torch-cuda"))
    assert called.environ["UV_FIND_LINKS"] == str(wheels)
