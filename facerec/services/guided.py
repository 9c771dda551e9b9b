"""Enrolment at a camera: what to tell the person in front of it, and when the picture is taken.

One face, without quality issues, for a little while: then the best look of that while is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facerec.services.live_types import LiveTrack
from facerec.types import QualityIssue

# So long, and on so many frames, a face must be good before its best look is taken.
HOLD_S = 1.2
HOLD_FRAMES = 5


@dataclass(frozen=True, slots=True)
class Guidance:
    """What to tell now.

    Attributes:
        n_faces: how many faces are in sight; one is wanted.
        issue: what the one face lacks most; None when it lacks nothing.
        progress: how much of the while has passed, in [0, 1].
        taken: the face whose best look is good enough; None until then.
    """

    n_faces: int
    issue: QualityIssue | None = None
    progress: float = 0.0
    taken: LiveTrack | None = None


class Guide:
    """Follows a video frame by frame until a picture is taken."""

    def __init__(self, *, hold_s: float = HOLD_S, hold_frames: int = HOLD_FRAMES) -> None:
        """Begin.

        Args:
            hold_s: how long the face must be good.
            hold_frames: on how many frames.
        """
        self._hold_s = hold_s
        self._hold_frames = hold_frames
        self._track_id: int | None = None
        self._since_s = 0.0
        self._n_good = 0

    def update(self, tracks: Sequence[LiveTrack], time_s: float) -> Guidance:
        """Take in the faces of the next frame.

        Args:
            tracks: in sight.
            time_s: of the frame, in seconds of the video.
        """
        if len(tracks) != 1:
            self._track_id = None
            return Guidance(len(tracks))
        track = tracks[0]
        issues = track.quality_issues or (track.best_issues if track.best_crop is not None else ())
        if issues or track.best_crop is None:
            self._track_id = None
            return Guidance(1, issues[0] if issues else None)
        if track.track_id != self._track_id:
            self._track_id, self._since_s, self._n_good = track.track_id, time_s, 0
        self._n_good += 1
        progress = min((time_s - self._since_s) / self._hold_s, self._n_good / self._hold_frames)
        return Guidance(1, None, min(progress, 1.0), track if progress >= 1.0 else None)
