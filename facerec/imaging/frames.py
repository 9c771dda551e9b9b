"""Where moving images come from: camera, video file, network stream, folder, or memory.

``open_source`` turns what a user types into a source. A source is read by one thread, mostly that
of ``facerec.imaging.capture``; reading it knows nothing of faces.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from facerec.errors import FacerecError, NotFoundError, RangeError, SourceError
from facerec.imaging.opencv import cv2
from facerec.imaging.read import list_images, read_image
from facerec.imaging.video import VideoFrame, is_video, read_frames
from facerec.types import ImageRGB

STREAM_SCHEMES = ("rtsp://", "rtsps://", "rtmp://", "http://", "https://", "udp://", "tcp://")
DEFAULT_FRAMES_PER_S = 25.0
# How long a stream may take to open and to send its next frame.
STREAM_TIMEOUT_S = 5.0


class FrameSource(Protocol):
    """Moving images, one after the other; may be opened again after it was closed.

    Attributes:
        label: what it is, in words, without passwords.
        is_live: whether frames come at their own pace, so that a slow reader misses some; else they
            wait until they are read.
    """

    label: str
    is_live: bool

    def open(self) -> None:
        """Begin, or begin again.

        Raises:
            FacerecError: it is not there, or does not give images.
        """
        ...

    def read(self) -> VideoFrame | None:
        """Wait for the next frame.

        Returns:
            The frame, its time counted from ``open`` on for live sources; None at the end.

        Raises:
            FacerecError: it was there and gives nothing any more; opening it again may help.
        """
        ...

    def close(self) -> None:
        """Let go of it; closing twice does no harm."""
        ...


class CaptureSource:
    """A camera or network stream through OpenCV.

    Attributes:
        label: see ``FrameSource``.
        is_live: see ``FrameSource``.
    """

    is_live = True

    def __init__(
        self, target: int | str, *, label: str = "", size_hw: tuple[int, int] | None = None
    ) -> None:
        """Name it; nothing is opened yet.

        Args:
            target: number of a camera, or address of a stream.
            label: in words; made from the target when not given.
            size_hw: height and width asked of a camera, in pixels; it may give others.
        """
        self._target = target
        self.label = label or (f"camera {target}" if isinstance(target, int) else _public(target))
        self._size_hw = size_hw
        self._capture: cv2.VideoCapture | None = None
        self._started = 0.0

    def open(self) -> None:
        """See ``FrameSource.open``."""
        self.close()
        capture = _open_capture(self._target)
        if not capture.isOpened():
            capture.release()
            raise SourceError(
                f"The {self.label} cannot be opened.",
                remedy="Check that it is connected, that no other program uses it and that this "
                "one may; `facerec doctor` lists cameras.",
            )
        if self._size_hw is not None:
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size_hw[0])
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size_hw[1])
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._capture = capture
        self._started = time.monotonic()

    def read(self) -> VideoFrame | None:
        """See ``FrameSource.read``."""
        if self._capture is None:
            raise SourceError(f"The {self.label} is not open.")
        is_there, frame_bgr = self._capture.read()
        if not is_there:
            raise SourceError(
                f"The {self.label} gives no images any more.", remedy="Check its connection."
            )
        image = cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
        return VideoFrame(time.monotonic() - self._started, image)

    def close(self) -> None:
        """See ``FrameSource.close``."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


class ImagesSource:
    """Frames from memory, a video file or a folder: anything that can be gone through.

    Attributes:
        label: see ``FrameSource``.
        is_live: whether frames are handed out at the times they carry, as a camera would.
    """

    def __init__(
        self,
        frames: Callable[[], Iterable[VideoFrame]],
        *,
        label: str = "images",
        is_live: bool = False,
        repeats: bool = False,
    ) -> None:
        """Name it; nothing is read yet.

        Args:
            frames: called at each opening; gives the frames in order of time.
            label: in words.
            is_live: hand each frame out at its time, and not before.
            repeats: begin again at the end, times counting on.
        """
        self._frames = frames
        self.label = label
        self.is_live = is_live
        self._repeats = repeats
        self._iterator: Iterator[VideoFrame] | None = None
        self._started = 0.0

    def open(self) -> None:
        """See ``FrameSource.open``."""
        self._iterator = self._all_frames()
        self._started = time.monotonic()

    def read(self) -> VideoFrame | None:
        """See ``FrameSource.read``."""
        if self._iterator is None:
            raise SourceError(f"The {self.label} is not open.")
        frame = next(self._iterator, None)
        if frame is not None and self.is_live:
            time.sleep(max(0.0, self._started + frame.time_s - time.monotonic()))
        return frame

    def close(self) -> None:
        """See ``FrameSource.close``."""
        close = getattr(self._iterator, "close", None)
        self._iterator = None
        if close is not None:
            close()

    def _all_frames(self) -> Iterator[VideoFrame]:
        start_s = 0.0
        while True:
            last_s, step_s, n_frames = 0.0, 1 / DEFAULT_FRAMES_PER_S, 0
            for frame in self._frames():
                step_s = frame.time_s - last_s if n_frames else step_s
                last_s = frame.time_s
                n_frames += 1
                yield VideoFrame(start_s + frame.time_s, frame.image)
            if not self._repeats or not n_frames:
                return
            start_s += last_s + step_s


