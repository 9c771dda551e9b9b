"""A video file -> its frames as Images, upright, with the time of each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facerec.errors import ImageReadError, RangeError
from facerec.imaging.opencv import cv2
from facerec.imaging.read import check_regular_file
from facerec.types import ImageRGB

_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".ts", ".3gp"}
)


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One frame.

    Attributes:
        time_s: seconds since the beginning of the video.
        image: (H, W, 3) uint8, RGB, turned upright as the file says.
    """

    time_s: float
    image: ImageRGB


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether a file's ending is that of a video."""
    return Path(path).suffix.lower() in _SUFFIXES


def read_frames(
    path: str | os.PathLike[str], *, every_s: float | None = None
) -> Iterator[VideoFrame]:
    """Read a video frame by frame; the file is closed when the iterator ends or is dropped.

    Args:
        path: the video.
        every_s: least time between two frames; the others are skipped without decoding colour.
            Every frame when not given.

    Yields:
        Frames in order of time, the first one always among them.

    Raises:
        ImageReadError: missing, empty, no regular file, or no video that can be decoded.
        RangeError: ``every_s`` is not positive.
    """
    if every_s is not None and not every_s > 0:
        raise RangeError(f"The time between two frames is positive; got {every_s}.")
    path = Path(path)
    check_regular_file(path)
    with _opened(path) as capture:
        next_s = 0.0
        n_read = 0
        frames_per_s = float(capture.get(cv2.CAP_PROP_FPS))
        while capture.grab():
            # A camera's rate varies, so the frame's own time is taken where the file has one.
            time_s = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
            if not time_s > 0 and frames_per_s > 0:
                time_s = n_read / frames_per_s
            n_read += 1
            # (half a millisecond's grace, as times are sums of fractions)
            if every_s is not None and time_s < next_s - 0.0005:
                continue
            is_whole, frame_bgr = capture.retrieve()
            if not is_whole:  # a damaged frame: the next may be good
                continue
            if every_s is not None:
                next_s = time_s + every_s
            image = cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
            yield VideoFrame(time_s, image)
        if n_read == 0:
            raise _unreadable(path)


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise _unreadable(path)
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        yield capture
    finally:
        capture.release()


def _unreadable(path: Path) -> ImageReadError:
    return ImageReadError(
        f"The video '{path}' cannot be decoded.",
        remedy="Convert it to MP4 (H.264), for example with ffmpeg.",
        path=str(path),
    )
