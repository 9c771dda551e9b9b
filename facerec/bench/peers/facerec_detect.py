"""Benchmark worker: facerec's own detector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protocol import serve


def open_work(settings: Mapping[str, Any]) -> tuple[Any, Any, dict[str, object]]:
    """Load the nets."""
    import facerec
    from facerec.detect.mtcnn import MtcnnDetector

    detector = MtcnnDetector(**settings)

    def report(faces: list[Any]) -> object:
        return [
            {
                "box": face.box_xyxy.tolist(),
                "landmarks": face.landmarks.tolist(),
                "score": face.score,
            }
            for face in faces
        ]

    return detector.detect, report, {"version": facerec.__version__, "device": detector.device}


serve(open_work)
