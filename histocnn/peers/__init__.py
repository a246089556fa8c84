"""Peers: the network written by hand, one file a framework, named as its engine is.

What a good engineer would write for this one network without Keras: the images on the
device, the epoch compiled. An engine's loop is measured against its peer, in the same
worker, on the same images, from the same weights and in the same order.

A peer is a module with ``program(job, runtime)``, which returns a
`histocnn.engines.Program`; it imports its framework inside its functions.
"""

import sys
from typing import TYPE_CHECKING, Protocol, cast

from histocnn import listing

if TYPE_CHECKING:
    from histocnn.engines import Program, Runtime
    from histocnn.job import Job


class Peer(Protocol):
    """The contract of a peer's module."""

    def program(self, job: "Job", runtime: "Runtime") -> "Program":
        """The network of `histocnn.model` with its starting weights, to be trained."""


def names() -> tuple[str, ...]:
    """The engines that have a peer."""
    return listing.names(sys.modules[__name__])


def get(engine: str) -> Peer:
    """The peer of ``engine``; `InputError` lists those there are."""
    return cast(Peer, listing.member(sys.modules[__name__], "peer", engine))
