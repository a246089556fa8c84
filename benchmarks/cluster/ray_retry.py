"""How often and how long a lost head is looked for."""

import math
import time
from collections.abc import Callable, Sequence

#: Seconds without the head after which it is given up.
PATIENCE = 600.0
#: Seconds between tries; the last one repeats.
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
_SILENCE = 120.0  # seconds until the same reason is told again


class Retry:
    """Tries at growing pauses, until patience ends."""

    def __init__(
        self,
        patience: float = PATIENCE,
        pauses: Sequence[float] = PAUSES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing has failed yet; ``clock`` tells seconds."""
        self._patience = patience
        self._pauses = pauses
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """It has succeeded: what fails next is the first to fail."""
        self._since: float | None = None
        self._tries = 0
        self._told: tuple[str, float] | None = None

    def failed(self) -> float | None:
        """Seconds until the next try; None where there is none."""
        now = self._clock()
        if self._since is None:
            self._since = now
        if now - self._since > self._patience:
            return None
        pause = self._pauses[min(self._tries, len(self._pauses) - 1)]
        self._tries += 1
        return pause

    def announce(self, why: str) -> str | None:
        """What to tell of a failure; None for one that was told of lately."""
        now = self._clock()
        if self._told is not None:
            last, at = self._told
            if why == last and now - at < _SILENCE:
                return None
        self._told = why, now
        since = now if self._since is None else self._since
        minutes = max(1, math.ceil((self._patience - (now - since)) / 60))
        for_long = "a minute" if minutes == 1 else f"{minutes} minutes"
        return f"{why}; trying again for {for_long}"
