"""The line to a cluster: a bridge, and another one whenever that has ended."""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster import wire
from benchmarks.cluster.ray_driver import BridgeEnded, Driver
from benchmarks.cluster.ray_retry import Retry


@dataclass(frozen=True)
class Cut:
    """The bridge has ended, and another one is started soon.

    ``why`` it has; ``told`` is what to say of it, None where that was said lately.
    """

    why: str
    told: str | None


class Line:
    """Commands and replies, over one bridge after the other."""

    def __init__(self, address: str, measure: str | None, retry: Retry) -> None:
        """To the head at ``address``; nothing is started yet.

        ``measure`` is that of `Driver`, ``retry`` says when to start another bridge.
        """
        self._address = address
        self._measure = measure
        self._retry = retry
        self._begun: tuple[Path, wire.Open] | None = None
        self._driver: Driver | None = None
        self._again_at = 0.0
        self._final: BridgeEnded | None = None

    @property
    def is_up(self) -> bool:
        """Whether there is a bridge, which may still be connecting."""
        return self._driver is not None

    def begin(self, project: Path, opening: wire.Open) -> None:
        """Start a bridge that gives nodes the folder ``project``; send it ``opening``.

        Each later one gets the same. Raises `InputError` where none can be started.
        """
        self._begun = project, opening
        self._connect()

    def send(self, command: wire.Command) -> None:
        """Pass a command on, where there is a bridge."""
        if self._driver is not None:
            self._driver.send(command)

    def replies(self, timeout: float) -> list[wire.Reply | Cut]:
        """What was said, waiting at most ``timeout`` seconds for the first.

        Where there is no bridge the time is waited for until another is to be started.
        Raises `BridgeEnded` where one has ended and no other is worth a try, once what
        it said before has been taken.
        """
        if self._final is not None:
            raise self._final
        if self._driver is None and not self._connect_after(timeout):
            return []
        assert self._driver is not None
        found: list[wire.Reply | Cut] = []
        try:
            for reply in self._driver.replies(timeout):
                if isinstance(reply, wire.Failed):
                    raise BridgeEnded(reply.message, final=reply.final)
                if isinstance(reply, wire.Opened):
                    self._retry.reset()
                found.append(reply)
        except BridgeEnded as ended:
            self._driver.close()
            self._driver = None
            pause = None if ended.final else self._retry.failed()
            if pause is None:
                self._final = ended
                if not found:
                    raise
                return found
            self._again_at = time.monotonic() + pause
            found.append(Cut(str(ended), self._retry.announce(str(ended))))
        return found

    def close(self) -> None:
        """Let the bridge go, and what it had measured; safe to call again."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.close()

    def _connect(self) -> None:
        assert self._begun is not None
        project, opening = self._begun
        self._driver = Driver(self._address, project, self._measure)
        self._driver.send(opening)

    def _connect_after(self, timeout: float) -> bool:
        """Start another bridge if it is time for it within ``timeout`` seconds."""
        wanted = self._again_at - time.monotonic()
        time.sleep(max(0.0, min(wanted, timeout)))
        if wanted > timeout:
            return False
        self._connect()
        return True
