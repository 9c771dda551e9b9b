"""Distillation loss against plain loops in float64, its gradient, and half precision."""

import math

import numpy as np
import pytest
import torch

from training.losses.distill import DistillationLoss


def loops(embeddings: np.ndarray, targets: np.ndarray, weight: float) -> float:
    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))

    n = len(embeddings)
    direct = sum(1 - cosine(embeddings[i], targets[i]) for i in range(n)) / n
    between = 0.0
    for i in range(n):
        for j in range(n):
            ours = cosine(embeddings[i], embeddings[j])
            between += (ours - float(targets[i] @ targets[j])) ** 2
    return direct + weight * between / n**2


def example(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    targets = rng.standard_normal((n, 8))
    return rng.standard_normal((n, 8)) * 3, targets / np.linalg.norm(targets, axis=1, keepdims=True)


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("weight", [0.0, 5.0])
def test_value_equals_loops(n: int, weight: float) -> None:
    embeddings, targets = example(n)

    loss = DistillationLoss(weight)(torch.tensor(embeddings), torch.tensor(targets))

    assert float(loss) == pytest.approx(loops(embeddings, targets, weight), rel=1e-5)


def test_gradient_equals_finite_differences() -> None:
    embeddings, targets = example(4)
    x = torch.tensor(embeddings, dtype=torch.float32, requires_grad=True)

    DistillationLoss(5.0)(x, torch.tensor(targets)).backward()

    step = 1e-5
    for index in [(0, 0), (1, 3), (3, 7)]:
        up, down = embeddings.copy(), embeddings.copy()
        up[index] += step
        down[index] -= step
        slope = (loops(up, targets, 5.0) - loops(down, targets, 5.0)) / (2 * step)
        assert float(x.grad[index]) == pytest.approx(slope, rel=2e-3, abs=1e-6)


def test_loss_is_zero_when_the_teacher_is_met() -> None:
    _, targets = example(5)

    loss = DistillationLoss()(torch.tensor(4 * targets), torch.tensor(targets))

    assert float(loss) == pytest.approx(0, abs=1e-6)


def test_half_precision_embeddings_give_a_finite_float32_loss() -> None:
    embeddings, targets = example(5)

    loss = DistillationLoss()(
        torch.tensor(embeddings * 1e3, dtype=torch.float16), torch.tensor(targets)
    )

    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(loops(embeddings, targets, 5.0), rel=1e-2)
