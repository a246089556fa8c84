"""What is said to the person who typed the command: one line that a terminal shows."""


def spelled(text: str) -> str:
    r"""``text`` with ``\n`` for a line break, ``\udcc3`` for half a character, ….

    What is left is one line that terminals show and that can be encoded.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class InputError(ValueError):
    """Something asked for cannot be had.

    The message is one line that names the value, what was expected, and the remedy;
    front ends print it as it is, without a traceback, and exit non-zero. It is
    `spelled`: a file's name may have a line break in it.
    """

    def __init__(self, message: str) -> None:
        """``message`` may quote what was read, in whatever state that is."""
        super().__init__(spelled(message))


class Unsupported(RuntimeError):
    """What a worker alone finds out that its engine's installed version has not got.

    The message is one line: what is there, what is needed, and the remedy.
    """
