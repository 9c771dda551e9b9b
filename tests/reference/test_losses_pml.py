"""Our losses beside pytorch-metric-learning's, wherever it has them, margins converted."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch

pytest.importorskip("pytorch_metric_learning")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pytorch_metric_learning import distances, losses, miners, reducers

from training.memory import EmbeddingMemory
from training.objective import HEADS, LOSSES

N, DIM, CLASSES = 24, 16, 6
LABELS = torch.arange(N) % CLASSES


def embeddings(seed: int) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).standard_normal((N, DIM)))


def pml_triplet(margin: float, **settings: object) -> torch.nn.Module:
    return losses.TripletMarginLoss(
        margin=margin,
        distance=distances.LpDistance(power=2),
        reducer=reducers.MeanReducer(),
        **settings,
    )


def mined(loss: torch.nn.Module, miner: torch.nn.Module):
    return lambda x, y: loss(x, y, miner(x, y))


SQUARED = distances.LpDistance(power=2)
PAIRS = {
    "contrastive": (
        LOSSES.get("contrastive")(positive_margin=0.2, negative_margin=1.3, power=1),
        losses.ContrastiveLoss(pos_margin=0.2, neg_margin=1.3, reducer=reducers.MeanReducer()),
    ),
    "contrastive, unsatisfied pairs": (
        LOSSES.get("contrastive")(power=1, negative_margin=1.3, reducer="mean-nonzero"),
        losses.ContrastiveLoss(pos_margin=0, neg_margin=1.3),
    ),
    "batch-all": (LOSSES.get("triplet")(margin=0.3, miner="batch-all"), pml_triplet(0.3)),
    "semi-hard": (
        LOSSES.get("triplet")(margin=0.6, miner="semi-hard"),
        mined(
            pml_triplet(0.6),
            miners.TripletMarginMiner(margin=0.6, type_of_triplets="semihard", distance=SQUARED),
        ),
    ),
    "batch-hard": (
        LOSSES.get("triplet")(margin=0.3),
        mined(pml_triplet(0.3), miners.BatchHardMiner(distance=SQUARED)),
    ),
    "batch-hard soft": (
        LOSSES.get("triplet")(soft=True),
        mined(pml_triplet(0.0, smooth_loss=True), miners.BatchHardMiner(distance=SQUARED)),
    ),
    "multi-similarity": (
        LOSSES.get("multi-similarity")(epsilon=None),
        losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5),
    ),
    "multi-similarity, mined": (
        LOSSES.get("multi-similarity")(epsilon=0.1),
        mined(
            losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5),
            miners.MultiSimilarityMiner(epsilon=0.1),
        ),
    ),
    "circle": (
        LOSSES.get("circle")(margin=0.4, gamma=80.0),
        losses.CircleLoss(m=0.4, gamma=80, reducer=reducers.MeanReducer()),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_loss_and_gradient_agree(name: str, seed: int) -> None:
    ours, theirs = PAIRS[name]
    x, other = embeddings(seed).requires_grad_(), embeddings(seed).requires_grad_()

    value, expected = ours(x, LABELS), theirs(other, LABELS)
    value.backward()
    expected.backward()

    assert value.item() == pytest.approx(expected.item(), rel=1e-6)
    np.testing.assert_allclose(x.grad, other.grad, atol=1e-6)


HEAD_PAIRS = {
    "normalized-softmax": (
        {"scale": 20.0},
        lambda: losses.NormalizedSoftmaxLoss(CLASSES, DIM, temperature=1 / 20),
    ),
    "cosface": (
        {"scale": 20.0},
        lambda: losses.CosFaceLoss(CLASSES, DIM, margin=0.35, scale=20),
    ),
    "arcface": (
        {"scale": 20.0},
        lambda: losses.ArcFaceLoss(CLASSES, DIM, margin=math.degrees(0.5), scale=20),
    ),
    "l-softmax": ({"m": 3}, lambda: losses.LargeMarginSoftmaxLoss(CLASSES, DIM, margin=3)),
    "sphereface": ({"m": 4}, lambda: losses.SphereFaceLoss(CLASSES, DIM, margin=4)),
    "sub-centre-arcface": (
        {"scale": 20.0},
        lambda: losses.SubCenterArcFaceLoss(
            num_classes=CLASSES, embedding_size=DIM, margin=math.degrees(0.5), scale=20
        ),
    ),
}


# (Their L-Softmax hands numpy a tensor in a way that numpy gives up.)
@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
@pytest.mark.parametrize("name", HEAD_PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_heads_agree(name: str, seed: int) -> None:
    settings, build = HEAD_PAIRS[name]
    theirs = build().double()
    ours = HEADS.get(name)(embedding_dim=DIM, n_classes=CLASSES, **settings).double()
    with torch.no_grad():
        ours.weight.copy_(theirs.W.T)
    x, other = embeddings(seed).requires_grad_(), embeddings(seed).requires_grad_()

    value, expected = ours(x, LABELS), theirs(other, LABELS)
    value.backward()
    expected.backward()

    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(x.grad, other.grad, atol=1e-5)


MEMORY = {
    "contrastive": PAIRS["contrastive"],
    "batch-all": PAIRS["batch-all"],
    "multi-similarity": PAIRS["multi-similarity"],
    "circle": PAIRS["circle"],
}


@pytest.mark.parametrize("size", [30, 1000], ids=["full soon", "never full"])
@pytest.mark.parametrize("name", MEMORY)
def test_cross_batch_memory_agrees(name: str, size: int) -> None:
    ours, wrapped = MEMORY[name]
    # (Theirs holds the present batch too, without gradient; ours stands beside it.)
    theirs = losses.CrossBatchMemory(wrapped, DIM, memory_size=size + N)
    memory = EmbeddingMemory(size, DIM).double()
    for seed in range(5):
        x = embeddings(seed)

        value, expected = ours(x, LABELS, *memory.past()), theirs(x, LABELS)
        memory.put(x, LABELS)

        assert value.item() == pytest.approx(expected.item(), rel=1e-6)
