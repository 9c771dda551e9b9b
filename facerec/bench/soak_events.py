"""Do the events of a video add up? Each face appears once, leaves once, and nothing comes after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from facerec.services.live_types import EventKind, LiveEvent

_ORDER = (EventKind.APPEARED, EventKind.RECOGNISED, EventKind.LEFT)


class EventBook:
    """Notes events by track, and tracks by the loop of the video in which they appeared.

    Attributes:
        loop: number of the loop that is played.
        n_left: how many faces left.
    """

    def __init__(self) -> None:
        self.loop = 0
        self.n_left = 0
        self._kinds: dict[int, list[EventKind]] = {}
        self._loops: dict[int, int] = {}
        self._counts: Counter[tuple[int, EventKind]] = Counter()
        self._faults: list[str] = []

    def take(self, event: LiveEvent) -> None:
        """Note one event."""
        seen = self._kinds.setdefault(event.track_id, [])
        loop = self._loops.setdefault(event.track_id, self.loop)
        if EventKind.LEFT in seen:
            self._faults.append(f"face {event.track_id} {event.kind} after it left")
        elif (event.kind is EventKind.APPEARED) == bool(seen):
            self._faults.append(f"face {event.track_id} {event.kind} out of turn")
        seen.append(event.kind)
        self._counts[loop, event.kind] += 1
        self.n_left += event.kind is EventKind.LEFT

    def counts(self, loops: Iterable[int]) -> tuple[tuple[int, int, int], ...]:
        """Say how many faces appeared, were recognised and left in each of some loops."""
        return tuple(
            (self._counts[n, _ORDER[0]], self._counts[n, _ORDER[1]], self._counts[n, _ORDER[2]])
            for n in loops
        )

    def faults(self) -> Iterator[str]:
        """Say what does not add up, now that the video is over."""
        yield from self._faults
        for track_id, kinds in self._kinds.items():
            if EventKind.LEFT not in kinds:
                yield f"face {track_id} never left"
