"""Baseline: which case every other one is compared with (``device=cpu,cores=1``)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from reports import texts
from reports.combination import (
    ASSUMED,
    COUNTS,
    FIELDS,
    Combination,
    Value,
    pool_order,
    precision_order,
)
from reports.errors import InputError, printable

DEFAULT = "device=cpu,cores=1"
_LISTED = 8


@dataclass(frozen=True)
class Baseline:
    """The axes on which a case's baseline differs from it, with the values there."""

    overrides: tuple[tuple[str, Value], ...]

    def of(self, combination: Combination) -> Combination:
        """The combination that ``combination`` is compared with.

        The memory and its pool are the GPU's: a baseline on the CPU has none.
        """
        changed = dict(self.overrides)
        if changed.get("device") == "cpu":
            changed.setdefault("cnmem", None)
            changed.setdefault("gpu_memory", None)
        fields: dict[str, Any] = {
            axis: changed.pop(axis) for axis in FIELDS if axis in changed
        }
        others = {**dict(combination.others), **changed}
        fields["others"] = tuple(
            [
                (axis, str(value))
                for axis, value in sorted(others.items())
                if value is not None
            ]
        )
        return replace(combination, **fields)

    def candidates(self, combination: Combination) -> tuple[Combination, ...]:
        """What ``combination`` may be compared with: the first that was measured.

        A CPU has no tf32 and seldom bfloat16, so a GPU case in either may also be
        compared with the CPU's float32, unless the precision was asked for.
        """
        nearest = self.of(combination)
        usual = replace(nearest, precision=ASSUMED["precision"])
        leaves_gpu = nearest.device == "cpu" != combination.device
        if leaves_gpu and "precision" not in dict(self.overrides) and usual != nearest:
            return (nearest, usual)
        return (nearest,)

    def fits(self, combination: Combination) -> bool:
        """Whether ``combination`` is itself such a baseline."""
        return all(combination.value(axis) == value for axis, value in self.overrides)

    def __str__(self) -> str:
        return ", ".join(f"{axis}={_spelled(value)}" for axis, value in self.overrides)


def parse(text: str, combinations: Iterable[Combination]) -> Baseline:
    """Read ``AXIS=VALUE[,AXIS=VALUE…]`` against the axes of the cases there are.

    Raises
    ------
    InputError
        if it is malformed or names an axis that no case has.
    """
    others = {each for c in combinations for each, _ in c.others}
    axes = (*FIELDS, *sorted(others - {*FIELDS}))
    overrides: dict[str, Value] = {}
    for pair in text.split(","):
        axis, _, value = (part.strip() for part in pair.partition("="))
        if not axis or not value:
            raise InputError(
                f"--baseline {printable(text)!r} is not of the form "
                f"AXIS=VALUE[,AXIS=VALUE…], such as {DEFAULT}; "
                f"the axes are {', '.join(axes)}"
            )
        if axis not in axes:
            raise InputError(
                f"--baseline has no axis {printable(axis)!r}; "
                f"the axes are {', '.join(axes)}"
            )
        if axis in overrides:
            raise InputError(f"--baseline names {axis} twice; once is enough")
        overrides[axis] = _value(axis, value)
    return Baseline(tuple(overrides.items()))


def why_unmeasured(baseline: Baseline, combinations: Sequence[Combination]) -> str:
    """What to choose from instead; empty if some case is such a baseline."""
    for axis, value in baseline.overrides:
        measured = {combination.value(axis) for combination in combinations}
        if value not in measured:
            listed = _list([_spelled(each) for each in _sorted(axis, measured)])
            return f"no case has {axis}={_spelled(value)}; measured: {listed}"
    if any(baseline.fits(combination) for combination in combinations):
        return ""
    together = dict.fromkeys(
        ",".join(f"{axis}={_spelled(c.value(axis))}" for axis, _ in baseline.overrides)
        for c in combinations
    )
    return f"no case has {baseline} together; measured: {_list(list(together), '; ')}"


def _value(axis: str, text: str) -> Value:
    # "cores=two" stays text: no case has it, and the message lists those there are
    if axis in COUNTS and text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    if axis in ("cnmem", "gpu_memory") and text == "none":
        return None
    return printable(text)


def _spelled(value: Value) -> str:
    return "none" if value is None else str(value)


def _sorted(axis: str, values: Iterable[Value]) -> list[Value]:
    if axis == "precision":
        return sorted(values, key=lambda v: precision_order(str(v)))
    if axis == "cnmem":
        return sorted(values, key=lambda v: pool_order(None if v is None else str(v)))
    return sorted(
        values, key=lambda v: (v is not None, v if axis in COUNTS else str(v))
    )


def _list(names: list[str], separator: str = ", ") -> str:
    return texts.few(names, separator, _LISTED)
