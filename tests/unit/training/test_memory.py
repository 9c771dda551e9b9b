"""Cross-batch memory: the ring itself, and the objective that looks at it, against plain lists."""

from __future__ import annotations

import pytest
import torch

from facerec.errors import ConfigError
from tests.helpers.training_packs import TOY_RECIPE
from training.memory import EmbeddingMemory
from training.objective import NO_LABEL, Objective
from training.recipe import Recipe, recipe_from_table

SIZES = [4, 3, 0, 5, 1, 9, 2]


def batch(step: int, n: int, dim: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(step)
    return torch.randn(n, dim, generator=rng), torch.randint(0, 3, (n,), generator=rng)


@pytest.mark.parametrize("size", [1, 4, 7, 100])
def test_it_holds_the_newest(size: int) -> None:
    memory = EmbeddingMemory(size, 3)
    seen: list[tuple[list[float], int]] = []
    for step, n in enumerate(SIZES):
        x, y = batch(step, n)
        memory.put(x.requires_grad_(), y)
        seen = [*seen, *zip(x.tolist(), y.tolist(), strict=True)][-size:]

        embeddings, labels = memory.past()

        held = list(zip(embeddings.tolist(), labels.tolist(), strict=True))
        assert sorted(held) == sorted(seen)
        assert not embeddings.requires_grad
        assert int(memory.n_batches) == step + 1


def recipe(**metric: object) -> Recipe:
    settings = {"name": "contrastive", "memory": 10, "memory_warmup": 2} | metric
    return recipe_from_table(TOY_RECIPE | {"distill": {"weight": 0.0}, "metric": settings})


def test_the_objective_compares_with_the_past_after_the_warm_up_and_keeps_the_known_only() -> None:
    objective = Objective(recipe(), n_classes=3)
    alone = Objective(recipe(memory=0), n_classes=3)
    past_x, past_y = torch.zeros(0, 16), torch.zeros(0, dtype=torch.long)
    for step in range(5):
        x, y = batch(step, 6, 16)
        y[0] = NO_LABEL

        loss = objective(x, None, y)

        if step < 2:
            assert loss.item() == alone(x, None, y).item()
        else:
            expected = alone.metric(x[1:], y[1:], past_x, past_y).item()
            assert loss.item() == pytest.approx(expected, rel=1e-5)
            assert loss.item() != pytest.approx(alone(x, None, y).item(), rel=1e-2)
        past_x = torch.cat([past_x, x[1:]])[-10:]
        past_y = torch.cat([past_y, y[1:]])[-10:]


def test_the_memory_is_part_of_the_state() -> None:
    first, second = Objective(recipe(), n_classes=3), Objective(recipe(), n_classes=3)
    for step in range(3):
        x, y = batch(step, 6, 16)
        first(x, None, y)
    second.load_state_dict(first.state_dict())
    x, y = batch(9, 6, 16)

    assert first(x, None, y).item() == second(x, None, y).item()
    assert torch.equal(first.memory.embeddings, second.memory.embeddings)


def test_a_memory_without_a_loss_to_look_at_it_is_refused() -> None:
    with pytest.raises(ConfigError, match="memory"):
        recipe(name="")
