"""What holds for every loss, miner and head, by name: gradients, half precision, odd batches.

Values are compared with plain loops in ``test_metric_losses.py``, ``test_heads.py``,
``test_semi_siamese.py`` and ``test_losses_distill.py``, and with another library's in
``tests/reference/test_losses_pml.py``.
"""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from training.losses.distill import DistillationLoss
from training.miners.triplets import TRIPLET_MINERS
from training.objective import HEADS, LOSSES

DIM, CLASSES = 6, 4
HALVES = [torch.float16, torch.bfloat16]
ALL = [
    *(f"loss {name}" for name in LOSSES.names()),
    *(f"miner {name}" for name in TRIPLET_MINERS.names()),
    *(f"head {name}" for name in HEADS.names()),
    "distillation",
]


class Subject(torch.nn.Module):
    """A loss, a miner's loss, a head or the distillation, seeded and with still statistics."""

    def __init__(self, name: str) -> None:
        super().__init__()
        kind, _, entry = name.partition(" ")
        torch.manual_seed(5)
        if kind == "loss":
            self.inner = LOSSES.get(entry)()
        elif kind == "miner":
            self.inner = LOSSES.get("triplet")(miner=entry)
        elif kind == "head":
            self.inner = HEADS.get(entry)(embedding_dim=DIM, n_classes=CLASSES)
            for parameter in self.inner.parameters():
                torch.nn.init.normal_(parameter)
        else:
            self.inner = DistillationLoss()
        if entry == "semi-siamese":
            self.inner(torch.randn(CLASSES, DIM), torch.arange(CLASSES))  # (fills its queue)
        self.entry = entry
        self.eval()

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        fixed = torch.randn(len(x), DIM, generator=torch.Generator().manual_seed(80))
        fixed = fixed.double() if x.dtype == torch.float64 else fixed
        if self.entry == "semi-siamese":
            return self.inner(x, labels, fixed)
        if isinstance(self.inner, DistillationLoss):
            return self.inner(x, F.normalize(fixed, dim=1))
        return self.inner(x, labels)


def rows(n: int) -> torch.Tensor:
    return 2 * torch.randn(n, DIM, generator=torch.Generator().manual_seed(n))


def with_zeros(n: int) -> torch.Tensor:
    return rows(n) * (torch.arange(n) != 1)[:, None]


USUAL = [0, 0, 1, 1, 1, 2, 3, 3]
BATCHES: dict[str, tuple[torch.Tensor, list[int]]] = {
    "usual": (rows(8), USUAL),
    "empty": (rows(0), []),
    "one item": (rows(1), [2]),
    "one class": (rows(3), [1, 1, 1]),
    "no positive": (rows(4), [0, 1, 2, 3]),
    "a zero vector": (with_zeros(8), USUAL),
    "zeros alone": (torch.zeros(4, DIM), [0, 0, 1, 1]),
    "all equal": (torch.ones(4, DIM), [0, 0, 1, 1]),
    "unit vectors": (torch.eye(DIM)[:4], [0, 0, 1, 1]),
    "antipodal": (torch.cat([rows(2), -rows(2)]), [0, 1, 0, 1]),
    "antipodal others": (torch.cat([rows(2), -rows(2)]), [0, 0, 1, 1]),
    "long": (3000 * rows(8), USUAL),
    "short": (1e-3 * rows(8), USUAL),
}


