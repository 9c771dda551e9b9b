"""The default network gives the same vectors on every processor.

``tests/data/golden/`` holds four aligned crops of public-domain photographs and the vectors they
had when the network was exported. Running this file writes the vectors anew after an export.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "golden"
WORST_COSINE = 0.9999


def golden_crops() -> np.ndarray:
    from facerec.imaging.read import read_image

    return np.stack([read_image(path) for path in sorted(GOLDEN.glob("*.png"))])


def embed_golden() -> np.ndarray:
    from facerec.embed.onnx import OnnxEmbedder
    from facerec.paths import shipped_models_dir
    from facerec.zoo import read_manifest

    cards = read_manifest(shipped_models_dir())
    (card,) = (card for card in cards if card.task == "embed" and card.default)
    return OnnxEmbedder(card).embed_vectors(golden_crops())


def worst_cosine(vectors: np.ndarray) -> float:
    expected = np.load(GOLDEN / "vectors.npy", allow_pickle=False)
    assert vectors.shape == expected.shape
    return float(np.min(np.sum(vectors * expected, axis=1)))


def test_vectors_are_the_golden_ones_on_this_processor() -> None:
    assert worst_cosine(embed_golden()) >= WORST_COSINE


@pytest.mark.parametrize("instructions", ["AVX512_CORE", "AVX2", "SSE41"])
def test_vectors_are_the_golden_ones_with_newer_instructions_off(
    instructions: str, tmp_path: Path
) -> None:
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": instructions}

    subprocess.run(
        [sys.executable, __file__, str(tmp_path / "vectors.npy")], env=environment, check=True
    )

    assert worst_cosine(np.load(tmp_path / "vectors.npy", allow_pickle=False)) >= WORST_COSINE


def test_golden_crops_are_four_different_faces() -> None:
    vectors = embed_golden()

    scores = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    assert len(vectors) == 4
    # Two crops are the mirror images of the other two: alike, yet not the same.
    assert scores.max() < 0.999


if __name__ == "__main__":
    np.save(sys.argv[1] if len(sys.argv) > 1 else GOLDEN / "vectors.npy", embed_golden())
