"""Muon: its iteration against a singular value decomposition, its AdamW against torch's."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from training.muon import MuonAdamW, is_matrix, orthogonalised


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16), (1, 5)])
def test_orthogonalised_keeps_directions_and_levels_singular_values(shape: tuple[int, int]) -> None:
    matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(0))

    result = orthogonalised(matrix)

    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ result @ right.T
    kept = found.diagonal()[values > 0.2 * values.max()]
    assert kept.min() > 0.6
    assert kept.max() < 1.3
    off = found - torch.diag(found.diagonal())
    assert off.abs().max() < 1e-4


def test_zero_gradient_moves_nothing() -> None:
    weight = nn.Parameter(torch.ones(4, 3))
    weight.grad = torch.zeros(4, 3)

    MuonAdamW([weight], lr=0.1).step()

    assert torch.equal(weight.detach(), torch.ones(4, 3))


def test_what_is_no_matrix_moves_as_torch_adamw_moves_it() -> None:
    rng = torch.Generator().manual_seed(1)
    own = [nn.Parameter(torch.randn(6, generator=rng)), nn.Parameter(torch.randn(5, 1, 3, 3))]
    theirs = [nn.Parameter(p.detach().clone()) for p in own]
    ours = MuonAdamW(own, lr=0.02, weight_decay=0.1)
    reference = torch.optim.AdamW(theirs, lr=0.02, weight_decay=0.1)

    for _ in range(6):
        for a, b in zip(own, theirs, strict=True):
            a.grad = torch.randn(a.shape, generator=rng)
            b.grad = a.grad.clone()
        ours.step()
        reference.step()

    for a, b in zip(own, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_matrices_move_as_the_equations_say() -> None:
    rng = torch.Generator().manual_seed(2)
    weight = nn.Parameter(torch.randn(4, 3, 3, 3, generator=rng))
    expected, past = weight.detach().double().clone(), torch.zeros(4, 27, dtype=torch.float64)
    optimizer = MuonAdamW([weight], lr=0.05, weight_decay=0.2, momentum=0.9)

    for _ in range(3):
        weight.grad = torch.randn(weight.shape, generator=rng)
        gradient = weight.grad.double().reshape(4, 27)
        past = 0.9 * past + gradient
        update = orthogonalised(gradient + 0.9 * past) * 0.2 * 27**0.5
        expected = expected * (1 - 0.05 * 0.2) - 0.05 * update.reshape(4, 3, 3, 3)
        optimizer.step()

    torch.testing.assert_close(weight.detach().double(), expected, rtol=1e-4, atol=1e-5)


def test_memory_layout_does_not_matter() -> None:
    plain = nn.Conv2d(4, 8, 3)
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    gradient = torch.randn(plain.weight.shape)

    for layer in (plain, last):
        layer.weight.grad = gradient.to(
            memory_format=torch.channels_last if layer is last else torch.contiguous_format
        )
        MuonAdamW([layer.weight], lr=0.1).step()

    torch.testing.assert_close(plain.weight, last.weight)


def test_depthwise_weights_and_vectors_are_no_matrices() -> None:
    assert is_matrix(nn.Linear(3, 2).weight)
    assert is_matrix(nn.Conv2d(3, 2, 3).weight)
    assert not is_matrix(nn.Conv2d(4, 4, 3, groups=4).weight)
    assert not is_matrix(nn.BatchNorm2d(4).weight)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="momentum"):
        MuonAdamW([nn.Parameter(torch.ones(2, 2))], momentum=1.0)
