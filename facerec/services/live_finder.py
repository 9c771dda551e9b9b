"""Where the faces of a frame are.

The whole image is searched now and then; in between, the faces that are known are followed by the
detector's last stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from facerec.detect.base import Detector
from facerec.errors import ConfigError
from facerec.track.motion import overlaps
from facerec.track.tracker import Track, Tracker
from facerec.types import Face, ImageRGB

# A face last seen longer ago is looked for by the full search only.
_FOLLOWED_S = 0.3
# Two boxes that overlap more show one face.
_SAME_FACE = 0.5
# A face that so many full searches in a row did not find is a mistake of the last stage.
_MOST_UNCONFIRMED = 5
# Full searches out of turn, for a face that was lost, are at least this far apart.
_SEARCH_AGAIN_S = 0.08
# Mean difference of two frames' thumbnails, in grey levels, from which on the scene has changed.
_JUMP_LEVELS = 40.0
_THUMBNAIL_STEP_PX = 16
_LONG_GAP_S = 1.0


class FollowingDetector(Detector, Protocol):
    """A detector that can look again where faces should be."""

    def refine(self, image: ImageRGB, boxes: NDArray[np.float64]) -> list[Face | None]:
        """See ``facerec.detect.mtcnn.MtcnnDetector.refine``."""
        ...


class FaceFinder:
    """Finds the faces of each frame of one video."""

    def __init__(self, detector: Detector, tracker: Tracker, search_every_s: float) -> None:
        """Begin.

        Args:
            detector: must be able to ``refine``.
            tracker: whose faces are followed.
            search_every_s: time between two searches of the whole image.

        Raises:
            ConfigError: the detector cannot follow faces.
        """
        if not callable(getattr(detector, "refine", None)):
            raise ConfigError(
                "This detector cannot follow faces in a video.", remedy="Use --detector mtcnn."
            )
        self._detector = cast("FollowingDetector", detector)
        self._tracker = tracker
        self._search_every_s = search_every_s
        self._searched_s = -np.inf
        self._time_s = -np.inf
        self._thumbnail: NDArray[np.float32] | None = None

    def has_searched(self, time_s: float) -> bool:
        """Whether the frame of that time was searched as a whole."""
        return self._searched_s == time_s

    def find(self, image: ImageRGB, time_s: float) -> list[Face]:
        """Find the faces of one frame.

        Args:
            image: (H, W, 3) uint8, RGB.
            time_s: when it was taken.
        """
        jumped = self._has_jumped(image, time_s)
        if jumped:
            self._tracker.doubt_all()
        followed = [t for t in self._tracker.tracks if time_s - t.seen_s <= _FOLLOWED_S]
        # (a hundredth's grace, as times are sums of fractions)
        if jumped or time_s - self._searched_s >= self._search_every_s - 0.01:
            return self._search(image, time_s, [] if jumped else followed)
        faces, n_lost = self._follow(image, time_s, followed)
        if n_lost and time_s - self._searched_s >= _SEARCH_AGAIN_S:
            return self._search(image, time_s, followed)
        return faces

    def _follow(
        self, image: ImageRGB, time_s: float, tracks: Sequence[Track]
    ) -> tuple[list[Face], int]:
        """Look where the faces of tracks should be; returns them, and how many are lost."""
        if not tracks:
            return [], 0
        found = self._detector.refine(image, self._tracker.predicted(time_s, tracks))
        faces = distinct([face for face in found if face is not None])
        return faces, len(tracks) - len(faces)

    def _search(self, image: ImageRGB, time_s: float, tracks: Sequence[Track]) -> list[Face]:
        """Search the whole image, and look again for the faces of tracks that were not found."""
        self._searched_s = time_s
        faces = self._detector.detect(image)
        missed = []
        for track, row in zip(
            tracks, _overlap_of(tracks, faces, self._tracker, time_s), strict=True
        ):
            track.n_unconfirmed = 0 if row >= _SAME_FACE / 2 else track.n_unconfirmed + 1
            if 0 < track.n_unconfirmed <= _MOST_UNCONFIRMED:
                missed.append(track)
        followed, _ = self._follow(image, time_s, missed)
        return distinct([*faces, *followed])

    def _has_jumped(self, image: ImageRGB, time_s: float) -> bool:
        """Whether the scene is another one than in the frame before."""
        part = image[_THUMBNAIL_STEP_PX // 2 :: _THUMBNAIL_STEP_PX]
        thumbnail = part[:, _THUMBNAIL_STEP_PX // 2 :: _THUMBNAIL_STEP_PX].mean(
            axis=2, dtype=np.float32
        )
        before, self._thumbnail = self._thumbnail, thumbnail
        gap_s, self._time_s = time_s - self._time_s, time_s
        if before is None or before.shape != thumbnail.shape or gap_s > _LONG_GAP_S:
            return True
        return bool(np.abs(thumbnail - before).mean() > _JUMP_LEVELS) if thumbnail.size else False


def distinct(faces: Sequence[Face]) -> list[Face]:
    """Leave out faces that an earlier one overlaps so much that it is the same."""
    kept: list[Face] = []
    for face in faces:
        boxes = np.array([other.box_xyxy for other in kept], dtype=np.float64).reshape(-1, 4)
        own = face.box_xyxy[None].astype(np.float64)
        if not kept or overlaps(own, boxes).max() <= _SAME_FACE:
            kept.append(face)
    return kept


def _overlap_of(
    tracks: Sequence[Track], faces: Sequence[Face], tracker: Tracker, time_s: float
) -> list[float]:
    """How well the best of the faces overlaps each track."""
    if not tracks or not faces:
        return [0.0] * len(tracks)
    boxes = np.array([face.box_xyxy for face in faces], dtype=np.float64)
    best: list[float] = overlaps(tracker.predicted(time_s, tracks), boxes).max(axis=1).tolist()
    return best
