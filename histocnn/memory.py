"""What a cnmem value means: how GPU memory is obtained, whoever asks for it."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from histocnn.errors import InputError

#: Theano's old `lib.cnmem` clipped a fraction here: the driver needs the rest.
LARGEST_FRACTION = 0.95

MEBIBYTE = 2**20
#: A petabyte, more than any GPU has.
_MOST_MEGABYTES = 10**9
_NUMBER = re.compile(r"[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?")

#: How frameworks, drivers and allocators say it, in lower case. Each has an exception
#: of its own, which only a process that has imported it could name.
_RAN_OUT = (
    "out of memory",
    "outofmemory",
    "out_of_memory",
    "resource_exhausted",
    "resourceexhausted",
    "oom when allocating",
    "bad_alloc",
    "cannot allocate memory",
    "can't allocate memory",
    "unable to allocate",
    "failed to allocate",
    "trying to preallocate",
    "alloc_failed",  # of cuBLAS and cuDNN
    # TensorFlow's, which tell no more: of a copy to the GPU, …
    "dst tensor is not initialized",
    # … of XLA, where no algorithm of cuDNN's or cuBLAS's had room to be tried in, …
    "no valid config found",
    "autotuner could not find any supported configs",
    "dnn library initialization failed",  # … and of cuDNN itself
)
#: The loader's limit of its own, whatever memory there is.
_NOT_MEMORY = "static tls block"
#: `2.50 GiB`, `16384 bytes`, `77480 MB`: how much is behind the word allocate.
_AMOUNT = re.compile(
    r"allocat\w{0,6}\D{0,40}?([0-9][0-9.]{0,20}) ?(bytes|[KMGT]?i?B)\b", re.I
)
#: Theano tells the sides of an array of float32; of a pooling's gradient only its
#: inputs, the first of which has the same shape …
_ARRAY = re.compile(r"allocate (?:output|working memory) of (\d{1,9}(?: x \d{1,9})*)\b")
_GRADIENT = re.compile(
    r"MaxPoolGrad: failed to allocate memory.*^Inputs shapes: "
    r"\[\((\d{1,9}(?:, \d{1,9})*)\)",
    re.M | re.S,
)
#: … and TensorFlow the shape of a tensor and its type.
_TENSOR = re.compile(r"shape ?\[([0-9, ]{1,200})\] and type (\w+)")
_POWERS = "KMGT"
_READ = 20_000  # characters of a message: what it says of memory stands in front
_WIDTHS = {"half": 2, "bfloat16": 2, "float": 4, "int32": 4, "double": 8, "int64": 8}


class PoolKind(StrEnum):
    """The five ways to obtain GPU memory that the axis tells apart."""

    OFF = "off"  # every allocation asks the driver
    GROW = "grow"  # a pool that starts empty and keeps what it got
    FRACTION = "fraction"  # a share of the GPU's memory, reserved at the start
    MEGABYTES = "megabytes"  # that many MB, reserved at the start
    ASYNC = "async"  # the driver's own stream-ordered pool


@dataclass(frozen=True)
class MemoryPool:
    """One value of the cnmem axis.

    ``amount`` is the fraction (0 < f ≤ 1) or the MB (> 1), and 0 for the other kinds.
    The numbers mean what `lib.cnmem` meant in Theano ≤ 0.9; ``grow`` and ``async`` are
    what today's engines offer beside them.
    """

    kind: PoolKind
    amount: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "MemoryPool":
        """Read ``0``, ``0.5``, ``1``, ``4096``, ``4096MB``, ``grow`` or ``async``.

        Raises
        ------
        InputError
            for anything else, negative numbers, NaN and infinity among it, and numbers
            that would be written as another pool than they are.
        """
        word = text.strip().lower()
        if word in (PoolKind.GROW, PoolKind.ASYNC):
            return cls(PoolKind(word))
        number = word.removesuffix("mb").rstrip()
        exact = float(number) if _NUMBER.fullmatch(number) else math.nan
        amount = float(f"{exact:.15g}")  # as `__str__` writes it
        in_megabytes = word.endswith("mb")
        is_zero = not re.search("[1-9]", number.partition("e")[0])
        is_other = (amount <= 1) != (exact <= 1) or (amount == 0) != is_zero
        if is_other or not amount <= _MOST_MEGABYTES or (in_megabytes and amount <= 1):
            raise InputError(
                f"cnmem={text!r} is not a memory pool; use 0 (none), a fraction up to "
                "1, megabytes above 1 (up to 10^9), 'grow' or 'async'"
            )
        if amount == 0:
            return cls(PoolKind.OFF)
        return cls(PoolKind.FRACTION if amount <= 1 else PoolKind.MEGABYTES, amount)

    def __str__(self) -> str:
        """The shortest text that `parse` reads back as the same pool."""
        if self.kind in (PoolKind.GROW, PoolKind.ASYNC):
            return self.kind.value
        return f"{self.amount:.15g}"

    def reserved_fraction(self) -> float | None:
        """The share of the GPU's memory to reserve, clipped; None where none is."""
        if self.kind is not PoolKind.FRACTION:
            return None
        return min(self.amount, LARGEST_FRACTION)

    def reserved_bytes(self, total_bytes: int) -> int | None:
        """Bytes to reserve on a GPU of ``total_bytes``; None where nothing is."""
        fraction = self.reserved_fraction()
        if fraction is not None:
            return int(fraction * total_bytes)
        if self.kind is PoolKind.MEGABYTES:
            return int(self.amount * MEBIBYTE)
        return None


def ran_out(error: BaseException) -> bool:
    """Whether ``error`` or what caused it was for want of memory."""
    for one in _chain(error):
        said = f"{type(one).__name__}: {one}".lower()
        if _NOT_MEMORY in said:
            continue
        if isinstance(one, MemoryError) or any(words in said for words in _RAN_OUT):
            return True
    return False


def asked_bytes(error: BaseException) -> int | None:
    """How many bytes could not be had, in the words of ``error``; None: not told."""
    for one in _chain(error):
        said = str(one)[:_READ]
        if amount := _AMOUNT.search(said):
            return _bytes(amount[1].rstrip("."), amount[2])
        if array := _ARRAY.search(said):
            return _nbytes(array[1], "float")
        if gradient := _GRADIENT.search(said):
            return _nbytes(gradient[1], "float")
        if (tensor := _TENSOR.search(said)) and tensor[2] in _WIDTHS:
            return _nbytes(tensor[1], tensor[2])
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """``error``, what caused it, and so on."""
    while error is not None:
        yield error
        hidden = error.__suppress_context__  # raised `from None`
        error = error.__cause__ or (None if hidden else error.__context__)


def _nbytes(shape: str, of_type: str) -> int:
    return math.prod(map(int, re.findall(r"[0-9]+", shape))) * _WIDTHS[of_type]


def _bytes(number: str, unit: str) -> int | None:
    power = 1 + _POWERS.index(unit[0].upper()) if unit[0].upper() in _POWERS else 0
    try:
        return int(float(number) * 1024**power)
    except ValueError:  # two points, say
        return None
