"""Combination: the axes of one saved case, checked, ordered and printable."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from reports.errors import InputError, printable

AXES = ("engine", "device", "size", "batch", "cnmem", "cores", "loop", "precision")
#: What cases were that were saved before there was a choice.
ASSUMED = {"loop": "fit", "precision": "float32"}
COUNTS = ("size", "batch", "cores", "images")
#: All that is not among a combination's others.
FIELDS = (*AXES, "images")
_LARGEST_COUNT = 10**9

Value = str | int | None


# Thousands are made, hashed and compared at each run, which a Struct does in C.
class Combination(Struct, frozen=True, array_like=True):
    """What was measured.

    ``size`` is the image's edge in pixels, ``batch`` and ``images`` are counts of
    images (a step's, an epoch's), ``cnmem`` the asked-for memory pool or None on the
    CPU. ``loop`` says who ran the epoch (``fit``, ``fused``, ``peer``), ``precision``
    how products were computed (``float32``, ``tf32``, ``bfloat16``). ``others`` holds
    the job's further fields (dataset, seed, …) as sorted pairs of name and text: cases
    that differ in any of them are different cases.
    """

    engine: str
    device: str
    size: int
    batch: int
    cnmem: str | None
    cores: int
    images: int
    loop: str = ASSUMED["loop"]
    precision: str = ASSUMED["precision"]
    others: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> "Combination":
        """Check the saved ``job``; one without loop or precision has `ASSUMED`.

        Raises
        ------
        InputError
            naming the first field that is missing or of the wrong kind.
        """
        if job.get("gpu_memory") is not None:
            _count(job, "gpu_memory")
        return cls(
            engine=_name(job, "engine"),
            device=_name(job, "device"),
            size=_count(job, "size"),
            batch=_count(job, "batch"),
            cnmem=_pool(job.get("cnmem")),
            cores=_count(job, "cores"),
            images=_count(job, "images"),
            loop=_name(job, "loop") if "loop" in job else ASSUMED["loop"],
            precision=(
                _name(job, "precision") if "precision" in job else ASSUMED["precision"]
            ),
            others=tuple(
                [
                    (printable(name), text_of(value))
                    for name, value in sorted(job.items())
                    # what a case has none of, files before there was any do not name
                    if name not in FIELDS and value is not None
                ]
            ),
        )

    def value(self, axis: str) -> Value:
        """The value on ``axis``; None where the case has no such axis."""
        if axis in FIELDS:
            value: Value = getattr(self, axis)
            return value
        return dict(self.others).get(axis)

    @property
    def order(self) -> tuple[object, ...]:
        """Sort key: by the axes from left to right, pools by size, then the rest."""
        return (
            self.engine,
            self.device,
            self.size,
            self.batch,
            pool_order(self.cnmem),
            self.cores,
            self.loop,
            precision_order(self.precision),
            self.images,
            self.others,
        )

    def describe(self) -> str:
        """The axes as ``--baseline`` takes them: ``engine=theano device=cpu …``."""
        pairs = ((axis, self.value(axis)) for axis in AXES)
        return " ".join(f"{axis}={value}" for axis, value in pairs if value is not None)


def values(axis: str, combinations: Sequence[Combination]) -> list[Value]:
    """What each of ``combinations`` has on ``axis``; None where it has no such axis."""
    if axis in FIELDS:
        return [getattr(each, axis) for each in combinations]
    return [each.value(axis) for each in combinations]


def varying(combinations: Sequence[Combination]) -> tuple[str, ...]:
    """Fields beyond the axes (images, dataset, …) that are not the same in all."""
    others = {each.others for each in combinations}
    names = sorted({name for each in others for name, _ in each})
    distinct = {name: {dict(each).get(name) for each in others} for name in names}
    found = [name for name in names if len(distinct[name]) > 1]
    images = len({each.images for each in combinations}) > 1
    return ("images", *found) if images else tuple(found)


def precision_order(precision: str) -> tuple[bool, str]:
    """Sort key of a precision: float32, which the others are compared with, first."""
    return (precision != ASSUMED["precision"], precision)


def pool_order(cnmem: str | None) -> tuple[int, float, str]:
    """Sort key of a memory pool: none, then numbers by size, then names."""
    if cnmem is None:
        return (0, 0.0, "")
    try:
        number = float(cnmem)
    except ValueError:
        return (2, 0.0, cnmem)
    return (1, number, cnmem) if math.isfinite(number) else (2, 0.0, cnmem)


def text_of(value: object) -> str:
    """A saved value as one line of text; what is not text as JSON spells it."""
    if isinstance(value, str):
        return printable(value)
    if type(value) is int:
        return str(value)
    try:
        return printable(json.dumps(value, sort_keys=True))
    except RecursionError:
        return "…"


def _name(job: Mapping[str, Any], axis: str) -> str:
    value = job.get(axis)
    if not isinstance(value, str) or not value:
        raise _wrong(job, axis, "a name")
    return printable(value)


def _count(job: Mapping[str, Any], axis: str) -> int:
    value = job.get(axis)
    # True is an int to Python, not a count
    if type(value) is not int or not 0 < value <= _LARGEST_COUNT:
        raise _wrong(job, axis, "a whole number above 0")
    return value


def _pool(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return printable(value) if value else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}"
    raise _wrong({"cnmem": value}, "cnmem", "text such as '0', '0.5', 'grow'")


def _wrong(job: Mapping[str, Any], axis: str, expected: str) -> InputError:
    found = f"is {text_of(job[axis])}" if axis in job else "is missing"
    return InputError(f"{axis} {found}, expected {expected}")
