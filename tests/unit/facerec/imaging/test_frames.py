"""Sources of moving images."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.errors import NotFoundError, RangeError, SourceError
from facerec.imaging import frames
from facerec.imaging.frames import (
    CaptureSource,
    FrameSource,
    image_folder,
    images_in_memory,
    list_cameras,
    open_source,
    video_file,
)
from facerec.imaging.opencv import cv2


def grey(level: int) -> np.ndarray:
    return np.full((48, 64, 3), level, np.uint8)


def levels_and_times(source: FrameSource, most: int = 100) -> list[tuple[int, float]]:
    source.open()
    found = []
    while len(found) < most and (frame := source.read()) is not None:
        found.append((round(float(frame.image.mean())), round(frame.time_s, 3)))
    source.close()
    return found


def test_images_follow_each_other_at_their_rate() -> None:
    source = images_in_memory([grey(10), grey(20), grey(30)], frames_per_s=10)

    assert levels_and_times(source) == [(10, 0.0), (20, 0.1), (30, 0.2)]
    assert levels_and_times(source) == [(10, 0.0), (20, 0.1), (30, 0.2)]  # opened again


def test_repeated_images_have_times_that_go_on() -> None:
    source = images_in_memory([grey(10), grey(20)], frames_per_s=10, repeats=True)

    assert levels_and_times(source, most=5) == [
        (10, 0.0), (20, 0.1), (10, 0.2), (20, 0.3), (10, 0.4),
    ]  # fmt: skip


def test_live_images_are_handed_out_at_their_times() -> None:
    source = images_in_memory([grey(10)] * 4, frames_per_s=20, is_live=True)

    started = time.monotonic()
    assert len(levels_and_times(source)) == 4

    assert time.monotonic() - started >= 0.15


def test_reading_what_is_not_open_is_refused() -> None:
    for source in (images_in_memory([grey(1)]), CaptureSource(0)):
        with pytest.raises(SourceError, match="not open"):
            source.read()


def test_rate_is_positive() -> None:
    with pytest.raises(RangeError, match="frame a second"):
        images_in_memory([], frames_per_s=0)


def test_a_folder_plays_its_images_and_passes_over_broken_ones(tmp_path: Path) -> None:
    for name, level in (("b.png", 20), ("a.png", 10), ("d.png", 40)):
        Image.fromarray(grey(level)).save(tmp_path / name)
    (tmp_path / "c.png").write_bytes(b"no image")

    played = levels_and_times(image_folder(tmp_path, frames_per_s=10))

    assert played == [(10, 0.0), (20, 0.1), (40, 0.3)]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no images"):
        open_source(tmp_path)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 48))
    for level in (40, 80, 120):
        writer.write(grey(level))
    writer.release()
    return path


def test_a_video_file_plays_from_beginning_to_end(film: Path) -> None:
    source = open_source(film)

    played = levels_and_times(source)

    assert not source.is_live
    assert source.label == "video film.mp4"
    assert [level for level, _ in played] == pytest.approx([40, 80, 120], abs=3)
    assert [time_s for _, time_s in played] == [0.0, 0.1, 0.2]


def test_a_stream_that_goes_away_says_so(film: Path) -> None:
    """A file opened as a stream: same way through OpenCV, and it ends."""
    source = CaptureSource(str(film))
    source.open()
    images = [source.read() for _ in range(3)]

    with pytest.raises(SourceError, match="no images any more"):
        source.read()
    source.close()
    source.close()
    assert [round(float(frame.image.mean())) for frame in images] == pytest.approx(
        [40, 80, 120], abs=3
    )


def test_a_camera_that_is_not_there_is_refused() -> None:
    with pytest.raises(SourceError, match="camera 97 cannot be opened") as caught:
        CaptureSource(97).open()

    assert "facerec doctor" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("0", "camera 0"),
        ("rtsp://me:secret@cam.local:554/live?token=1", "stream rtsp://cam.local:554/live"),
        ("HTTP://cam/video", "stream HTTP://cam/video"),
    ],
)
def test_words_choose_the_source_and_passwords_are_not_repeated(text: str, label: str) -> None:
    source = open_source(text)

    assert source.label == label
    assert source.is_live


def test_a_camera_is_found_by_part_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "list_cameras", lambda: {0: "Laptop Eye", 4: "Acme HD 3000"})

    assert open_source("acme").label == "camera Acme HD 3000"
    with pytest.raises(NotFoundError, match="'Zeiss'"):
        open_source("Zeiss")


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("words")

    with pytest.raises(SourceError, match="no video"):
        open_source(path)


def test_linux_names_each_camera_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, index in ((0, 0), (1, 1), (10, 0)):
        device = tmp_path / f"video{number}"
        device.mkdir()
        (device / "name").write_text(f"Camera {number}\n")
        (device / "index").write_text(f"{index}\n")

    assert frames._linux_cameras(tmp_path) == {0: "Camera 0", 10: "Camera 10"}
    assert isinstance(list_cameras(), dict)


def test_a_video_can_be_played_as_a_camera_would(film: Path) -> None:
    assert video_file(film, is_live=True).is_live
    assert open_source(film, is_live=True).is_live