def images_in_memory(
    images: Iterable[ImageRGB],
    *,
    frames_per_s: float = DEFAULT_FRAMES_PER_S,
    label: str = "images",
    is_live: bool = False,
    repeats: bool = False,
) -> ImagesSource:
    """Play images (H, W, 3) uint8, RGB.

    Args:
        images: gone through at each opening, so a list rather than an iterator.
        frames_per_s: how fast they follow each other.
        label: in words.
        is_live: see ``ImagesSource``.
        repeats: see ``ImagesSource``.

    Raises:
        RangeError: ``frames_per_s`` is not positive.
    """
    _require_rate(frames_per_s)

    def frames() -> Iterator[VideoFrame]:
        for number, image in enumerate(images):
            yield VideoFrame(number / frames_per_s, image)

    return ImagesSource(frames, label=label, is_live=is_live, repeats=repeats)


def video_file(path: Path, *, is_live: bool = False, repeats: bool = False) -> ImagesSource:
    """Play a video file; see ``ImagesSource``."""
    return ImagesSource(
        lambda: read_frames(path), label=f"video {path.name}", is_live=is_live, repeats=repeats
    )


def image_folder(
    folder: Path,
    *,
    frames_per_s: float = DEFAULT_FRAMES_PER_S,
    is_live: bool = False,
    repeats: bool = False,
) -> ImagesSource:
    """Play the images of a folder in the order of their names, leaving out what cannot be read.

    Raises:
        NotFoundError: the folder holds no images.
        RangeError: ``frames_per_s`` is not positive.
    """
    _require_rate(frames_per_s)
    paths = list_images(folder)
    if not paths:
        raise NotFoundError(f"{folder} holds no images.", remedy="Name another folder.")

    def frames() -> Iterator[VideoFrame]:
        for number, path in enumerate(paths):
            try:
                image = read_image(path)
            except FacerecError:
                continue
            yield VideoFrame(number / frames_per_s, image)

    return ImagesSource(frames, label=f"folder {folder.name}", is_live=is_live, repeats=repeats)


def open_source(
    text: str | os.PathLike[str], *, is_live: bool | None = None, repeats: bool = False
) -> FrameSource:
    """Choose the source that a user's words mean; nothing is opened yet.

    Args:
        text: number or name (or part of the name) of a camera, address of a stream, path of a video
            file or of a folder of images.
        is_live: whether a file or folder is played at its own pace, frames being dropped when that
            is too fast; by default each frame is waited for. Cameras and streams are always live.
        repeats: whether a file or folder begins again at its end.

    Raises:
        NotFoundError: there is no such file or camera.
        SourceError: the file is no video.
    """
    name = os.fspath(text).strip()
    if name.isdecimal():
        return CaptureSource(int(name))
    if name.lower().startswith(STREAM_SCHEMES):
        return CaptureSource(name)
    path = Path(name).expanduser()
    if path.is_dir():
        return image_folder(path, is_live=bool(is_live), repeats=repeats)
    if path.is_file():
        if not is_video(path):
            raise SourceError(f"{path} is no video.", remedy="Name a video, folder or camera.")
        return video_file(path, is_live=bool(is_live), repeats=repeats)
    for number, camera in list_cameras().items():
        if name and name.casefold() in camera.casefold():
            return CaptureSource(number, label=f"camera {camera}")
    raise NotFoundError(
        f"There is no video, folder or camera named {name!r}.",
        remedy="Cameras have numbers: 0 is the first. `facerec doctor` lists them.",
    )


def list_cameras() -> dict[int, str]:
    """Return the cameras that can be named: number -> name.

    Linux tells their names itself; elsewhere the package cv2-enumerate-cameras is asked, and
    without it nothing is returned, though cameras can still be opened by number.
    """
    if sys.platform.startswith("linux"):
        return _linux_cameras(Path("/sys/class/video4linux"))
    try:
        from cv2_enumerate_cameras import enumerate_cameras
    except ImportError:
        return {}
    return {camera.index: camera.name for camera in enumerate_cameras()}


def _linux_cameras(folder: Path) -> dict[int, str]:
    cameras = {}
    for device in sorted(folder.glob("video*")):
        number, index = device.name.removeprefix("video"), device / "index"
        # A camera has several devices; the first gives images, the others data about them.
        is_first = not index.is_file() or index.read_text().strip() == "0"
        if number.isdecimal() and is_first and (device / "name").is_file():
            cameras[int(number)] = (device / "name").read_text(errors="replace").strip()
    return dict(sorted(cameras.items()))


def _open_capture(target: int | str) -> cv2.VideoCapture:
    if isinstance(target, int):
        if sys.platform == "win32":  # (the other way takes half a minute to open some cameras)
            return cv2.VideoCapture(target, cv2.CAP_DSHOW)
        return cv2.VideoCapture(target)
    timeout_ms = int(STREAM_TIMEOUT_S * 1000)
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        timeout_ms,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        timeout_ms,
    ]
    return cv2.VideoCapture(target, cv2.CAP_FFMPEG, limits)


def _public(address: str) -> str:
    """Name a stream without the password in its address.

    Example:
        >>> _public("rtsp://me:secret@camera.local:554/live?token=1")
        'stream rtsp://camera.local:554/live'
    """
    scheme, _, rest = address.partition("://")
    place = rest.partition("?")[0]
    host, slash, path = place.partition("/")
    return f"stream {scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _require_rate(frames_per_s: float) -> None:
    if not frames_per_s > 0:
        raise RangeError(f"There is more than no frame a second; got {frames_per_s:g}.")
