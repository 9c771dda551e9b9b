"""Micro-batches: together they are the batch, except where crops are compared."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from facerec.errors import ConfigError
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.checkpoint import load_checkpoint
from training.recipe import Recipe, recipe_from_table
from training.step import batch_parts, train_step
from training.train import build_net, train
from training.transfer import freeze, training_mode


def recipe(**sections: dict[str, Any]) -> Recipe:
    merged = {name: TOY_RECIPE.get(name, {}) | part for name, part in sections.items()}
    return recipe_from_table(TOY_RECIPE | merged)


def test_parts_hold_each_crop_once() -> None:
    for n_parts in (1, 2, 4):
        parts = batch_parts(recipe(loop={"accumulate": n_parts}))

        crops = [i for part in parts for i in range(8)[part]]
        assert len(parts) == n_parts
        assert sorted(crops) == list(range(8))


def test_people_of_a_batch_are_not_torn_apart() -> None:
    drawn = [person for person in range(4) for _ in range(2)]
    metric = {"name": "triplet", "people": 4, "images": 2}

    parts = batch_parts(recipe(loop={"accumulate": 2}, metric=metric))

    assert [drawn[part] for part in parts] == [[0, 0, 1, 1], [2, 2, 3, 3]]
    with pytest.raises(ConfigError, match="4 people cannot be dealt out to 8"):
        batch_parts(recipe(loop={"batch_size": 16, "accumulate": 8}, metric=metric))


@pytest.mark.parametrize(
    "loop",
    [
        pytest.param({"accumulate": 3}, id="no equal parts"),
        pytest.param({"accumulate": 8}, id="single crops have no batch norm"),
        pytest.param({"accumulate": 0}, id="none"),
    ],
)
def test_impossible_micro_batches_are_refused(loop: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="micro-batches"):
        recipe(loop=loop)


def weights_after_a_step(n_parts: int, *, frozen_norms: bool) -> dict[str, torch.Tensor]:
    chosen = recipe(loop={"accumulate": n_parts}, transfer={"frozen_norms": frozen_norms})
    torch.manual_seed(0)
    net = build_net(chosen.net)
    crops, targets = torch.randn(8, 3, 32, 32), torch.randn(8, 16)

    def loss_of(embeddings: torch.Tensor, part: slice) -> torch.Tensor:
        return (1 - F.cosine_similarity(embeddings, targets[part])).mean()

    train_step(
        training_mode(net, freeze(net, chosen.transfer)),
        loss_of,
        torch.optim.SGD(net.parameters(), lr=1.0),
        crops,
        precision=torch.float32,
        clip_norm=1e9,
        step=0,
        parts=batch_parts(chosen),
    )
    return net.state_dict()


def test_micro_batches_equal_the_batch_for_a_loss_of_single_crops() -> None:
    whole = weights_after_a_step(1, frozen_norms=True)
    torch.manual_seed(0)
    start = build_net(recipe().net).state_dict()

    parts = weights_after_a_step(4, frozen_norms=True)

    assert (whole["stages.0.0.weight"] - start["stages.0.0.weight"]).abs().max() > 1e-4
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-6)


def test_batch_norms_see_micro_batches() -> None:
    whole = weights_after_a_step(1, frozen_norms=False)
    parts = weights_after_a_step(4, frozen_norms=False)

    assert (whole["head.5.running_var"] - parts["head.5.running_var"]).abs().max() > 1e-3


def test_loss_and_embeddings_are_those_of_the_batch() -> None:
    net = torch.nn.Linear(2, 2, bias=False)
    crops = torch.randn(8, 2)
    expected = net(crops).square().mean().item()
    step = partial(
        train_step,
        net,
        lambda embeddings, _: embeddings.square().mean(),
        torch.optim.SGD(net.parameters(), lr=0.0),
        crops,
        precision=torch.float32,
        clip_norm=1,
        step=0,
    )

    outcome = step(parts=batch_parts(recipe(loop={"accumulate": 4})))

    assert outcome.loss == pytest.approx(expected, rel=1e-6)
    assert outcome.embeddings.shape == (8, 2)


def test_a_run_in_micro_batches_equals_one_in_batches(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    table = {
        "transfer": {"frozen_norms": True},
        "distill": {"similarity_weight": 0.0},
        "optimizer": {"name": "sgd", "learning_rate": 0.1},
    }

    runs = [
        load_checkpoint(
            train(recipe(loop={"accumulate": n}, **table), pack, tmp_path / f"run{n}")
        ).net
        for n in (1, 2)
    ]

    for name, value in runs[0].items():
        torch.testing.assert_close(runs[1][name], value, rtol=1e-4, atol=1e-5)
