"""Benchmark worker: facenet-pytorch's MTCNN on the CPU, as its users run it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from protocol import serve


def open_work(settings: Mapping[str, Any]) -> tuple[Any, Any, dict[str, object]]:
    """Load the nets."""
    warnings.simplefilter("ignore")
    import torch
    from facenet_pytorch import MTCNN

    if "n_threads" in settings:
        torch.set_num_threads(settings["n_threads"])
    detector = MTCNN(min_face_size=settings["min_face_px"], keep_all=True)

    def work(image: Any) -> Any:  # noqa: ANN401
        return detector.detect(image, landmarks=True)

    def report(found: Any) -> object:  # noqa: ANN401
        boxes, scores, landmarks = found
        if boxes is None:
            return []
        return [
            {
                "box": list(map(float, box)),
                "landmarks": [list(map(float, p)) for p in points],
                "score": float(score),
            }
            for box, points, score in zip(boxes, landmarks, scores, strict=True)
        ]

    facts = {"version": version("facenet-pytorch"), "torch": torch.__version__}
    return work, report, facts | {"threads": torch.get_num_threads()}


serve(open_work)
