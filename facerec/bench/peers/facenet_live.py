"""Benchmark worker: facenet-pytorch on each frame of a video: MTCNN, then InceptionResnetV1."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from protocol import serve


def open_work(settings: Mapping[str, Any]) -> tuple[Any, Any, dict[str, object]]:
    """Load the nets; the second has random weights, which cost the same time."""
    warnings.simplefilter("ignore")
    import torch
    from facenet_pytorch import MTCNN, InceptionResnetV1

    detector = MTCNN(min_face_size=settings["min_face_px"], keep_all=True)
    net = InceptionResnetV1(pretrained=None, classify=False).eval()
    state = {"frame": 0}

    def work(video: Any) -> Any:  # noqa: ANN401
        boxes = None
        for _ in range(settings["n_frames"]):
            image = video[state["frame"] % len(video)]
            state["frame"] += 1
            boxes, _ = detector.detect(image)
            crops = detector.extract(image, boxes, save_path=None)
            if crops is not None:
                with torch.no_grad():
                    net(crops)
        return boxes

    def report(boxes: Any) -> object:  # noqa: ANN401
        return [] if boxes is None else [{"box": list(map(float, box))} for box in boxes]

    facts = {"version": version("facenet-pytorch"), "torch": torch.__version__}
    return work, report, facts | {"threads": torch.get_num_threads()}


serve(open_work)