def value_and_gradient(
    name: str, x: torch.Tensor, labels: list[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    x = x.detach().clone().requires_grad_()
    subject = Subject(name)
    if x.dtype == torch.float64:
        subject = subject.double()
    value = subject(x, torch.tensor(labels, dtype=torch.long))
    value.backward()
    return value.detach(), x.grad


@pytest.mark.parametrize("kind", [torch.float32, *HALVES], ids=str)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", ALL)
def test_value_and_gradient_are_finite(name: str, batch: str, kind: torch.dtype) -> None:
    x, labels = BATCHES[batch]

    value, gradient = value_and_gradient(name, x.to(kind), labels)

    assert value.ndim == 0
    assert value.isfinite()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("kind", HALVES, ids=str)
@pytest.mark.parametrize("name", ALL)
def test_half_precision_is_close_to_full(name: str, kind: torch.dtype) -> None:
    x = rows(8).to(kind)

    value, gradient = value_and_gradient(name, x, USUAL)
    expected, slopes = value_and_gradient(name, x.float(), USUAL)
    exact, _ = value_and_gradient(name, x.double(), USUAL)

    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)
    assert value.item() == pytest.approx(exact.item(), rel=1e-4)
    step = torch.finfo(kind).eps * slopes.abs().max().item()
    torch.testing.assert_close(gradient.float(), slopes, atol=step, rtol=torch.finfo(kind).eps)


# Parts held constant on purpose, where differences do not apply: the circle loss's weights, which
# test_metric_losses.py holds constant too, and AdaFace's quality, below.
CONSTANT_PARTS = {"loss circle", "head adaface"}


@pytest.mark.parametrize("name", [name for name in ALL if name not in CONSTANT_PARTS])
def test_gradient_equals_differences(name: str) -> None:
    subject, labels = Subject(name).double(), torch.tensor(USUAL)
    x = rows(8).double().requires_grad_()

    assert torch.autograd.gradcheck(lambda e: subject(e, labels), x)


def test_adaface_gradient_equals_differences_where_lengths_stay() -> None:
    subject, labels = Subject("head adaface").double(), torch.tensor(USUAL)
    lengths = torch.linspace(5, 80, 8, dtype=torch.float64)[:, None]

    def of(x: torch.Tensor) -> torch.Tensor:
        return subject(lengths * F.normalize(x, dim=1), labels)

    assert torch.autograd.gradcheck(of, rows(8).double().requires_grad_())


def no_gradient(name: str, batch: str) -> None:
    value, gradient = value_and_gradient(name, *BATCHES[batch])
    assert value.item() == 0
    assert (gradient == 0).all()


COMPARING = [name for name in ALL if name.startswith(("loss", "miner"))] + [
    "head siamese",
    "head semi-siamese",
]
TRIPLETS = [n for n in COMPARING if n not in ("loss contrastive", "head siamese")]


@pytest.mark.parametrize("batch", ["empty", "one item"])
@pytest.mark.parametrize("name", COMPARING)
def test_one_item_has_nothing_to_teach_a_comparison(name: str, batch: str) -> None:
    no_gradient(name, batch)


@pytest.mark.parametrize("name", TRIPLETS)
def test_without_a_positive_there_is_nothing_to_learn(name: str) -> None:
    no_gradient(name, "no positive")


@pytest.mark.parametrize("name", [n for n in TRIPLETS if n != "head semi-siamese"])
def test_without_a_negative_there_is_nothing_to_learn(name: str) -> None:
    no_gradient(name, "one class")


HINGES = ["contrastive", "triplet", "improved-triplet", "quadruplet", "margin-sample-mining"]


@pytest.mark.parametrize(
    "name", [*(f"loss {h}" for h in HINGES), *(n for n in ALL if n.startswith("miner"))]
)
def test_a_hinge_that_is_satisfied_has_no_gradient(name: str) -> None:
    apart = torch.eye(DIM)[[0, 0, 1, 1, 2, 2]]

    value, gradient = value_and_gradient(name, apart, [0, 0, 1, 1, 2, 2])

    assert value.item() == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize("name", [name for name in ALL if name != "head softmax"])
def test_a_zero_vector_does_not_swamp_the_others(name: str) -> None:
    x, labels = BATCHES["a zero vector"]

    _, gradient = value_and_gradient(name, x, labels)

    # A direction has no bounded slope at 0; unlimited, it would be some 1e12.
    assert gradient[1].norm() <= 100 * gradient.norm(dim=1).max()
    assert gradient.norm() < 1e4


ANGLES = [0.0, 1e-7, 1e-4, 5e-4, 1e-3, 2e-3, 0.1, 1.5]
COSINE_HEADS = [n for n in HEADS.names() if hasattr(Subject(f"head {n}").inner, "cosines")]


def in_plane(angles: torch.Tensor) -> torch.Tensor:
    """Vectors of length one at some angles from the first axis."""
    x = torch.zeros(len(angles), DIM, dtype=angles.dtype)
    x[:, 0], x[:, 1] = angles.cos(), angles.sin()
    return x


def on_axes(name: str) -> torch.nn.Module:
    """The head with its classes' vectors on the axes."""
    head = Subject(f"head {name}").inner
    with torch.no_grad():
        axes = torch.eye(DIM)[:CLASSES]
        head.weight.copy_(axes.repeat_interleave(head.n_centers, dim=0))
    return head


@pytest.mark.parametrize("kind", [torch.float32, *HALVES], ids=str)
@pytest.mark.parametrize("name", COSINE_HEADS)
def test_slopes_are_bounded_where_the_angle_has_none(name: str, kind: torch.dtype) -> None:
    head = on_axes(name)
    near = torch.tensor([*ANGLES, *(math.pi - angle for angle in ANGLES)], dtype=torch.float64)
    x = in_plane(near).to(kind).requires_grad_()

    loss = head(x, torch.zeros(len(x), dtype=torch.long)) * len(x)
    loss.backward()

    assert loss.isfinite()
    # d(loss) / d(angle) <= 2 scale factor, for vectors of length one.
    steepest = 2 * getattr(head, "scale", 1.0) * max(getattr(head, "m", 1), 2)
    assert x.grad.float().norm(dim=1).max() <= steepest


@pytest.mark.parametrize("name", COSINE_HEADS)
def test_the_own_logit_never_rises_with_the_angle(name: str) -> None:
    head = on_axes(name).double()
    angles = torch.linspace(0, math.pi, 2001, dtype=torch.float64)  # (beyond pi - m too)

    own = head.logits(in_plane(angles), torch.zeros(len(angles), dtype=torch.long))[:, 0]

    assert (own[1:] - own[:-1]).max() < 1e-9
    assert own[0] > own[-1]


def test_the_table_in_the_documentation_lists_every_loss_and_head(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (Path(__file__).parents[3] / "docs" / "training.md").read_text(encoding="utf-8")
    section = text[text.index("Losses and heads") :]
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE))

    assert listed == {*LOSSES.names(), *TRIPLET_MINERS.names(), *HEADS.names(), "distill"}
    with capsys.disabled():
        counts = len(LOSSES.names()), len(TRIPLET_MINERS.names()), len(HEADS.names())
        sys.stdout.write(" {} losses, {} miners, {} heads, distillation ".format(*counts))
