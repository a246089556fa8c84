"""What can be made to happen to a simulated cluster."""

from dataclasses import dataclass

from benchmarks.cluster import Node
from benchmarks.outcomes import Outcome


@dataclass(frozen=True)
class Joins:
    """``node`` comes, or comes back."""

    node: Node


@dataclass(frozen=True)
class Dies:
    """The node of that id is gone, and with it what it measures."""

    id: str
    why: str = "it was killed"


@dataclass(frozen=True)
class Loses:
    """What the node measures is lost; the node itself stays."""

    id: str
    why: str = "its worker was killed"


@dataclass(frozen=True)
class Fails:
    """What the node measures ends with ``outcome``."""

    id: str
    outcome: Outcome


@dataclass(frozen=True)
class Breaks:
    """The cluster is lost for good; ``message`` says so in a line."""

    message: str


Happening = Joins | Dies | Loses | Fails | Breaks
