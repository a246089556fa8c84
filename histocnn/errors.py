"""The one exception whose message is meant for the person who typed the command."""


class InputError(ValueError):
    """Something asked for cannot be had.

    The message is one line that names the value, what was expected, and the remedy;
    front ends print it as it is, without a traceback, and exit non-zero.
    """
