"""Comparison of two detectors' faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.bench.parity import (
    ParityReport,
    box_iou,
    compare_faces,
    format_report,
    lfw_accuracies,
    measure_parity,
    write_contact_sheet,
)
from facerec.imaging.read import read_image
from facerec.types import Face
from tests.helpers.fakes import FakeDetector, FakeEmbedder, fake_photo

PATH = Path("somebody.jpg")


def face(left: float, top: float, size: float = 100.0, score: float = 0.9) -> Face:
    landmarks = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]]) * size / 100
    return Face(
        np.array([left, top, left + size, top + size]), landmarks + np.array([left, top]), score
    )


def compared(own: list[Face], reference: list[Face]):
    return compare_faces(PATH, (500, 500), own, reference)


def test_same_faces_agree() -> None:
    result = compared([face(10, 10)], [face(10, 10)])

    assert (result.box_iou, result.landmark_share) == (1.0, 0.0)
    assert not result.differs


def test_shift_shows_in_overlap_and_landmarks() -> None:
    result = compared([face(10, 10)], [face(20, 10)])

    # 90 x 100 common of 2 x 100 x 100 - 9000; ten pixels of a width of 100.
    assert result.box_iou == pytest.approx(9000 / 11000)
    assert result.landmark_share == pytest.approx(0.1)
    assert result.differs


def test_landmarks_alone_can_differ() -> None:
    moved = Face(face(0, 0).box_xyxy, face(0, 0).landmarks + 3, 0.9)

    result = compared([moved], [face(0, 0)])

    assert result.box_iou == 1.0
    assert result.landmark_share == pytest.approx(3 * np.sqrt(2) / 100)
    assert result.differs


def test_face_only_the_reference_finds_is_missed() -> None:
    result = compared([], [face(0, 0, score=0.95)])

    assert (result.box_iou, result.landmark_share) == (0.0, float("inf"))
    assert result.missed == (0.95,)


def test_second_face_can_be_missed_or_added() -> None:
    first, second = face(0, 0), face(300, 300, 50, 0.8)

    assert compared([first], [first, second]).missed == (0.8,)
    assert compared([first, second], [first]).added == (0.8,)


def test_image_in_which_the_reference_finds_nothing_is_not_compared() -> None:
    report = ParityReport((compared([face(0, 0)], []), compared([face(0, 0)], [face(0, 0)])))

    assert len(report.compared) == 1
    assert report.box_agreement == report.landmark_agreement == 1.0


def test_shares_count_images() -> None:
    good, bad = compared([face(0, 0)], [face(0, 0)]), compared([face(0, 0)], [face(50, 0)])
    report = ParityReport((good, good, good, bad))

    assert report.box_agreement == report.landmark_agreement == 0.75


def test_missed_faces_near_the_threshold_are_listed_apart() -> None:
    report = ParityReport(
        (compared([], [face(0, 0, score=0.705)]), compared([], [face(0, 0, score=0.72)]))
    )

    assert report.missed == ((PATH, pytest.approx(0.72)),)
    assert report.missed_near_threshold == ((PATH, pytest.approx(0.705)),)


def test_overlap_of_boxes_apart_is_zero() -> None:
    assert box_iou(face(0, 0), face(200, 0)) == 0.0


def test_whole_run_gives_figures_and_a_sheet(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    Image.new("RGB", (300, 200), (90, 120, 150)).save(path)
    own, reference = FakeDetector([face(10, 10)]), FakeDetector([face(60, 10)])

    report = measure_parity(own, reference, [path])
    sheet = tmp_path / "sheet.png"
    write_contact_sheet(sheet, own, reference, report.images)

    assert "0.00%" in format_report(report)
    assert report.payload()["box_agreement"] == 0.0
    assert read_image(sheet).std() > 0


def test_accuracy_through_two_detectors_counts_the_faces_one_of_them_misses(tmp_path: Path) -> None:
    root = tmp_path / "lfw"
    lines = ["2\t4"]
    for person in range(8):
        folder = root / "images" / f"P{person}"
        folder.mkdir(parents=True)
        for shot in (1, 2):
            Image.fromarray(fake_photo(person, shot, 112)).save(
                folder / f"P{person}_{shot:04d}.png"
            )
    for first in (0, 4):
        lines += [f"P{p}\t1\t2" for p in range(first, first + 4)]
        lines += [f"P{p}\t1\tP{(p + 1) % 8}\t2" for p in range(first, first + 4)]
    (root / "pairs.txt").write_text("\n".join(lines) + "\n")

    seeing, blind = lfw_accuracies(root, [FakeDetector(), FakeDetector([])], FakeEmbedder())

    assert seeing == 1.0
    assert blind == 0.0
