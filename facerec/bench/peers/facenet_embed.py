"""Benchmark worker: facenet-pytorch's InceptionResnetV1 on the CPU, as its users run it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from protocol import serve


def open_work(settings: Mapping[str, Any]) -> tuple[Any, Any, dict[str, object]]:
    """Build the net with random weights."""
    warnings.simplefilter("ignore")
    import torch
    from facenet_pytorch import InceptionResnetV1, fixed_image_standardization

    if settings["n_threads"]:
        torch.set_num_threads(settings["n_threads"])
    net = InceptionResnetV1(pretrained=None, classify=False).eval()

    def work(pixels: Any) -> Any:  # noqa: ANN401
        with torch.no_grad():
            batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
            return net(fixed_image_standardization(batch))

    def report(vectors: Any) -> object:  # noqa: ANN401
        return int(vectors.shape[1])

    facts = {"version": version("facenet-pytorch"), "torch": torch.__version__}
    return work, report, facts | {"threads": torch.get_num_threads()}


serve(open_work)
