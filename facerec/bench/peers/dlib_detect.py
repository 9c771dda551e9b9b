"""Benchmark worker: dlib's HOG detector, the image doubled once as face_recognition does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protocol import serve


def open_work(settings: Mapping[str, Any]) -> tuple[Any, Any, dict[str, object]]:
    """Load the detector; it has no smallest face, only ``upsample``."""
    import dlib

    detector = dlib.get_frontal_face_detector()
    upsample = settings.get("upsample", 1)

    def work(image: Any) -> Any:  # noqa: ANN401
        return detector(image, upsample)

    def report(found: Any) -> object:  # noqa: ANN401
        return [{"box": [box.left(), box.top(), box.right(), box.bottom()]} for box in found]

    return work, report, {"version": dlib.__version__}


serve(open_work)
