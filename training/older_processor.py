"""The vectors a model file would give on an older processor.

Processors with int8 instructions (VNNI) add products in 32 bits; older ones add pairs of them in 16
bits and clip. The runtime is told to do without newer instructions, in a process of its own, since
it reads that once.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from facerec.zoo import ModelCard

# See oneDNN's documentation, "CPU Dispatcher Control"; without effect on other architectures.
VARIABLE, INSTRUCTIONS = "ONEDNN_MAX_CPU_ISA", "AVX2"


def vectors_on_older_processor(card: ModelCard, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embed crops (N, S, S, 3) uint8 with AVX2 and nothing newer; return (N, D) unit vectors."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_embed, card, crops).result()


def _embed(card: ModelCard, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    os.environ[VARIABLE] = INSTRUCTIONS
    from facerec.embed.onnx import OnnxEmbedder

    return OnnxEmbedder(card).embed_vectors(crops)
