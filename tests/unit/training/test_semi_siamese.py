"""Semi-siamese head: plain float64 loops over several batches, its queue, its gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from training.heads.semi_siamese import SemiSiameseHead

DIM, SCALE, MARGIN = 5, 8.0, 0.2
BATCHES = [[0, 0, 1, 1], [2, 3, 3, 2], [0, 0, 4, 5], [6, 6, 6, 1]]


def rows(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, DIM))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))


def by_loops(x, y, gallery, queue) -> float:
    losses = []
    for i in range(len(y)):
        partners = [j for j in range(len(y)) if j != i and y[j] == y[i]]
        if not partners:
            continue
        own = SCALE * (cosine(x[i], gallery[partners[0]]) - MARGIN)
        logits = [SCALE * cosine(x[i], g) for g, k in zip(gallery, y, strict=True) if k != y[i]]
        logits += [SCALE * cosine(x[i], g) for g, k in queue if k != y[i]]
        losses.append(-own + math.log(math.exp(own) + sum(math.exp(z) for z in logits)))
    return sum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize("size", [3, 6, 100], ids=["less than a batch", "six", "all"])
def test_values_over_several_batches_equal_plain_loops(size: int) -> None:
    head = SemiSiameseHead(embedding_dim=DIM, scale=SCALE, margin_cosine=MARGIN, queue=size)
    head = head.double()
    queue: list[tuple[np.ndarray, int]] = []
    for step, y in enumerate(BATCHES):
        x, gallery = rows(len(y), step), rows(len(y), 50 + step)

        loss = head(torch.tensor(x), torch.tensor(y), torch.tensor(gallery))

        assert loss.item() == pytest.approx(by_loops(x, y, gallery, queue), rel=1e-9)
        queue = [*queue, *zip(gallery, y, strict=True)][-size:]


def test_gradient_reaches_the_trained_net_alone_and_equals_differences() -> None:
    head = SemiSiameseHead(embedding_dim=DIM, scale=SCALE, queue=8).double()
    head(torch.tensor(rows(4, 9)), torch.tensor([7, 7, 8, 8]), torch.tensor(rows(4, 8)))
    head.eval()  # (the queue stands still)
    gallery = torch.tensor(rows(4, 2), requires_grad=True)
    x, y = torch.tensor(rows(4, 1), requires_grad=True), torch.tensor([0, 1, 1, 0])

    assert torch.autograd.gradcheck(lambda e: head(e, y, gallery), x)
    head(x, y, gallery).backward()

    assert gallery.grad is None
    assert float(x.grad.abs().max()) > 0


def test_in_evaluation_nothing_enters_the_queue() -> None:
    head = SemiSiameseHead(embedding_dim=DIM, queue=8).eval()

    head(torch.ones(2, DIM), torch.tensor([0, 0]))

    assert (head.queue.labels == -1).all()


def test_people_with_one_image_count_for_nothing_but_are_prototypes() -> None:
    head = SemiSiameseHead(embedding_dim=DIM, queue=8)
    x = torch.randn(3, DIM, requires_grad=True)

    head(x, torch.tensor([0, 1, 2])).backward()

    assert (x.grad == 0).all()
    assert sorted(head.queue.labels.tolist()) == [-1] * 5 + [0, 1, 2]
