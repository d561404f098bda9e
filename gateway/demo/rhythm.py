"""Rhythm: when things happen. Nights and weekends are quieter, and now and then there is a burst."""

from bisect import bisect_right
from itertools import accumulate

from gateway.demo.draws import DAY, HOUR, MINUTE, Draws

_STEP = 15 * MINUTE


class Rhythm:
    """Maps the share of a history that has been told to the moment at which the next thing happens.

    Times are microseconds since 1970. `night` and `weekend` say how busy those are compared with a working day's noon;
    a burst is a quarter of an hour with several times the usual traffic.
    """

    def __init__(self, draws: Draws, *, since: int, until: int, night: float, weekend: float, bursts: int = 8) -> None:
        self._since = since
        self._step = min(_STEP, until - since)
        steps = -(-(until - since) // self._step)
        weights = [_weight(since + step * self._step, night=night, weekend=weekend) for step in range(steps)]
        for _ in range(bursts):
            weights[draws.randrange(steps)] *= draws.uniform(3.0, 6.0)
        weights[-1] *= (until - since - (steps - 1) * self._step) / self._step
        total = sum(weights)
        self._bounds = [0.0, *(part / total for part in accumulate(weights))]
        self._until = until

    def at(self, share: float) -> int:
        """Give the moment by which this share (0 to 1) of everything has happened."""
        step = min(bisect_right(self._bounds, share), len(self._bounds) - 1) - 1
        low, high = self._bounds[step], self._bounds[step + 1]
        inside = (share - low) / (high - low) if high > low else 0.0
        start = self._since + step * self._step
        return min(start + int(inside * min(self._step, self._until - start)), self._until)


def _weight(moment: int, *, night: float, weekend: float) -> float:
    hour = moment % DAY / HOUR
    # A working day between 7 and 20 o'clock UTC, highest at half past one in the afternoon.
    daylight = max(0.0, 1.0 - ((hour - 13.5) / 6.5) ** 2)
    # 1970-01-01 was a Thursday.
    is_weekend = (moment // DAY + 3) % 7 >= 5
    return (night + (1.0 - night) * daylight) * (weekend if is_weekend else 1.0)
