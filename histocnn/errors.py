"""The one exception whose message is meant for the person who typed the command."""


class InputError(ValueError):
    """Something asked for cannot be had.

    The message is one line that names the value, what was expected, and the remedy;
    front ends print it as it is, without a traceback, and exit non-zero. Whatever a
    terminal would not show as a character (a line break in a file's name) is spelled.
    """

    def __init__(self, message: str) -> None:
        """``message`` may quote what was read, in whatever state that is."""
        super().__init__(
            "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
        )


class Unsupported(RuntimeError):
    """What a worker alone finds out that its engine's installed version has not got.

    The message is one line: what is there, what is needed, and the remedy.
    """
