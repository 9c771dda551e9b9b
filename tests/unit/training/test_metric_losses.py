"""Losses on embeddings and labels: values by plain float64 loops, gradients by differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch

from training.distances import DISTANCES
from training.miners.triplets import TRIPLET_MINERS
from training.objective import LOSSES
from training.reducers import REDUCERS


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x)


def squared(a: np.ndarray, b: np.ndarray) -> float:
    return float(((unit(a) - unit(b)) ** 2).sum())


def raw(a: np.ndarray, b: np.ndarray) -> float:
    return math.sqrt(float(((a - b) ** 2).sum()))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(unit(a) @ unit(b))


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def hinge(value: float) -> float:
    return max(0.0, value)


class Labels(list[int]):
    """Labels of a batch, whose items are the anchors, and of past ones after them."""

    def __init__(self, own: list[int], past: tuple[int, ...] = ()) -> None:
        super().__init__([*own, *past])
        self.n = len(own)


def pairs(y: Labels) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    every = [(i, j) for i, j in product(range(y.n), range(len(y))) if i != j]
    return [p for p in every if y[p[0]] == y[p[1]]], [p for p in every if y[p[0]] != y[p[1]]]


def triplets(y: Labels) -> list[tuple[int, int, int]]:
    same, different = pairs(y)
    return [(a, p, n) for a, p in same for b, n in different if a == b]


def contrastive(x, y, positive=0.0, negative=1.0, power=2):
    same, different = pairs(y)
    near = [math.sqrt(squared(x[i], x[j])) for i, j in same]
    far = [math.sqrt(squared(x[i], x[j])) for i, j in different]
    return mean([hinge(d - positive) ** power for d in near]) + mean(
        [hinge(negative - d) ** power for d in far]
    )


def hardest(x, y, distance):
    same, different = pairs(y)
    found = []
    for a in range(y.n):
        near = [distance(x[a], x[j]) for i, j in different if i == a]
        far = [distance(x[a], x[j]) for i, j in same if i == a]
        if near and far:
            found.append((max(far), min(near)))
    return found


def batch_hard(x, y, margin):
    return mean([hinge(far - near + margin) for far, near in hardest(x, y, squared)])


def batch_hard_soft(x, y):
    return mean([math.log1p(math.exp(far - near)) for far, near in hardest(x, y, squared)])


def batch_all(x, y, margin):
    return mean(
        [hinge(squared(x[a], x[p]) - squared(x[a], x[n]) + margin) for a, p, n in triplets(y)]
    )


def semi_hard(x, y, margin):
    losses = []
    for a, p, n in triplets(y):
        lead = squared(x[a], x[n]) - squared(x[a], x[p])
        if 0 < lead <= margin:
            losses.append(margin - lead)
    return mean(losses)


def improved(x, y, margin, positive_margin, beta):
    return mean(
        [
            hinge(squared(x[a], x[p]) - squared(x[a], x[n]) + margin)
            + beta * hinge(squared(x[a], x[p]) - positive_margin)
            for a, p, n in triplets(y)
        ]
    )


def quadruplet(x, y, margin, second):
    same, different = pairs(y)
    first = [hinge(squared(x[a], x[p]) - squared(x[a], x[n]) + margin) for a, p, n in triplets(y)]
    others = [
        hinge(squared(x[i], x[j]) - squared(x[a], x[b]) + second)
        for i, j in same
        for a, b in different
        if y[a] != y[i] and y[b] != y[i]
    ]
    return mean(first) + mean(others)


def margin_sample(x, y, margin):
    same, different = pairs(y)
    if not (same and different):
        return 0.0
    far = max(math.sqrt(squared(x[i], x[j])) for i, j in same)
    near = min(math.sqrt(squared(x[i], x[j])) for i, j in different)
    return hinge(far - near + margin)


def weighted(x, y, margin):
    same, different = pairs(y)
    losses = []
    for a in range(y.n):
        far = [raw(x[a], x[j]) for i, j in same if i == a]
        near = [raw(x[a], x[j]) for i, j in different if i == a]
        if far and near:
            pull = sum(d * math.exp(d) for d in far) / sum(math.exp(d) for d in far)
            push = sum(d * math.exp(-d) for d in near) / sum(math.exp(-d) for d in near)
            gap = pull - push
            losses.append(math.log1p(math.exp(gap)) if margin is None else hinge(gap + margin))
    return mean(losses)


def multi_similarity(x, y, alpha, beta, base, epsilon):
    same, different = pairs(y)
    losses = []
    for a in range(y.n):
        positive = [cosine(x[a], x[j]) for i, j in same if i == a]
        negative = [cosine(x[a], x[j]) for i, j in different if i == a]
        if epsilon is not None:
            kept = [s for s in positive if negative and s < max(negative) + epsilon]
            negative = [s for s in negative if positive and s > min(positive) - epsilon]
            positive = kept
        losses.append(
            math.log1p(sum(math.exp(-alpha * (s - base)) for s in positive)) / alpha
            + math.log1p(sum(math.exp(beta * (s - base)) for s in negative)) / beta
        )
    return mean(losses)


def circle(x, y, margin, gamma):
    same, different = pairs(y)
    losses = []
    for a in range(y.n):
        positive = [cosine(x[a], x[j]) for i, j in same if i == a]
        negative = [cosine(x[a], x[j]) for i, j in different if i == a]
        pull = sum(math.exp(-gamma * hinge(1 + margin - s) * (s - 1 + margin)) for s in positive)
        push = sum(math.exp(gamma * hinge(s + margin) * (s - margin)) for s in negative)
        losses.append(math.log1p(pull * push))
    return mean(losses)


Loops = Callable[[np.ndarray, Labels], float]
CASES: dict[str, tuple[str, dict[str, object], Loops]] = {
    "contrastive": ("contrastive", {}, contrastive),
    "contrastive, both margins, hinge": (
        "contrastive",
        {"positive_margin": 0.3, "negative_margin": 1.2, "power": 1},
        lambda x, y: contrastive(x, y, 0.3, 1.2, 1),
    ),
    "batch-hard": ("triplet", {"margin": 0.3}, lambda x, y: batch_hard(x, y, 0.3)),
    "batch-hard soft": ("triplet", {"soft": True}, batch_hard_soft),
    "batch-all": (
        "triplet",
        {"margin": 0.4, "miner": "batch-all"},
        lambda x, y: batch_all(x, y, 0.4),
    ),
    "semi-hard": (
        "triplet",
        {"margin": 0.8, "miner": "semi-hard"},
        lambda x, y: semi_hard(x, y, 0.8),
    ),
    "improved triplet": (
        "improved-triplet",
        {"margin": 1.0, "positive_margin": 0.2, "beta": 0.3},
        lambda x, y: improved(x, y, 1.0, 0.2, 0.3),
    ),
    "quadruplet": ("quadruplet", {}, lambda x, y: quadruplet(x, y, 1.0, 0.5)),
    "margin sample mining": ("margin-sample-mining", {}, lambda x, y: margin_sample(x, y, 0.3)),
    "weighted triplet": (
        "weighted-triplet",
        {"margin": 0.5},
        lambda x, y: weighted(x, y, 0.5),
    ),
    "weighted triplet, regularised": ("weighted-triplet", {}, lambda x, y: weighted(x, y, None)),
    "multi-similarity": (
        "multi-similarity",
        {"beta": 10.0},
        lambda x, y: multi_similarity(x, y, 2.0, 10.0, 0.5, 0.1),
    ),
    "multi-similarity, all pairs": (
        "multi-similarity",
        {"epsilon": None},
        lambda x, y: multi_similarity(x, y, 2.0, 50.0, 0.5, None),
    ),
    "circle": (
        "circle",
        {"margin": 0.4, "gamma": 8.0},
        lambda x, y: circle(x, y, 0.4, 8.0),
    ),
}
BATCHES: dict[str, Labels] = {
    "usual": Labels([0, 0, 1, 1, 1, 2, 2, 3]),
    "two people": Labels([4, 4, 9, 9]),
    "one item": Labels([3]),
    "one person": Labels([2, 2, 2]),
    "no positive": Labels([0, 1, 2]),
    "one pair and a stranger": Labels([5, 5, 6]),
    "with past ones": Labels([0, 0, 1, 2], (1, 0, 3, 2, 1)),
    "one item with past ones": Labels([0], (1, 0, 3)),
}


def test_each_loss_and_each_miner_has_its_plain_loops() -> None:
    assert {name for name, _, _ in CASES.values()} == set(LOSSES.names())
    miners = {settings.get("miner", "batch-hard") for _, settings, _ in CASES.values()}
    assert miners == set(TRIPLET_MINERS.names())


def embeddings(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, 5))


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> tuple[torch.nn.Module, Loops]:
    name, settings, loops = CASES[request.param]
    return LOSSES.get(name)(**settings), loops


def of(loss: torch.nn.Module, x: torch.Tensor, labels: Labels) -> torch.Tensor:
    y = torch.tensor(labels)
    return loss(x[: labels.n], y[: labels.n], x[labels.n :].detach(), y[labels.n :])


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("seed", [0, 1])
def test_value_equals_plain_loops(case, batch: str, seed: int) -> None:
    loss, loops = case
    labels = BATCHES[batch]
    x = embeddings(len(labels), seed)

    value = of(loss, torch.tensor(x), labels)

    assert value.ndim == 0
    assert value.item() == pytest.approx(loops(x, labels), rel=1e-9, abs=1e-12)


# (The circle loss has a test of its own: its weights carry no gradient on purpose.)
@pytest.mark.parametrize("case", [c for c in CASES if c != "circle"], indirect=True)
@pytest.mark.parametrize("batch", BATCHES)
def test_gradient_equals_differences(case, batch: str) -> None:
    loss, _ = case
    labels = BATCHES[batch]
    past = torch.tensor(embeddings(len(labels), 3))[labels.n :]
    x = torch.tensor(embeddings(len(labels), 3)[: labels.n], requires_grad=True)

    assert torch.autograd.gradcheck(lambda e: of(loss, torch.cat([e, past]), labels), x)


def test_circle_gradient_takes_its_weights_as_constants() -> None:
    labels = [0, 0, 1, 1]
    x = torch.tensor(embeddings(4), requires_grad=True)
    LOSSES.get("circle")(margin=0.4, gamma=8.0)(x, torch.tensor(labels)).backward()

    def with_fixed_weights(moved: np.ndarray) -> float:
        fixed = embeddings(4)
        losses = []
        for a in range(4):
            pull = push = 0.0
            for j in range(4):
                s, weight_at = cosine(moved[a], moved[j]), cosine(fixed[a], fixed[j])
                if a != j and labels[a] == labels[j]:
                    pull += math.exp(-8 * hinge(1.4 - weight_at) * (s - 0.6))
                elif a != j:
                    push += math.exp(8 * hinge(weight_at + 0.4) * (s - 0.4))
            losses.append(math.log1p(pull * push))
        return mean(losses)

    for index in product(range(4), range(5)):
        up, down = embeddings(4), embeddings(4)
        up[index] += 1e-6
        down[index] -= 1e-6
        slope = (with_fixed_weights(up) - with_fixed_weights(down)) / 2e-6
        assert float(x.grad[index]) == pytest.approx(slope, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("name", DISTANCES.names())
def test_distances_equal_plain_loops(name: str) -> None:
    x, others = embeddings(6), embeddings(4, seed=1)
    by_hand = {
        "squared-euclidean": lambda a, b: raw(a, b) ** 2,
        "euclidean": raw,
        "unit-squared-euclidean": squared,
        "unit-euclidean": lambda a, b: math.sqrt(squared(a, b)),
        "cosine": lambda a, b: 1 - cosine(a, b),
    }[name]

    expected = [[by_hand(a, b) for b in others] for a in x]

    distances = DISTANCES.get(name)(torch.tensor(x), torch.tensor(others))
    np.testing.assert_allclose(distances, expected, atol=1e-12)


def test_reducers() -> None:
    losses = torch.tensor([0.0, 1.0, 5.0])

    assert float(REDUCERS.get("mean")(losses)) == 2
    assert float(REDUCERS.get("mean-nonzero")(losses)) == 3
    assert float(REDUCERS.get("sum")(losses)) == 6
    assert all(float(REDUCERS.get(name)(losses[:0])) == 0 for name in REDUCERS.names())
