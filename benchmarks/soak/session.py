"""One session of a soak: runs of the real suite, struck and resumed, then judged."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT
from benchmarks.soak import leftovers
from benchmarks.soak.disk import SmallDisk, small_disk
from benchmarks.soak.faults import Strikes, Target
from benchmarks.soak.scenario import Fault, Scenario
from benchmarks.soak.tally import Ended
from benchmarks.soak.verdict import Results, losses
from benchmarks.soak.witness import Witness

#: In a folder of evidence: it was made by a soak, and the next may remove it.
MARKER = ".soak"
_LONGEST_RUN = 1800.0  # seconds; one that takes longer hangs
_TIMEOUT = 300.0  # seconds; Theano compiles for 90 of them where nothing is cached
_GRACE = 30.0  # seconds that the suite gets to end when the soak does
_INTERNAL_ERROR, _USAGE_ERROR = 3, 4  # pytest's exit codes


@dataclass(frozen=True)
class Place:
    """Where sessions run: what is the soak's own, and nobody else's.

    ``cache`` stands in for the checkout's, ``token`` marks all processes, ``evidence``
    is where the folders of sessions go in which something was wrong. ``timeout`` is the
    suite's in runs in which a worker is stopped, seconds.
    """

    folder: Path
    cache: Path
    token: str
    evidence: Path
    timeout: float
    interpreters: tuple[str, ...] = ()
    can_fill: bool = False
    docker: Any = None


class Session:
    """The runs of one command, until it is complete."""

    def __init__(self, plan: Scenario, place: Place) -> None:
        """Nothing runs yet."""
        self._plan = plan
        self._place = place
        self._folder = place.folder / f"session-{plan.number}"
        self._cache = self._folder / "cache" if plan.cold else place.cache
        # What the suite writes and a full disk would stop: all but the prepared images.
        self._disk = self._folder / "disk"
        self._tmp, self._journals = self._disk / "tmp", self._disk / "journals"
        self._json = self._disk / "results" / "run.json"
        self._witness = Witness(self._journals)
        self._struck: list[str] = []
        self._ends: list[str] = []
        self._leftovers: list[str] = []
        self._errors: list[str] = []

    def run(self) -> Ended:
        """Run it to its end; what it leaves behind is told, then removed."""
        started = time.monotonic()
        self._disk.mkdir(parents=True)
        try:
            with small_disk(self._disk, wanted=self._place.can_fill) as disk:
                for folder in (self._tmp, self._json.parent):
                    folder.mkdir()
                for faults in (*self._plan.runs, ()):
                    self._run(faults, disk)
                    if self._is_complete():
                        break
                ended = self._judge(time.monotonic() - started)
                if not ended.faultless:
                    self._keep()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return ended

    def _run(self, faults: Sequence[Fault], disk: SmallDisk | None) -> None:
        """One run of the suite, struck by ``faults``, resumed where it is not first."""
        before = self._witness.look()
        environment = self._environment()
        log = self._folder / f"run-{len(self._ends) + 1}.log"
        with log.open("wb") as printed:
            suite = subprocess.Popen(
                self._command(faults),
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C means the soak, which ends it gently
            )
        target = Target(suite, environment, self._cache, disk, self._place.docker)
        left = max(0, self._plan.least_launches() - before)
        strikes = Strikes(faults, target, left)
        deadline = time.monotonic() + _LONGEST_RUN
        try:
            while suite.poll() is None:
                strikes.go_on(self._witness.look() - before, self._witness.pace())
                if time.monotonic() > deadline:
                    self._errors.append(f"{log.name}: the suite hung and was killed")
                    suite.kill()
                time.sleep(0.02)
        finally:
            strikes.end()
            _end(suite)
            self._struck += [fault.name for fault in strikes.struck]
            left_over = leftovers.left_processes(self._place.token)
            if self._place.docker is not None:
                left_over += leftovers.left_containers(self._place.docker, self._cache)
            self._leftovers += [f"{log.name}: {each}" for each in left_over]
        self._witness.look()
        self._ends.append(_words(suite.returncode))
        self._look_for_errors(log, suite.returncode, strikes.struck)

    def _look_for_errors(self, log: Path, code: int, struck: list[Fault]) -> None:
        """Note an end that no fault explains."""
        printed = log.read_text(errors="replace")
        full = any(fault.kind == "fill disk" for fault in struck)
        if code == _INTERNAL_ERROR or "INTERNALERROR" in printed:
            self._errors.append(f"{log.name}: an internal error")
        elif code == _USAGE_ERROR and not full:
            self._errors.append(f"{log.name}: it did not start ({printed[-300:]!r})")

    def _command(self, faults: Sequence[Fault]) -> list[str]:
        stops = any(fault.signal == "SIGSTOP" for fault in faults)
        interpreters = [
            each
            for interpreter in self._place.interpreters
            for each in ("--interpreter", interpreter)
        ]
        return [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("benchmarks/test_train.py", *self._plan.options(), *interpreters),
            f"--timeout={self._place.timeout if stops else _TIMEOUT}",
            f"--journal={self._journals}",
            f"--benchmark-json={self._json}",
            f"--benchmark-storage=file://{self._folder / 'storage'}",
            *(["--resume"] if self._ends else []),
        ]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            leftovers.TOKEN: self._place.token,
            "HISTOCNN_CACHE": str(self._cache),
            "TMPDIR": str(self._tmp),
        }

    def _results(self) -> Results:
        """What was saved; `ValueError`, `OSError` where it cannot be read."""
        return Results.of(json.loads(self._json.read_text()))

    def _is_complete(self) -> bool:
        """Whether the journal has gone since all is saved, with nothing left to try."""
        with contextlib.suppress(ValueError, OSError):
            return (
                not any(self._journals.glob("*.jsonl")) and self._results().is_final()
            )
        return False

    def _judge(self, seconds: float) -> Ended:
        """Compare what journals had with what was saved; look at what lies about."""
        lost, results = [], Results()
        try:
            results = self._results()
        except (ValueError, OSError) as error:
            lost.append(f"no results: {error}")
        lost += losses(
            self._plan.cases(), self._plan.launches, self._witness.seen, results
        )
        if len(self._witness.plans) > 1:
            self._errors.append(
                "the suite's own files changed while it ran, so that it could not be "
                "resumed; soak a checkout that nobody edits"
            )
        self._errors += self._witness.problems
        left = [*leftovers.files(self._tmp), *leftovers.half_written(self._cache)]
        if results.is_final():
            left += leftovers.files(self._journals)
        left = [each.replace(f"{self._place.folder}/", "") for each in left]
        launches = [each for case in results.launches().values() for each in case]
        rounds = [round_ for launch in launches for round_ in launch.rounds]
        return Ended(
            number=self._plan.number,
            what=str(self._plan),
            struck=tuple(self._struck),
            ends=tuple(self._ends),
            seconds=seconds,
            launches=len(launches),
            timed=len(results.timed),
            outcomes=Counter(case.outcome.kind for case in results.outcomes),
            tainted=sum(bool(round_.disturbed) for round_ in rounds),
            lost=tuple(lost),
            leftovers=(*self._leftovers, *left),
            errors=tuple(self._errors),
        )

    def _keep(self) -> None:
        """Put what the session wrote where it can be looked at."""
        self._place.evidence.mkdir(parents=True, exist_ok=True)
        (self._place.evidence / MARKER).touch()
        shutil.copytree(
            self._folder,
            self._place.evidence / self._folder.name,
            ignore=shutil.ignore_patterns("cache", "ballast"),
            dirs_exist_ok=True,
        )


def _end(suite: "subprocess.Popen[bytes]") -> None:
    """End a suite that still runs, gently first: it ends its workers itself."""
    if suite.poll() is None:
        suite.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            suite.wait(_GRACE)
        suite.kill()
    suite.wait()


def _words(code: int) -> str:
    """``SIGKILL`` or ``exit 1``."""
    return signal.Signals(-code).name if code < 0 else f"exit {code}"
