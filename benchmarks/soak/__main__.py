"""``python -m benchmarks.soak``: random cases under random faults, until time is up."""

import argparse
import contextlib
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import msgspec

from benchmarks.environments import ROOT
from benchmarks.soak import disk, scenario, tally
from benchmarks.soak.machine import Machine, survey
from benchmarks.soak.session import MARKER, Place, Session
from benchmarks.soak.tally import Ended
from histocnn import cache
from histocnn.errors import InputError

_RESULTS = ROOT / "build" / "soak.json"


def main(arguments: list[str] | None = None) -> int:
    """Soak; 0 where nothing was lost or left, else 1, and 2 for a wrong command."""
    asked = _parse(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    # In the background it may be ignored, and would be by the suites that it strikes.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    why_not = disk.why_not()
    try:
        machine = survey(asked.engines, asked.interpreter, can_fill=why_not is None)
    except InputError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 2
    print(f"soak of {asked.seconds:g} s, --seed {asked.seed}", flush=True)
    for launcher, engines in machine.engines.items():
        print(f"{launcher}: {', '.join(engines)}; {machine.cores} cores", flush=True)
    if why_not is not None:
        print(f"no disk is filled: {why_not}", flush=True)
    evidence = _evidence(asked.json)
    if evidence.exists() and not (evidence / MARKER).exists():
        print(f"soak: {evidence} is no soak's; name another --json", file=sys.stderr)
        return 2
    shutil.rmtree(evidence, ignore_errors=True)
    sessions: list[Ended] = []
    # Ctrl-C ends it early, with what is known by then.
    with contextlib.suppress(KeyboardInterrupt), _place(asked, machine) as place:
        _soak(asked.seconds, asked.seed, machine, place, sessions)
    _write(asked.json, asked.seed, sessions)
    print(f"\n{tally.table(sessions)}\n\n{tally.verdict(sessions)}")
    if evidence.exists():
        print(f"what those sessions wrote is in {evidence}")
    return 0 if sessions and tally.is_clean(sessions) else 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__)
    parser.add_argument(
        "--seconds",
        type=float,
        default=3600.0,
        help="how long; a session that runs then is ended properly (default: 3600)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=secrets.randbelow(10**6),
        help="of cases and faults, to repeat a soak (default: another each time)",
    )
    parser.add_argument(
        "--engines",
        type=lambda text: text.split(","),
        metavar="LIST",
        help="comma list of those to use (default: all that can run here)",
    )
    parser.add_argument(
        "--interpreter",
        action="append",
        default=[],
        metavar="ENV=PATH",
        help="passed on to the suite: a Python in place of an environment",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="the suite's, in runs in which a worker is stopped (default: 30)",
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=_RESULTS,
        metavar="PATH",
        help="where the sessions are written as JSON, and beside it, in a folder "
        "NAME-evidence, what those wrote in which something was wrong (default: "
        "build/soak.json)",
    )
    return parser.parse_args(arguments)


def _soak(
    seconds: float,
    seed: int,
    machine: Machine,
    place: Place,
    sessions: list[Ended],
) -> None:
    """Add sessions until ``seconds`` are over; at least one."""
    deadline = time.monotonic() + seconds
    while not sessions or time.monotonic() < deadline:
        plan = scenario.draw(seed, len(sessions) + 1, machine)
        sessions.append(Session(plan, place).run())
        print(sessions[-1], flush=True)


@contextmanager
def _place(asked: argparse.Namespace, machine: Machine) -> Iterator[Place]:
    """A folder of the soak's own, with a copy of what engines have compiled here."""
    folder = Path(tempfile.mkdtemp(prefix="histocnn-soak-")).resolve()
    try:
        _copy_cache(folder / "cache")
        yield Place(
            folder=folder,
            cache=folder / "cache",
            token=secrets.token_hex(8),
            evidence=_evidence(asked.json),
            timeout=asked.timeout,
            interpreters=tuple(asked.interpreter),
            can_fill=machine.can_fill,
            docker=_docker() if "docker" in machine.engines else None,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_cache(target: Path) -> None:
    """Copy all but the prepared images: without it Theano compiles for a minute.

    A copy, since workers are killed that write to it.
    """
    target.mkdir()
    for source in cache.folder().glob("*/"):
        # Others may use and change it meanwhile; what is missing is compiled again.
        if source != cache.entries():
            with contextlib.suppress(shutil.Error):
                shutil.copytree(source, target / source.name, symlinks=True)


def _evidence(json: Path) -> Path:
    """Where the folders of sessions go in which something was wrong."""
    return json.with_name(f"{json.stem}-evidence")


def _docker() -> Any:
    import docker

    return docker.from_env()


def _write(path: Path, seed: int, sessions: list[Ended]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"seed": seed, "sessions": sessions}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content)) + b"\n")


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
