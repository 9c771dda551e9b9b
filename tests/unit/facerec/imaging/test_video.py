"""Frames of video files."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facerec.errors import ImageReadError, RangeError
from facerec.imaging import video
from facerec.imaging.opencv import cv2
from facerec.imaging.video import is_video, read_frames

REAL_CAPTURE = cv2.VideoCapture


class Capture:
    """OpenCV's capture behind a Python object (its own type must not be derived from)."""

    def __init__(self, *arguments: Any) -> None:
        self.real = REAL_CAPTURE(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


FRAMES_PER_S = 10.0
N_FRAMES = 25


def level_of(index: int) -> int:
    return 20 + 8 * index


def write_video(path: Path, *, fourcc: str = "mp4v") -> Path:
    """Frames of one brightness each, red in the upper half and blue in the lower."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), FRAMES_PER_S, (96, 64))
    assert writer.isOpened()
    for index in range(N_FRAMES):
        frame_bgr = np.zeros((64, 96, 3), np.uint8)
        frame_bgr[:32, :, 2] = level_of(index)
        frame_bgr[32:, :, 0] = level_of(index)
        writer.write(frame_bgr)
    writer.release()
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("film") / "Müller 王.mp4")


def test_every_frame_comes_with_its_time(film: Path) -> None:
    frames = list(read_frames(film))

    assert len(frames) == N_FRAMES
    np.testing.assert_allclose(
        [frame.time_s for frame in frames], np.arange(N_FRAMES) / FRAMES_PER_S, atol=1e-3
    )


def test_frames_are_rgb(film: Path) -> None:
    frame = list(read_frames(film))[-1]

    assert frame.image.shape == (64, 96, 3)
    assert frame.image.dtype == np.uint8
    upper, lower = frame.image[:24].mean(axis=(0, 1)), frame.image[40:].mean(axis=(0, 1))
    assert upper[0] > 150 > 60 > upper[2]
    assert lower[2] > 150 > 60 > lower[0]


@pytest.mark.parametrize(
    ("every_s", "expected"),
    [
        pytest.param(0.5, [0.0, 0.5, 1.0, 1.5, 2.0], id="every fifth"),
        pytest.param(1.0, [0.0, 1.0, 2.0], id="every tenth"),
        pytest.param(0.25, [0.0, 0.3, 0.6, 0.9, 1.2, 1.5, 1.8, 2.1, 2.4], id="between frames"),
        pytest.param(100.0, [0.0], id="longer than the film"),
    ],
)
def test_frames_are_at_least_so_far_apart(
    film: Path, every_s: float, expected: list[float]
) -> None:
    frames = list(read_frames(film, every_s=every_s))

    np.testing.assert_allclose([frame.time_s for frame in frames], expected, atol=1e-3)
    for frame in frames:
        level = frame.image[:24, :, 0].mean()
        assert abs(level - level_of(round(frame.time_s * FRAMES_PER_S))) < 12


def turned_by_90(path: Path, target: Path) -> Path:
    """Write a quarter turn into the track header, as a phone held upright does."""
    data = bytearray(path.read_bytes())
    start = data.find(b"tkhd") + 4
    matrix_at = start + (40 if data[start] == 0 else 52)
    straight = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    assert data[matrix_at : matrix_at + 36] == straight
    quarter = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[matrix_at : matrix_at + 36] = quarter
    target.write_bytes(data)
    return target


def test_film_is_turned_upright(film: Path, tmp_path: Path) -> None:
    path = turned_by_90(film, tmp_path / "portrait.mp4")

    frame = list(read_frames(path))[-1]

    assert frame.image.shape == (96, 64, 3)  # a quarter turn clockwise: the red half is right
    assert frame.image[:, 40:, 0].mean() > 150
    assert frame.image[:, :24, 2].mean() > 150


def test_file_without_times_gets_them_from_its_rate(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Timeless(Capture):
        def get(self, prop: int) -> float:
            return 0.0 if prop == cv2.CAP_PROP_POS_MSEC else self.real.get(prop)

    monkeypatch.setattr(video.cv2, "VideoCapture", Timeless)

    times = [frame.time_s for frame in read_frames(film)]

    np.testing.assert_allclose(times, np.arange(N_FRAMES) / FRAMES_PER_S)


def test_damaged_frame_is_left_out(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Scratched(Capture):
        n_retrieved = 0

        def retrieve(self) -> tuple[bool, object]:
            self.n_retrieved += 1
            return (False, None) if self.n_retrieved == 3 else self.real.retrieve()

    monkeypatch.setattr(video.cv2, "VideoCapture", Scratched)

    times = [frame.time_s for frame in read_frames(film)]

    np.testing.assert_allclose(times, np.delete(np.arange(N_FRAMES) / FRAMES_PER_S, 2), atol=1e-3)


def test_file_is_closed_when_the_reader_stops_early(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = []

    class Watched(Capture):
        def release(self) -> None:
            released.append(True)
            self.real.release()

    monkeypatch.setattr(video.cv2, "VideoCapture", Watched)
    frames = read_frames(film)
    next(frames)

    frames.close()  # type: ignore[attr-defined]

    assert released == [True]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "no file", id="missing"),
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"no film " * 1000, "cannot be decoded", id="text"),
        pytest.param(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "cannot be decoded", id="header only"),
    ],
)
def test_what_is_no_film_is_refused(
    tmp_path: Path, content: bytes | None, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ImageReadError, match=message) as caught:
        next(read_frames(path))

    assert caught.value.remedy
    assert capfd.readouterr().err == ""  # FFmpeg says nothing behind our back


def test_film_without_a_single_frame_is_refused(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blind(Capture):
        def grab(self) -> bool:
            return False

    monkeypatch.setattr(video.cv2, "VideoCapture", Blind)

    with pytest.raises(ImageReadError, match="cannot be decoded"):
        list(read_frames(film))


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match="is a folder"):
        next(read_frames(tmp_path))


@pytest.mark.parametrize("every_s", [0.0, -1.0, float("nan")])
def test_time_between_frames_is_positive(film: Path, every_s: float) -> None:
    with pytest.raises(RangeError, match="positive"):
        next(read_frames(film, every_s=every_s))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.mp4", True), ("A.MOV", True), ("b.mkv", True), ("a.jpg", False), ("mp4", False)],
)
def test_films_are_known_by_their_ending(name: str, expected: bool) -> None:
    assert is_video(name) is expected
