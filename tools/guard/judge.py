"""Asks `python -m reports guard` what the figures say."""

import itertools
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.guard import Problem, made_up, writable

#: Exit codes of `reports guard` that are findings, not failures of its own.
FINDINGS = (0, 1, 3, 4)
#: The one of them without a table: nothing can be compared.
_NOT_COMPARABLE = 3
_OWN = ("--against", "--confirm-base", "--confirm-head", "--split-base", "--output")
SUSPECT = "suspect"
_BEHIND_DASHES = (
    "; what is for pytest comes behind two dashes, as in "
    "--launches 5 -- benchmarks/test_train.py --sizes 64"
)


@dataclass(frozen=True)
class Files:
    """What it is to read: both sides' files, those of the second look, if any."""

    base: Sequence[Path]
    head: Sequence[Path]
    confirm_base: Sequence[Path] = ()
    confirm_head: Sequence[Path] = ()

    @property
    def words(self) -> list[str]:
        """As `reports guard` takes them."""
        words = [*map(str, self.base), "--against", *map(str, self.head)]
        for option, files in (
            ("--confirm-base", self.confirm_base),
            ("--confirm-head", self.confirm_head),
        ):
            words += [option, *map(str, files)] if files else []
        return words


@dataclass(frozen=True)
class Look:
    """What it makes of each case, by the names in JSON, and what it says besides.

    Without ``rows`` base and head cannot be compared, and ``said`` tells why.
    """

    rows: tuple[dict[str, Any], ...]
    said: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """The exit code (2 for what is in no table), the table, what it says besides."""

    code: int
    table: str
    said: tuple[str, ...]


@dataclass(frozen=True)
class Judge:
    """`reports guard` of the checkout at ``root`` with the user's ``options``.

    ``split_base``: base cannot be measured again.
    """

    python: Path
    root: Path
    options: tuple[str, ...] = ()
    split_base: bool = False

    def check(self) -> None:
        """Raise `Problem` for an option that it does not have or takes amiss.

        So, too, for a file that an option names and that cannot be read, or written.
        """
        # What is asked for at the end keeps it from reading any file.
        done = self._run(*self.options, "--help")
        if done.returncode:
            raise Problem(_last_line(done.stderr))
        for word in self.options:
            name = word.partition("=")[0]
            if name in _OWN:
                raise Problem(f"{name} is not for the user: the guard sets it itself")
            known = re.search(rf"{re.escape(name)}(?![\w-])", done.stdout)
            if name.startswith("--") and not known:
                raise Problem(
                    f"{name} is an option neither of the guard nor of its table; see "
                    "python -m tools.guard --help and python -m reports guard --help"
                    f"{self._hint}"
                )
        for file in _values(self.options, "--junit"):
            writable.check("--junit", self.root / file)
        self._try()

    def _try(self) -> None:
        """Judge what nobody measured: all that the options say has to hold by then."""
        with tempfile.TemporaryDirectory() as scratch:
            base, head = (
                str(made_up.write(Path(scratch, f"{name}.json")))
                for name in ("base", "head")
            )
            # Without an option of one value in between, a word that is none's value
            # would be one more file of head's.
            between = ("--slowdown", "1%")
            # What may be allowed to differ are facts of machines and engines.
            options = _without(self.options, takes_value=("--junit", "--allow"))
            alone = replace(self, split_base=False)
            done = alone._run(base, "--against", head, *between, *options)
        if _is_finding(done):
            return
        said = _last_line(done.stderr)
        if stray := re.search(r"unrecognized arguments: (.*)", said):
            raise Problem(
                f"{stray[1]!r} is no option of the guard's and no option's value"
                f"{self._hint}"
            )
        raise Problem(said)

    @property
    def _hint(self) -> str:
        """Where a word of pytest's goes; for a session of pytest's it is clear."""
        return "" if self.split_base else _BEHIND_DASHES

    def suspects(self, files: Files) -> list[str] | None:
        """Node ids of the cases that are to be measured again, in the table's order.

        None where no case of the two can be compared. Raises as `look` does.
        """
        rows = self.look(files).rows
        if not rows:
            return None
        return [row["node_id"] for row in rows if row["verdict"] == SUSPECT]

    def without(self, option: str) -> "Judge":
        """The same less this option, which takes a value."""
        return replace(self, options=tuple(_without(self.options, (option,))))

    def look(self, files: Files) -> "Look":
        """What it makes of each case; `Problem` where the files cannot be judged."""
        words = (*files.words, *self._plain_options(), "--format", "json")
        done = self._run(*words)
        if not _is_finding(done):
            raise Problem(_last_line(done.stderr))
        document = json.loads(done.stdout) if done.stdout.strip() else []
        return Look(tuple(_rows_in(document)), tuple(done.stderr.splitlines()))

    def show(self, files: Files) -> "Shown":
        """The table; `Problem` where there is none that there should have been."""
        done = self._run(*files.words, *self.options)
        if not done.stdout.strip() and not _is_finding(done):
            raise Problem(f"there is no table: {_last_line(done.stderr)}")
        said = tuple(done.stderr.splitlines())
        return Shown(done.returncode, done.stdout, said)

    def markdown(self, files: Files) -> str:
        """The table again, as GitHub and GitLab show it."""
        words = (*files.words, *self._plain_options(), "--format", "github")
        return self._run(*words).stdout

    def _plain_options(self) -> list[str]:
        """The options that bear on verdicts: none that writes or chooses a form."""
        return _without(
            self.options,
            takes_value=("--format", "--junit", "--output", "--table"),
            alone=("--annotations",),
        )

    def _run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [str(self.python), "-m", "reports", "guard"]
        if self.split_base:
            words = (*words, "--split-base")
        return subprocess.run(
            [*command, *words],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )


def _is_finding(done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether it ended with a verdict; a traceback ends Python with 1, too."""
    shown = done.stdout.strip() or done.returncode == _NOT_COMPARABLE
    return bool(done.returncode in FINDINGS and shown)


def _rows_in(document: object) -> Iterator[dict[str, Any]]:
    """Each row of a case, wherever it lies."""
    if isinstance(document, list):
        for each in document:
            yield from _rows_in(each)
    elif isinstance(document, dict):
        if isinstance(document.get("node_id"), str) and "verdict" in document:
            yield document
        for value in document.values():
            yield from _rows_in(value)


def _without(
    words: Sequence[str], takes_value: Sequence[str], alone: Sequence[str] = ()
) -> list[str]:
    """``words`` less these options and their values."""
    kept: list[str] = []
    skip = False
    for word in words:
        name, equals, _ = word.partition("=")
        if skip:
            skip = False
        elif name in takes_value:
            skip = not equals
        elif name not in alone:
            kept.append(word)
    return kept


def _values(words: Sequence[str], option: str) -> Iterator[str]:
    """Every value of ``option`` among ``words``."""
    for word, following in itertools.pairwise([*words, ""]):
        name, equals, value = word.partition("=")
        if name == option:
            yield value if equals else following


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return (
        lines[-1].removeprefix("reports: ")
        if lines
        else "python -m reports guard said nothing"
    )
