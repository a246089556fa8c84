"""The regression guard: base and head measured by turns on one machine, then judged.

What the figures say is for `python -m reports guard`, which is called as any user
would; here is what has to be measured for it, and in which order.
"""


class Problem(Exception):
    """The guard cannot go on; the text is the line for the user."""
