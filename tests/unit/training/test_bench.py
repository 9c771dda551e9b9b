"""`facerec train bench`: both loops do the same work, and times are what was spent."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from facerec.errors import DependencyError
from tests.helpers.training_packs import write_toy_pack
from training import bench as subject
from training.bench import BatchCost, StepReport, StepTimes, batch_cost, format_report
from training.commands import train
from training.data import batches
from training.errors import DatasetError
from training.recipe import Recipe

pytest.importorskip("pytorch_metric_learning", reason="pytorch-metric-learning is not installed.")

TINY = (
    "net.embedding_dim=16",
    "net.crop_size_px=32",
    "net.settings={widths=[4, 4, 8, 8], blocks=[0, 1, 0, 0], head_width=16}",
    "loop.batch_size=8",
    "loop.precision=f32",
    "loop.n_threads=1",
)


@pytest.mark.parametrize("name", subject.LOSS_TABLES)
def test_both_loops_come_to_the_same_losses(name: str) -> None:
    overrides = (*TINY, "optimizer.clip_norm=1e9", "optimizer.learning_rate=1e-3")
    recipe, device, precision = subject._opened(subject.LOSS_TABLES[name], overrides)
    crops = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(8) // 4
    own, plain = (
        [step(crops, labels, number) for number in range(3)]
        for step in (
            subject.own_step(recipe, 5, device, precision),
            subject.plain_step(recipe, 5, device, precision),
        )
    )

    assert own == pytest.approx(plain, rel=1e-3)
    assert own[0] == pytest.approx(plain[0], rel=1e-5)
    assert own[2] < own[0]


def test_command_measures_every_loss_and_the_batches(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    words = ["bench", *TINY, "--rounds", "2", "--pack", str(pack), "--steps", "2", "--json"]

    answer: dict[str, Any] = json.loads(
        CliRunner().invoke(train, words, catch_exceptions=False).output
    )

    assert [one["loss"] for one in answer["times"]] == list(subject.LOSS_TABLES)
    for one in answer["times"]:
        assert one["first_losses"][0] == pytest.approx(one["first_losses"][1], rel=1e-5)
        assert len(one["own_s"]) == len(one["plain_cpu_s"]) == 2
        assert min(*one["own_s"], *one["plain_s"], one["ratio"]["value"]) > 0
    made = answer["batches"]
    assert made["n_steps"] == 2
    assert 0 < made["making_s"] < made["total_s"]
    assert made["share"] == pytest.approx(made["making_s"] / made["total_s"])


def test_time_of_the_batch_thread_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = batches.augment_batch

    def slow(*args: Any, **settings: Any) -> Any:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass
        return real(*args, **settings)

    monkeypatch.setattr(batches, "augment_batch", slow)

    cost = batch_cost(write_toy_pack(tmp_path / "pack"), TINY, n_steps=3)

    assert 0.3 <= cost.making_s < cost.total_s


def test_pack_without_enough_people_is_a_sentence(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack", n_people=2)

    with pytest.raises(DatasetError, match="a batch needs 64") as caught:
        batch_cost(pack, (*TINY, "loop.batch_size=64"))

    assert "loop.batch_size" in caught.value.remedy


def test_absent_peer_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)

    with pytest.raises(DependencyError, match="pytorch-metric-learning") as caught:
        subject.measure_steps(TINY, n_rounds=1)

    assert "pip install" in caught.value.remedy


def test_ratio_is_theirs_over_ours() -> None:
    times = StepTimes("arcface", (1.0, 1.0), (1.0, 2.0), (2.0, 4.0), (0.5, 0.5), (0.75, 0.75))
    batch = BatchCost(3, 64, 1.0, 8.0)
    report = StepReport(Recipe(), "f32", 1, (times,), batch, {"processor": "P"})

    text = format_report(report)

    assert (times.ratio.value, times.cpu_ratio.value) == (2.0, 1.5)
    assert "1.500 (1.500-1.500)" in text
    assert "12.5% of the processor time: 1.00 of 8.00 s" in text
    assert json.loads(json.dumps(report.payload()))["batches"]["share"] == 0.125
