"""Asks `python -m reports guard` what the figures say."""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.guard import Problem

#: Exit codes of `reports guard` that are findings, not failures of its own.
FINDINGS = (0, 1, 3, 4)
#: The one of them without a table: nothing can be compared.
_NOT_COMPARABLE = 3
_OWN = ("--against", "--confirm-base", "--confirm-head", "--split-base", "--output")
SUSPECT = "suspect"


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
class Judge:
    """`reports guard` of the checkout at ``root`` with the user's ``options``.

    ``split_base``: base cannot be measured again.
    """

    python: Path
    root: Path
    options: tuple[str, ...] = ()
    split_base: bool = False

    def check(self) -> None:
        """Raise `Problem` for an option that it does not have or takes amiss."""
        shown = self._run("--help").stdout
        for word in self.options:
            name = word.partition("=")[0]
            if name in _OWN:
                raise Problem(f"{name} is not for the user: the guard sets it itself")
            known = re.search(rf"{re.escape(name)}(?![\w-])", shown)
            if name.startswith("--") and not known:
                raise Problem(
                    f"{name} is an option neither of the guard nor of its table; see "
                    "python -m tools.guard --help and python -m reports guard --help"
                )
        # The values: what is asked for at the end keeps it from reading any file.
        done = self._run(*self.options, "--help")
        if done.returncode:
            raise Problem(_last_line(done.stderr))

    def suspects(self, files: Files) -> list[str] | None:
        """Node ids of the cases that are to be measured again, in the table's order.

        None where no case of the two can be compared. Raises `Problem` where the files
        cannot be judged.
        """
        done = self._run(*files.words, *self._plain_options(), "--format", "json")
        if not _is_finding(done):
            raise Problem(_last_line(done.stderr))
        if not done.stdout.strip():
            return None
        return suspects_in(json.loads(done.stdout))

    def show(self, files: Files) -> tuple[int, str]:
        """The exit code, 2 for what is in no table, and the table.

        What it says besides goes to standard error. Raises `Problem` where it has
        nothing to show that it should have.
        """
        done = self._run(*files.words, *self.options, errors=None)
        if not done.stdout.strip() and not _is_finding(done):
            place = files.head[0].parent
            raise Problem(f"there is no table; what was measured is in {place}")
        return done.returncode, done.stdout

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

    def _run(
        self, *words: str, errors: int | None = subprocess.PIPE
    ) -> "subprocess.CompletedProcess[str]":
        command = [str(self.python), "-m", "reports", "guard"]
        if self.split_base:
            words = (*words, "--split-base")
        return subprocess.run(
            [*command, *words],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
            check=False,
        )


def _is_finding(done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether it ended with a verdict; a traceback ends Python with 1, too."""
    shown = done.stdout.strip() or done.returncode == _NOT_COMPARABLE
    return bool(done.returncode in FINDINGS and shown)


def suspects_in(document: object) -> list[str]:
    """The node id of each row with the verdict `SUSPECT`, wherever it lies."""
    if isinstance(document, list):
        return [case for each in document for case in suspects_in(each)]
    if not isinstance(document, dict):
        return []
    if document.get("verdict") == SUSPECT and isinstance(document.get("node_id"), str):
        return [document["node_id"]]
    return [case for each in document.values() for case in suspects_in(each)]


def _without(
    words: Sequence[str], takes_value: Sequence[str], alone: Sequence[str]
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


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "python -m reports guard said nothing"
