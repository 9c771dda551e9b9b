"""Optimisers by name: what they are made of, what they refuse, that nothing is left out."""

from typing import Any

import pytest
import torch
from torch import nn

from facerec.errors import ConfigError
from tests.helpers.training_packs import TOY_RECIPE
from training.errors import TrainingError
from training.objective import Objective
from training.optimizers import OPTIMIZERS, build_optimizer, check_covered, parameter_groups
from training.recipe import Recipe, recipe_from_table
from training.train import build_net


def recipe(transfer: dict[str, Any] | None = None, **optimizer: Any) -> Recipe:
    return recipe_from_table(
        TOY_RECIPE
        | {
            "head": {"name": "adaface", "neck": True},
            "optimizer": optimizer,
            "transfer": transfer or {},
        }
    )


def built(chosen: Recipe) -> tuple[nn.Module, Objective, torch.optim.Optimizer]:
    net, objective = build_net(chosen.net), Objective(chosen, n_classes=5)
    return net, objective, build_optimizer(net, objective, chosen)


def rosenbrock(point: torch.Tensor) -> torch.Tensor:
    return (1 - point[0]) ** 2 + 10 * (point[1] - point[0] ** 2) ** 2


RATES = {"adadelta": 1.0, "adagrad": 0.2, "adafactor": 0.1, "sgd": 0.01, "asgd": 0.01}


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_each_optimizer_goes_down(name: str) -> None:
    point = nn.Parameter(torch.tensor([-1.0, 1.5]))
    optimizer = OPTIMIZERS.get(name)([point], lr=RATES.get(name, 0.02))
    before = rosenbrock(point).item()

    for _ in range(200):
        optimizer.zero_grad()
        rosenbrock(point).backward()
        optimizer.step()

    assert rosenbrock(point).item() < 0.6 * before


def test_nesterov_momentum_follows_its_formula() -> None:
    chosen = recipe(
        name="sgd",
        learning_rate=0.1,
        weight_decay=0.0,
        settings={"momentum": 0.9, "nesterov": True},
    )
    net, _, optimizer = built(chosen)
    weight = net.stages[0][0].weight
    by_hand, velocity = weight.detach().double(), torch.zeros_like(weight).double()
    rng = torch.Generator().manual_seed(3)

    for _ in range(3):
        gradient = torch.randn(weight.shape, generator=rng)
        weight.grad = gradient.clone()
        optimizer.step()
        velocity = 0.9 * velocity + gradient.double()
        by_hand -= 0.1 * (gradient.double() + 0.9 * velocity)

    assert torch.allclose(weight.detach().double(), by_hand, atol=1e-6)


def test_settings_reach_the_optimizer() -> None:
    _, _, adam = built(recipe(name="adam", settings={"betas": [0.8, 0.95]}))
    _, _, amsgrad = built(recipe(name="amsgrad"))

    assert type(adam) is type(amsgrad) is torch.optim.Adam
    assert adam.defaults["betas"] == (0.8, 0.95)
    assert [adam.defaults["amsgrad"], amsgrad.defaults["amsgrad"]] == [False, True]


def test_default_is_adamw_and_norms_and_biases_do_not_decay() -> None:
    net, objective, optimizer = built(recipe())

    assert type(optimizer) is torch.optim.AdamW
    decay = {
        id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]
    }
    for module in [*net.modules(), *objective.modules()]:
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert decay[id(module.weight)] == decay[id(module.bias)] == 0
        elif isinstance(module, nn.Conv2d | nn.Linear):
            assert decay[id(module.weight)] == 0.05


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        pytest.param({"name": "adamv"}, "Did you mean 'adam", id="misspelt name"),
        pytest.param(
            {"name": "sgd", "settings": {"momentun": 0.9}}, "'momentum'", id="misspelt setting"
        ),
        pytest.param({"settings": {"lr": 1.0}}, "no setting 'lr'", id="the recipe's own key"),
        pytest.param(
            {"name": "sgd", "settings": {"nesterov": True}}, "momentum", id="what torch refuses"
        ),
        pytest.param({"settings": {"betas": [2.0, 0.9]}}, "beta", id="out of range"),
    ],
)
def test_what_cannot_be_is_said(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        built(recipe(**settings))


def test_every_trainable_parameter_is_moved_exactly_once() -> None:
    chosen = recipe({"rate_factors": {"stages": 0.1, "head.4": 3.0}})
    net, objective, optimizer = built(chosen)

    moved = [id(p) for group in optimizer.param_groups for p in group["params"]]

    assert sorted(moved) == sorted(id(p) for m in (net, objective) for p in m.parameters())


def test_a_forgotten_or_doubled_parameter_is_an_error() -> None:
    trained = nn.ModuleDict({"net": nn.Linear(2, 2), "objective": nn.Linear(2, 3)})
    of_net = torch.optim.SGD(trained["net"].parameters(), lr=1.0)
    twice = torch.optim.SGD(trained.parameters(), lr=1.0)
    twice.param_groups[0]["params"].append(trained["net"].weight)

    with pytest.raises(TrainingError, match=r"2 trainable .* objective\.weight"):
        check_covered(of_net, trained)
    with pytest.raises(TrainingError, match="moves 5 parameters where 4"):
        check_covered(twice, trained)
    frozen = nn.Linear(2, 2)
    everything = torch.optim.SGD(frozen.parameters(), lr=1.0)
    frozen.bias.requires_grad = False
    with pytest.raises(TrainingError, match="moves 2 parameters where 1"):
        check_covered(everything, frozen)


def test_groups_hold_every_parameter_once() -> None:
    net = build_net(recipe().net)

    decayed, free = parameter_groups(net, 0.05)

    ids = [id(p) for p in [*decayed["params"], *free["params"]]]
    assert sorted(ids) == sorted(id(p) for p in net.parameters())
