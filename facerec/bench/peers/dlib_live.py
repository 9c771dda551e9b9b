"""Benchmark worker: dlib on each frame of a video: HOG detector, five landmarks, ResNet."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from protocol import serve


def open_work(settings: Mapping[str, Any]) -> tuple[Any, Any, dict[str, object]]:
    """Load the models that the package face_recognition_models ships."""
    warnings.simplefilter("ignore")
    import dlib
    import face_recognition_models as models

    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(models.pose_predictor_five_point_model_location())
    net = dlib.face_recognition_model_v1(models.face_recognition_model_location())
    state = {"frame": 0}

    def work(video: Any) -> Any:  # noqa: ANN401
        found: list[Any] = []
        for _ in range(settings["n_frames"]):
            image = video[state["frame"] % len(video)]
            state["frame"] += 1
            found = list(detector(image, 0))
            for box in found:
                net.compute_face_descriptor(image, predictor(image, box))
        return found

    def report(found: Any) -> object:  # noqa: ANN401
        return [{"box": [box.left(), box.top(), box.right(), box.bottom()]} for box in found]

    return work, report, {"version": dlib.__version__}


serve(open_work)
