"""In which order base and head are launched."""

import random
from dataclasses import dataclass
from typing import Literal

Name = Literal["base", "head"]


@dataclass(frozen=True)
class Turn:
    """One session: ``side`` in block ``block``, counted from 1."""

    block: int
    side: Name


def turns(blocks: int, seed: int) -> list[Turn]:
    """Both sides once in each block, in random order.

    Base comes first in half of the blocks, or one more: a machine that slows down
    meanwhile then slows both alike.
    """
    first: list[Name] = ["base"] * ((blocks + 1) // 2)
    first += ["head"] * (blocks // 2)
    random.Random(seed).shuffle(first)
    ordered = []
    for block, side in enumerate(first, start=1):
        other: Name = "head" if side == "base" else "base"
        ordered += [Turn(block, side), Turn(block, other)]
    return ordered
