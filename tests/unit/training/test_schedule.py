"""Schedules against their closed forms."""

import itertools
import math

import pytest
import torch

from facerec.errors import ConfigError
from training.recipe import OptimizerSettings
from training.schedule import SCHEDULES, learning_rate_factor, set_rate

STEPS, WARMUP, REST = 100, 10, 0.01


def factors(name: str, **settings: object) -> list[float]:
    chosen = OptimizerSettings(
        schedule=name,
        warmup_steps=WARMUP,
        final_fraction=REST,
        **settings,  # type: ignore[arg-type]
    )
    return [learning_rate_factor(step, chosen, total_steps=STEPS) for step in range(STEPS + 1)]


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_every_schedule_rises_linearly_to_the_peak_and_never_again(name: str) -> None:
    found = factors(name)

    assert found[:WARMUP] == pytest.approx([(step + 1) / WARMUP for step in range(WARMUP)])
    assert max(found) == pytest.approx(1)
    assert all(a >= b for a, b in itertools.pairwise(found[WARMUP - 1 :]))


def test_cosine_and_polynomial_have_their_closed_form() -> None:
    for step in range(WARMUP, STEPS + 1):
        over = (step - WARMUP) / (STEPS - WARMUP)
        wave = REST + (1 - REST) * (1 + math.cos(math.pi * over)) / 2
        assert factors("cosine")[step] == pytest.approx(wave)
        assert factors("polynomial", power=2.0)[step] == pytest.approx(
            REST + (1 - REST) * (1 - over) ** 2
        )
        assert factors("polynomial", power=1.0)[step] == pytest.approx(
            REST + (1 - REST) * (1 - over)
        )


def test_steps_fall_exactly_at_their_milestones() -> None:
    found = factors("step", milestones=(0.5, 0.75), milestone_factor=0.2)

    assert found[WARMUP:50] == [1.0] * 40
    assert found[50:75] == pytest.approx([0.2] * 25)
    assert found[75:] == pytest.approx([0.04] * 26)


def test_constant_stays() -> None:
    assert factors("constant")[WARMUP:] == [1.0] * (STEPS + 1 - WARMUP)


def test_groups_keep_their_share_of_the_rate() -> None:
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.SGD(
        [{"params": weights[:1], "rate_factor": 0.1}, {"params": weights[1:]}], lr=1.0
    )
    settings = OptimizerSettings(learning_rate=4.0, warmup_steps=2)

    rate = set_rate(optimizer, settings, 0, total_steps=10)

    assert rate == pytest.approx(2.0)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.2, 2.0])


def test_unknown_schedule_and_impossible_milestones_are_refused() -> None:
    with pytest.raises(ConfigError, match="'polynomial'"):
        factors("polynomal")
    with pytest.raises(ConfigError, match="between 0 and 1"):
        OptimizerSettings(milestones=(0.5, 30.0))
