"""A small repository to guard, whose Python only pretends to measure and to judge.

Its commit holds `tools/env.py`, which sets up an "environment": this file as
``.envs/bench/bin/python``. A session saves one number a case, the seconds that the
file `speed` in its checkout says; the judge calls a case a suspect, and then slower,
where the head's are above the base's. Where the variable ``REAL`` is set, options are
looked at by the real `python -m reports guard`.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CASES = ("tensorflow-cpu-32px-b10-cores1", "tensorflow-cpu-64px-b50-cores1")
OPTIONS = (
    *("--against", "--confirm-base", "--confirm-head", "--split-base"),
    *("--slowdown", "--strict", "--format", "--junit", "--annotations"),
)
_BUILDER = """import sys
from pathlib import Path
folder = Path(".envs", "bench", "bin")
folder.mkdir(parents=True, exist_ok=True)
(folder / "python").write_text({program!r})
(folder / "python").chmod(0o755)
Path(".envs", "asked").write_text(" ".join(sys.argv[1:]))
print("built", *sys.argv[1:])
"""
_RUN = (
    "import sys; from pathlib import Path; from tools.guard.__main__ import main; "
    "sys.exit(main(sys.argv[2:], Path(sys.argv[1])))"
)


class Repository:
    """A clone in ``folder`` with one commit, measured in 1 s a case."""

    def __init__(self, folder: Path) -> None:
        """Make it, its own environment built."""
        self.root = folder / "clone"
        self.log = folder / "log"
        self._caches = folder / "caches"
        (self.root / "tools").mkdir(parents=True)
        (self.root / "requirements").mkdir()
        (self.root / "requirements" / "bench.txt").touch()
        (self.root / "requirements" / "tensorflow.txt").touch()
        here = shlex.join([sys.executable, str(Path(__file__).resolve())])
        program = f'#!/bin/sh\nexec {here} "$@"\n'
        builder = _BUILDER.format(program=program)
        (self.root / "tools" / "env.py").write_text(builder)
        (self.root / ".gitignore").write_text("/.envs/\n/build/\n")
        self.speed(1.0)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()
        subprocess.run(
            [sys.executable, "tools/env.py", "bench"], cwd=self.root, check=True
        )

    def speed(self, seconds: float) -> None:
        """Have the working tree's cases take ``seconds``."""
        (self.root / "speed").write_text(str(seconds))

    def commit(self) -> str:
        """Commit all there is; the commit's id."""
        self.git("add", "--all")
        self.git(
            *("-c", "user.name=x", "-c", "user.email=x@y.z"),
            *("commit", "--quiet", "--message=x"),
        )
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """What git prints in it."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Start the guard on it."""
        return subprocess.Popen(
            [sys.executable, "-c", _RUN, str(self.root), *arguments],
            cwd=ROOT,
            env=os.environ
            | {"GUARDED_LOG": str(self.log), "HISTOCNN_CACHE": str(self._caches)}
            | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def guard(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Run the guard on it: exit code, table, what it says besides."""
        with self.start(*arguments, **variables) as process:
            table, said = process.communicate(timeout=120)
        return process.returncode, table, said

    def sessions(self) -> list[dict[str, Any]]:
        """All sessions that began, in order: ``where``, ``words``, ``variables``."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def sides(self) -> list[str]:
        """Of each session, which side it measured."""
        own = str(self.root)
        return ["head" if each["where"] == own else "base" for each in self.sessions()]

    def worktree(self, commit: str) -> Path:
        """Where the guard checks ``commit`` out."""
        return self.root / "build" / "guard" / commit[:12]

    def runs(self, base: str, head: str) -> Path:
        """Where it saves what it measures."""
        return self.root / "build" / "guard" / "runs" / f"{base[:12]}-{head[:12]}"


def _pytest(words: list[str]) -> int:
    prefix = "benchmarks/test_train.py::test_train"
    if "--collect-only" in words:
        if "--no-such-option" in words:
            print("ERROR: unrecognized arguments: --no-such-option")
            return 4
        print("\n".join(f"{prefix}[{case}]" for case in CASES))
        return 0
    with Path(os.environ["GUARDED_LOG"]).open("a") as log:
        entry = {
            "where": str(Path.cwd()),
            "words": words,
            "variables": {
                name: os.environ.get(name) for name in ("HISTOCNN_CACHE", "EXTRA")
            },
        }
        log.write(json.dumps(entry) + "\n")
    time.sleep(float(os.environ.get("DELAY", "0")))
    if os.environ.get("BROKEN") in (Path.cwd().name, "all"):
        print("the disk is on fire")
        return 1
    named = [word for word in words if word.startswith(prefix)]
    seconds = float(Path("speed").read_text())
    cases = named or [f"{prefix}[{case}]" for case in CASES]
    slow = {case: seconds if "64px" in case else 1.0 for case in cases}
    (target,) = (word for word in words if word.startswith("--benchmark-json="))
    document = {"benchmarks": [], "slow": slow}
    Path(target.partition("=")[2]).write_text(json.dumps(document))
    return int(os.environ.get("FAILING", "0"))


def _reports(words: list[str]) -> int:
    if "--help" in words or "slow" not in json.loads(Path(words[1]).read_text()):
        if os.environ.get("REAL"):
            command = [sys.executable, "-m", "reports", *words]
            there = os.environ | {"PYTHONPATH": str(ROOT)}
            return subprocess.run(command, env=there, check=False).returncode
        print("  ".join(OPTIONS))
        return 0
    if bad := os.environ.get("UNREADABLE"):
        print(bad, file=sys.stderr)
        return 2
    files: dict[str, list[str]] = {"base": []}
    role = "base"
    for word in words[1:]:  # behind `guard`
        if word in ("--against", "--confirm-base", "--confirm-head"):
            role = word
        elif word.startswith("--"):
            role = "option"
        files.setdefault(role, []).append(word)
    slower = _slower(files["base"], files["--against"][1:])
    fresh = files.get("--confirm-head")
    confirmed = fresh and _slower(files["--confirm-base"][1:], fresh[1:])
    if "json" in words:
        rows = [
            {"node_id": case, "verdict": "suspect" if case in slower else "same"}
            for case in _read(files["base"][0])
        ]
        print(json.dumps([{"title": "guard", "rows": rows}]))
    else:
        print("TABLE", json.dumps(files))
    return int(os.environ.get("VERDICT", "0")) or int(bool(confirmed))


def _read(file: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(Path(file).read_text())["slow"]
    return found


def _slower(base: list[str], head: list[str]) -> set[str]:
    assert len(base) == len(head)
    return {case for case, s in _read(head[0]).items() if s > _read(base[0])[case]}


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is not meant for it
    sys.exit({"pytest": _pytest, "reports": _reports}[sys.argv[2]](sys.argv[3:]))
