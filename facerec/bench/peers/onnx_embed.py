"""Benchmark worker: any net with a (B, 3, 112, 112) input, on the runtime facerec uses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protocol import serve

SIDE_PX = 112
MEAN = STD = (127.5, 127.5, 127.5)


def open_work(settings: Mapping[str, Any]) -> tuple[Any, Any, dict[str, object]]:
    """Load the net, with the same normalisation in front as facerec's own."""
    import numpy as np

    from facerec.runtime import PixelInput, open_session

    session = open_session(
        Path(settings["path"]),
        n_threads=settings["n_threads"],
        pixels=PixelInput("RGB", MEAN, STD),
    )

    def work(pixels: Any) -> Any:  # noqa: ANN401
        crops = np.ascontiguousarray(pixels[:, :SIDE_PX, :SIDE_PX])
        step = session.input_shape[0] if session.input_shape[0] > 0 else len(crops)
        starts = range(0, len(crops), step)
        return np.concatenate([session.run(crops[i : i + step])[0] for i in starts])

    def report(vectors: Any) -> object:  # noqa: ANN401
        return int(vectors.shape[1])

    return work, report, {"device": session.device}


serve(open_work)
