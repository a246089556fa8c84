"""Numbers that the guard is told, on its own command line and on pytest's."""

#: Launches that a case needs on a side, in either look, for a test.
FEWEST = 3
_MOST = 999


def whole(text: str, least: int) -> int:
    """The whole number that ``text`` is, from ``least`` to 999.

    Raises `ValueError` for any other, with what it should be.
    """
    if not (text.isascii() and text.isdigit() and least <= int(text) <= _MOST):
        why = ": fewer launches are no test" if least == FEWEST else ""
        raise ValueError(f"{text!r} is not a whole number from {least} to {_MOST}{why}")
    return int(text)
