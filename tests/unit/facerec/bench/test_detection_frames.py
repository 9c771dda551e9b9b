"""The frames detection is measured on, and the table of the result."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.bench.detect import (
    PEERS,
    format_report,
    measure_detection,
    one_face_frame,
    ten_face_frame,
)
from facerec.bench.harness import Absence, BenchReport, Timing
from facerec.errors import ConfigError


@pytest.mark.parametrize(
    ("frame", "shape"), [(one_face_frame, (480, 640, 3)), (ten_face_frame, (720, 1280, 3))]
)
def test_frames_have_their_size_and_are_the_same_every_time(frame, shape) -> None:
    first = frame()

    assert first.shape == shape
    assert first.dtype == np.uint8
    assert (first == frame()).all()


def test_table_shows_times_ratios_and_who_is_missing() -> None:
    report = BenchReport(
        "facerec",
        (
            Timing("facerec", "case", (0.010, 0.010), [1]),
            Timing("peer", "case", (0.050, 0.050), [1, 2]),
        ),
        (Absence("other", "other could not run.", "Install other."),),
        {},
        {"processor": "P", "cores": 2, "date": "D"},
    )

    text = format_report(report)

    assert "50.0 (50.0-50.0)" in text
    assert "5.00 (5.00-5.00)" in text
    assert "not measured: other could not run. Install other." in text


def test_unknown_peer_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        measure_detection(peers=["haar"])

    assert all(peer.name in caught.value.remedy for peer in PEERS)
