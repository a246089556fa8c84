"""Which cases are guarded: the pytest options that select them, and what these need."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.guard import Problem, git

#: What `make bench` measures, unless other options say otherwise: the last one wins.
USUAL = ("--grid", "quick", "--devices", "cpu")
_USUAL_FILE = "benchmarks/test_train.py"
#: What the guard itself says to each session.
_OWN = (
    *("--launches", "--rounds", "--order-seed"),
    *("--benchmark-json", "--journal", "--resume", "--guard"),
)
_MEASURES_NOTHING = ("--benchmark-disable", "--collect-only", "--co")
#: Options whose value, a word of its own, may be a file of ours.
_TAKES_FILE = ("--deselect", "--ignore", "--ignore-glob")
_CASE = re.compile(r"\[(?P<engine>[a-z]+)-(?P<device>cpu|cuda)-")
#: Whose tables nobody wants at each session.
_QUIET = ("-p", "no:cacheprovider", "--benchmark-quiet")


@dataclass(frozen=True)
class Selection:
    """``options`` for pytest, and the ``places`` to collect from: files or node ids."""

    options: tuple[str, ...]
    places: tuple[str, ...]

    @classmethod
    def of(cls, words: Sequence[str]) -> "Selection":
        """What the user typed for pytest; `Problem` for what is the guard's to say."""
        for word in words:
            name = word.partition("=")[0]
            if name in _OWN:
                raise Problem(
                    f"{name} among pytest's options: the guard sets it itself"
                )
            if name in _MEASURES_NOTHING:
                raise Problem(f"{name}: the guard has to measure; leave it out")
        places = [
            index
            for index, word in enumerate(words)
            if word.startswith("benchmarks")
            and (index == 0 or words[index - 1] not in _TAKES_FILE)
        ]
        rest = [word for index, word in enumerate(words) if index not in places]
        return cls(
            (*_QUIET, *USUAL, *rest),
            tuple(words[index] for index in places) or (_USUAL_FILE,),
        )

    def only(self, cases: Sequence[str]) -> "Selection":
        """The same options for these node ids."""
        return Selection(self.options, tuple(cases))

    @property
    def words(self) -> tuple[str, ...]:
        """As pytest takes them."""
        return (*self.options, *self.places)


def cases(python: Path, root: Path, selection: Selection) -> list[str]:
    """The node ids that pytest collects in the checkout at ``root``.

    `Problem`, with pytest's words, where it takes an option amiss or there is no case.
    """
    done = subprocess.run(
        [
            *(str(python), "-m", "pytest", "--collect-only", "-q", "--launches", "1"),
            *selection.words,
        ],
        cwd=root,
        env=git.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if _is_case(line)]
    if done.returncode or not found:
        raise Problem(f"no case can be measured: {_last_words(done)}")
    return found


def environments(cases: Sequence[str], selection: Selection) -> list[str]:
    """The environments that ``cases`` train in; not those the user has a Python for."""
    found = [match for case in cases if (match := _CASE.search(case))]
    names = {
        match["engine"]
        if match["device"] == "cpu"
        else f"{match['engine']}-{match['device']}"
        for match in found
    }
    return sorted(names - _own_interpreters(selection.options))


def _own_interpreters(options: Sequence[str]) -> set[str]:
    """The environments for which ``--interpreter ENV=PATH`` names another Python."""
    own = set()
    for index, word in enumerate(options):
        name, equals, value = word.partition("=")
        if name != "--interpreter":
            continue
        following = options[index + 1] if index + 1 < len(options) else ""
        own.add((value if equals else following).partition("=")[0])
    return own


def _is_case(line: str) -> bool:
    return re.match(r"\S+\.py::\S", line) is not None


def _last_words(done: "subprocess.CompletedProcess[str]") -> str:
    """What pytest calls an error, else the last line that it printed."""
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if line.startswith("ERROR")]
    return (errors or said or [f"pytest ended with {done.returncode}"])[-1]
