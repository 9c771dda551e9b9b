"""Heads: values by plain loops in float64, gradients by differences, the edges of the angle."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from training.heads.margins import added_angle_cosine
from training.heads.multiplied_angle import multiplied_angle_cosine
from training.objective import HEADS

DIM, CLASSES = 6, 4
LABELS = [0, 3, 1, 1, 2]


def embeddings(n: int = len(LABELS), seed: int = 0) -> np.ndarray:
    return 3 * np.random.default_rng(seed).standard_normal((n, DIM))


def head(name: str, **settings: object) -> torch.nn.Module:
    torch.manual_seed(5)
    built = HEADS.get(name)(embedding_dim=DIM, n_classes=CLASSES, **settings).double()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter)
    return built


def angle(a: np.ndarray, b: np.ndarray) -> float:
    cosine = float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))
    return math.acos(max(-1.0, min(1.0, cosine)))


def length(a: np.ndarray) -> float:
    return math.sqrt(float(a @ a))


def psi(theta: float, m: int) -> float:
    k = min(int(theta * m / math.pi), m - 1)
    return (-1) ** k * math.cos(m * theta) - 2 * k


Own = Callable[[np.ndarray, np.ndarray], float]


def margin_softmax(x: np.ndarray, w: np.ndarray, other: Own, own: Own) -> float:
    total = 0.0
    for row, label in zip(x, LABELS, strict=True):
        logits = [(own if j == label else other)(row, w[j]) for j in range(len(w))]
        total -= logits[label] - math.log(sum(math.exp(z) for z in logits))
    return total / len(LABELS)


def scaled(s: float) -> Own:
    return lambda x, w: s * math.cos(angle(x, w))


def arc(theta: float, m: float) -> float:
    return math.cos(theta + m) if theta + m <= math.pi else math.cos(theta) - m * math.sin(m)


CASES: dict[str, tuple[str, dict[str, object], Own, Own]] = {
    "softmax": ("softmax", {}, lambda x, w: float(x @ w), lambda x, w: float(x @ w)),
    "normalised": ("normalized-softmax", {"scale": 8.0}, scaled(8), scaled(8)),
    "l-softmax": (
        "l-softmax",
        {"m": 3},
        lambda x, w: float(x @ w),
        lambda x, w: length(x) * length(w) * psi(angle(x, w), 3),
    ),
    "l-softmax, blended": (
        "l-softmax",
        {"m": 2, "blend": 3.0},
        lambda x, w: float(x @ w),
        lambda x, w: length(x) * length(w) * (3 * math.cos(angle(x, w)) + psi(angle(x, w), 2)) / 4,
    ),
    "sphereface": (
        "sphereface",
        {"m": 4},
        lambda x, w: length(x) * math.cos(angle(x, w)),
        lambda x, w: length(x) * psi(angle(x, w), 4),
    ),
    "cosface": (
        "cosface",
        {"scale": 10.0},
        scaled(10),
        lambda x, w: 10 * (math.cos(angle(x, w)) - 0.35),
    ),
    "arcface": (
        "arcface",
        {"scale": 10.0},
        scaled(10),
        lambda x, w: 10 * arc(angle(x, w), 0.5),
    ),
    "arcface, wide margin": (
        "arcface",
        {"scale": 10.0, "margin_rad": 1.5},
        scaled(10),
        lambda x, w: 10 * arc(angle(x, w), 1.5),
    ),
    "combined": (
        "combined-margin",
        {"scale": 10.0, "factor": 1.1},
        scaled(10),
        lambda x, w: 10 * (math.cos(min(1.1 * angle(x, w) + 0.3, math.pi)) - 0.2),
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_softmax_heads_equal_plain_loops(case: str, seed: int) -> None:
    name, settings, other, own = CASES[case]
    built = head(name, **settings)
    x = embeddings(seed=seed)

    loss = built(torch.tensor(x), torch.tensor(LABELS))

    expected = margin_softmax(x, built.weight.detach().numpy(), other, own)
    assert loss.item() == pytest.approx(expected, rel=1e-8)


def test_of_several_centres_the_nearest_counts() -> None:
    built = head("sub-centre-arcface", scale=10.0)
    x = embeddings()
    centers = built.weight.detach().numpy().reshape(CLASSES, 3, DIM)

    def nearest(row: np.ndarray, group: np.ndarray) -> float:
        return min(angle(row, center) for center in group)

    expected = margin_softmax(
        x,
        centers,
        lambda row, group: 10 * math.cos(nearest(row, group)),
        lambda row, group: 10 * arc(nearest(row, group), 0.5),
    )
    assert built(torch.tensor(x), torch.tensor(LABELS)).item() == pytest.approx(expected, rel=1e-8)


def test_adaface_equals_plain_loops_and_keeps_its_statistics() -> None:
    built = head("adaface", scale=10.0)
    x = embeddings()

    loss = built(torch.tensor(x), torch.tensor(LABELS))

    lengths = [length(row) for row in x]
    middle = 0.99 * 20 + 0.01 * sum(lengths) / len(lengths)
    spread = 0.99 * 100 + 0.01 * float(np.std(lengths, ddof=1))
    quality = [max(-1.0, min(1.0, (v - middle) / (spread + 1e-3) * 0.333)) for v in lengths]
    total = 0.0
    for row, label, z in zip(x, LABELS, quality, strict=True):
        angles = [angle(row, w) for w in built.weight.detach().numpy()]
        logits = [10 * math.cos(a) for a in angles]
        moved = min(max(angles[label] - 0.4 * z, 1e-3), math.pi - 1e-3)
        logits[label] = 10 * (math.cos(moved) - (0.4 * z + 0.4))
        total -= logits[label] - math.log(sum(math.exp(v) for v in logits))
    assert loss.item() == pytest.approx(total / len(x), rel=1e-6)
    assert float(built.length_mean) == pytest.approx(middle, rel=1e-5)
    assert float(built.length_std) == pytest.approx(spread, rel=1e-5)
    built.eval()
    built(torch.tensor(x), torch.tensor(LABELS))
    assert float(built.length_mean) == pytest.approx(middle, rel=1e-5)


def test_centre_loss_equals_plain_loops() -> None:
    built = head("centre")
    x = embeddings()
    centers = built.centers.detach().numpy()

    expected = sum(float(((row - centers[y]) ** 2).sum()) for row, y in zip(x, LABELS, strict=True))

    loss = built(torch.tensor(x), torch.tensor(LABELS))
    assert loss.item() == pytest.approx(expected / (2 * len(x)), rel=1e-9)


def test_siamese_head_equals_plain_loops() -> None:
    built = head("siamese")
    x = embeddings()
    weight = built.scorer.weight.detach().numpy()[0]
    losses: dict[bool, list[float]] = {True: [], False: []}
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            z = float(np.abs(x[i] - x[j]) @ weight) + built.scorer.bias.item()
            chance = 1 / (1 + math.exp(-z))
            same = LABELS[i] == LABELS[j]
            losses[same].append(-math.log(chance if same else 1 - chance))

    expected = sum(sum(kind) / len(kind) for kind in losses.values()) / 2

    assert built(torch.tensor(x), torch.tensor(LABELS)).item() == pytest.approx(expected, rel=1e-8)


# (The semi-siamese head has tests of its own: it has a queue instead of weights.)
WITH_WEIGHTS = [name for name in HEADS.names() if name != "semi-siamese"]


def test_each_head_has_its_plain_loops() -> None:
    of_their_own = {"sub-centre-arcface", "adaface", "centre", "siamese", "semi-siamese"}
    assert {name for name, _, _, _ in CASES.values()} | of_their_own == set(HEADS.names())


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_gradients_equal_differences(name: str) -> None:
    built = head(name).eval()  # (AdaFace's statistics stand still)
    if hasattr(built, "scale"):
        built.scale = 4.0
    if name == "adaface":
        built.margin = 0.0  # its quality carries no gradient on purpose
    labels = torch.tensor(LABELS)
    x = torch.tensor(embeddings(), requires_grad=True)

    assert torch.autograd.gradcheck(lambda e: built(e, labels), x)
    parameter = next(built.parameters())
    built(x, labels).backward()
    place = (1, 2) if name != "siamese" else (0, 2)
    with torch.no_grad():
        parameter[place] += 1e-6
        up = built(x, labels).item()
        parameter[place] -= 2e-6
        down = built(x, labels).item()
    assert float(parameter.grad[place]) == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
def test_multiplied_angle_falls_steadily_to_its_end(m: int) -> None:
    theta = torch.linspace(0, math.pi, 2001, dtype=torch.float64)

    values = multiplied_angle_cosine(theta.cos(), m)

    assert (values[1:] - values[:-1]).max() < 1e-9
    assert float(values[0]) == pytest.approx(1)
    assert float(values[-1]) == pytest.approx(-1 - 2 * (m - 1))


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5, 1.5])
def test_added_angle_falls_beyond_pi_too(margin: float) -> None:
    cosines = torch.linspace(1, -1, 4001, dtype=torch.float64)

    values = added_angle_cosine(cosines, margin)

    # At the joint the straight line begins lower, never higher.
    assert (values[1:] - values[:-1]).max() < 1e-9
