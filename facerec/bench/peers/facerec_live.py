"""Benchmark worker: facerec's live engine, a few frames of a video at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protocol import serve


def open_work(settings: Mapping[str, Any]) -> tuple[Any, Any, dict[str, object]]:
    """Load the nets and open the gallery."""
    import facerec
    from facerec.match.rule import rule_from_card
    from facerec.pipeline import open_pipeline
    from facerec.services.gallery import open_gallery
    from facerec.services.live_core import LiveCore
    from facerec.zoo import find_model

    pipeline = open_pipeline(min_face_px=settings["min_face_px"])
    gallery = open_gallery(Path(settings["gallery"]))
    core = LiveCore(gallery, pipeline, rule=rule_from_card(find_model("default")))
    state = {"frame": 0}

    def work(video: Any) -> Any:  # noqa: ANN401
        shown = None
        for _ in range(settings["n_frames"]):
            number = state["frame"]
            shown = core.process(video[number % len(video)], number / 25)
            state["frame"] += 1
        return shown

    def report(shown: Any) -> object:  # noqa: ANN401
        return [{"box": track.face.box_xyxy.tolist(), "name": track.name} for track in shown.tracks]

    return work, report, {"version": facerec.__version__, "device": pipeline.detector.device}


serve(open_work)
