"""Benchmark worker: facerec's own embedder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protocol import serve


def open_work(settings: Mapping[str, Any]) -> tuple[Any, Any, dict[str, object]]:
    """Load the net."""
    import numpy as np

    import facerec
    from facerec.embed.base import open_embedder

    embedder = open_embedder(
        settings["model"], n_threads=settings["n_threads"], mirror=settings["mirror"]
    )
    side = embedder.crop_size_px

    def work(pixels: Any) -> Any:  # noqa: ANN401
        return embedder.embed_vectors(np.ascontiguousarray(pixels[:, :side, :side]))

    def report(vectors: Any) -> object:  # noqa: ANN401
        return int(vectors.shape[1])

    return work, report, {"version": facerec.__version__, "device": embedder.device}


serve(open_work)
