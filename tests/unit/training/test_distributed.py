"""Two processes beside one: the same losses, weights and checkpoints, and what happens without one.

All that two processes do is done once, in ``two``; the tests compare it with one process here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from facerec.errors import Cancelled, ConfigError, DeviceError
from tests.helpers.ranks import run_on_ranks
from tests.helpers.stop_at import StopAt
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.checkpoint import load_checkpoint
from training.data.augment import AugmentSettings
from training.data.batches import BatchSource
from training.distributed import ALONE, World, joined
from training.errors import RankLostError, TrainingError
from training.nets.lean import LeanNet
from training.nets.registry import NETS
from training.objective import Objective
from training.recipe import Recipe, recipe_from_table
from training.step import train_step
from training.train import build_net, train

BATCH, PEOPLE, STEPS = 12, 5, 5
NO_DISTILL = {"distill": {"weight": 0.0}}
# Losses within a batch, a head that all ranks hold, and one that is shared out, with a neck.
OBJECTIVES: dict[str, dict[str, Any]] = {
    "distillation": {},
    "triplet": NO_DISTILL | {"metric": {"name": "triplet", "settings": {"miner": "batch-all"}}},
    "arcface": NO_DISTILL | {"head": {"name": "arcface"}},
    "sharded arcface": NO_DISTILL | {"head": {"name": "arcface", "sharded": True, "neck": True}},
    "all at once": {
        "head": {"name": "cosface", "sharded": True, "weight": 0.3},
        "metric": {"name": "triplet"},
    },
}


def settled(net: nn.Module) -> nn.Module:
    """Freeze batch norms: their statistics would differ, since a rank sees its part only."""
    return net.eval()


def few_steps(world: World, name: str) -> dict[str, Any]:
    """Train a tiny net for some steps on a batch that changes with the step."""
    recipe = recipe_from_table(TOY_RECIPE | OBJECTIVES[name])
    torch.manual_seed(0)
    net = settled(build_net(recipe.net))
    objective = Objective(recipe, n_classes=PEOPLE, world=world)
    trained = [*net.parameters(), *objective.parameters()]
    optimizer = torch.optim.SGD(trained, lr=0.05, momentum=0.9)
    losses = []
    for step in range(STEPS):
        generator = torch.Generator().manual_seed(step)
        crops = 1 + torch.randn(BATCH, 3, 32, 32, generator=generator)
        targets = nn.functional.normalize(torch.randn(BATCH, 16, generator=generator), dim=1)
        labels = torch.randint(-1, PEOPLE, (BATCH,), generator=generator)
        part = world.part(BATCH)
        whole = world.whole(objective)
        losses.append(
            train_step(
                net,
                lambda x, _, t=targets[part], y=labels[part], loss=whole: loss(
                    x, targets=t, labels=y
                ),
                optimizer,
                crops[part],
                precision=torch.float32,
                clip_norm=0.5,
                step=step,
                world=world,
            ).loss
        )
    rows = [p.detach() for name, p in objective.named_parameters() if "held" in name]
    return {"losses": losses, "net": net.state_dict(), "rows": rows, "n_bytes": world.n_bytes}


def one_step_with_norms(world: World) -> dict[str, torch.Tensor]:
    """Take a step with batch norms at work; return what they remember then."""
    torch.manual_seed(0)
    net = build_net(recipe_from_table(TOY_RECIPE).net).train()
    train_step(
        net,
        lambda x, _: x.square().mean(),
        torch.optim.SGD(net.parameters(), lr=0.1),
        torch.randn(BATCH, 3, 32, 32)[world.part(BATCH)],
        precision=torch.float32,
        clip_norm=1.0,
        step=0,
        world=world,
    )
    return dict(net.named_buffers())


@NETS.register("plain-for-tests")
def plain_net(
    *,
    widths: tuple[int, ...],
    blocks: tuple[int, ...],
    head_width: int,
    embedding_dim: int,
    crop_size_px: int,
) -> nn.Module:
    """The lean net without batch norms, so that a whole run does not depend on its parts."""
    net = LeanNet(
        widths=widths,
        blocks=blocks,
        head_width=head_width,
        embedding_dim=embedding_dim,
        crop_size_px=crop_size_px,
    )
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    return net


def run_recipe(**loop: object) -> Recipe:
    return recipe_from_table(
        TOY_RECIPE
        | {
            "net": TOY_RECIPE["net"] | {"name": "plain-for-tests"},
            "loop": TOY_RECIPE["loop"] | loop,
            "distill": {"weight": 1.0},
            "head": {"name": "cosface", "sharded": True, "settings": {"scale": 8.0}},
        }
    )


def stopped_run(pack: Path, run_dir: Path, world: World) -> None:
    with pytest.raises(Cancelled):
        train(run_recipe(), pack, run_dir, task=StopAt(5), world=world)


def whole_runs(world: World, folder: Path) -> None:
    """Train unbroken, stopped and resumed, and go on with what one process has begun."""
    pack = folder / "pack"
    train(run_recipe(), pack, folder / "two", world=world)
    stopped_run(pack, folder / "torn", world)
    world.wait()
    train(run_recipe(), pack, folder / "torn", resume=True, world=world)
    train(run_recipe(), pack, folder / "one-then-two", resume=True, world=world)
    stopped_run(pack, folder / "two-then-one", world)


def caught(work: Any, kind: type[Exception]) -> str:
    with pytest.raises(kind) as error:
        work()
    return str(error.value)


def mishaps(world: World) -> dict[str, str]:
    """Collect what is said of unequal beginnings, and of a process that is gone."""
    unequal = nn.Linear(2, 2)
    nn.init.constant_(unequal.weight, float(world.rank))
    said = {"unequal": caught(lambda: world.check_alike(unequal), TrainingError)}
    world.check_alike(nn.ReLU(), "alike")
    said["facts"] = caught(lambda: world.check_alike(nn.ReLU(), world.rank), TrainingError)
    said["first"] = world.of_first(f"from {world.rank}")
    if world.is_first:
        said["lost"] = caught(lambda: world.gather(torch.zeros(2)), RankLostError)
    return said


def on_two_ranks(world: World, folder: Path) -> dict[str, Any]:
    return (
        {name: few_steps(World(world.rank, world.size), name) for name in OBJECTIVES}
        | {"norms": one_step_with_norms(world)}
        | {"runs": whole_runs(world, folder)}
        | {"mishaps": mishaps(world)}  # last, for the second rank leaves
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def two(folder: Path) -> list[dict[str, Any]]:
    """Return what each of two processes saw and ended with."""
    write_toy_pack(folder / "pack")
    train(run_recipe(), folder / "pack", folder / "one")
    stopped_run(folder / "pack", folder / "one-then-two", ALONE)
    return run_on_ranks(folder / "results", 2, on_two_ranks, folder)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_two_processes_take_the_steps_of_one(two: list[dict[str, Any]], name: str) -> None:
    first, second = (results[name] for results in two)

    one = few_steps(World(), name)

    torch.testing.assert_close(first["losses"], one["losses"], rtol=1e-5, atol=1e-6)
    assert first["losses"] == second["losses"]
    assert one["losses"][-1] != pytest.approx(one["losses"][0], rel=1e-3)
    for key, value in one["net"].items():
        torch.testing.assert_close(first["net"][key], value, rtol=1e-4, atol=1e-6)
        assert torch.equal(first["net"][key], second["net"][key])
    if one["rows"]:
        together = torch.cat([first["rows"][0], second["rows"][0]])
        torch.testing.assert_close(together, one["rows"][0], rtol=1e-4, atol=1e-6)


def test_running_statistics_are_the_mean_of_the_ranks(two: list[dict[str, Any]]) -> None:
    first, second = (results["norms"] for results in two)
    torch.manual_seed(0)
    net = build_net(recipe_from_table(TOY_RECIPE).net)
    maps = net.stages[0][0](torch.randn(BATCH, 3, 32, 32))
    halves = [half.transpose(0, 1).flatten(1) for half in maps.chunk(2)]

    mean = 0.1 * sum(half.mean(dim=1) for half in halves) / 2
    variance = 0.9 + 0.1 * sum(half.var(dim=1) for half in halves) / 2

    torch.testing.assert_close(first["stages.0.1.running_mean"], mean)
    torch.testing.assert_close(first["stages.0.1.running_var"], variance)
    for key, value in first.items():
        assert torch.equal(value, second[key]), key


def test_messages_are_counted(two: list[dict[str, Any]]) -> None:
    net = build_net(recipe_from_table(TOY_RECIPE).net)
    n_parameters = sum(p.numel() for p in net.parameters())
    n_statistics = sum(b.numel() for b in net.buffers() if b.is_floating_point())

    # Embeddings there and back, targets, labels; gradients, statistics and the loss.
    rows = BATCH * 16 * 4 * 3 + BATCH * 8
    expected = STEPS * (rows + 4 * (n_parameters + n_statistics + 1))
    assert two[0]["distillation"]["n_bytes"] == expected


def weights_of(run_dir: Path) -> dict[str, torch.Tensor]:
    saved = load_checkpoint(run_dir / "last.pt")
    assert saved.step == 6
    folder = run_dir / "shards" / "last-00000006"
    files = [torch.load(path) for path in sorted(folder.glob("*.pt"))]
    rows = torch.cat([part["head.held.weight"]["weight"] for part in files])
    averages = {f"average {key}": value for key, value in saved.average.items()}
    return saved.net | averages | {"rows": rows}


def losses_of(run_dir: Path) -> list[float]:
    lines = map(json.loads, (run_dir / "log.jsonl").read_text().splitlines())
    return [line["loss"] for line in lines if line["event"] == "progress"]


def test_whole_run_of_two_is_that_of_one(two: list[dict[str, Any]], folder: Path) -> None:
    assert losses_of(folder / "two") == pytest.approx(losses_of(folder / "one"), rel=1e-4)
    expected = weights_of(folder / "one")
    for key, value in weights_of(folder / "two").items():
        torch.testing.assert_close(value, expected[key], rtol=1e-2, atol=2e-4, msg=key)


def test_resumed_run_of_two_equals_the_unbroken_one(
    two: list[dict[str, Any]], folder: Path
) -> None:
    expected = weights_of(folder / "two")
    for key, value in weights_of(folder / "torn").items():
        assert torch.equal(value, expected[key]), key


def test_run_goes_on_with_another_number_of_processes(
    two: list[dict[str, Any]], folder: Path
) -> None:
    train(run_recipe(), folder / "pack", folder / "two-then-one", resume=True)

    expected = weights_of(folder / "one")
    for run in ("one-then-two", "two-then-one"):
        for key, value in weights_of(folder / run).items():
            torch.testing.assert_close(value, expected[key], rtol=1e-2, atol=2e-4, msg=key)


def test_mishaps_are_said_in_a_sentence(two: list[dict[str, Any]]) -> None:
    first, second = (results["mishaps"] for results in two)

    assert "Process 1 begins with other data" in first["unequal"]
    assert "Process 1 begins with other data" in second["facts"]
    assert first["first"] == second["first"] == "from 0"
    assert "has ended or cannot be reached" in first["lost"]


def test_batch_that_cannot_be_shared_out_is_said() -> None:
    assert World(2, 4).part(8) == slice(4, 6)
    with pytest.raises(ConfigError, match=r"10 .* 4 processes. Set loop.batch_size=8"):
        World(0, 4).part(10)


@pytest.mark.parametrize("mix_share", [0.0, 0.6])
def test_parts_of_a_batch_make_the_whole(tmp_path: Path, mix_share: float) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    rows = np.arange(len(pack))

    def batch_of(part: slice) -> tuple[np.ndarray, np.ndarray]:
        settings = {"batch_size": BATCH, "seed": 4, "mix_share": mix_share}
        return BatchSource(pack, rows, AugmentSettings(), part=part, **settings).make(step=2)

    whole_rows, whole = batch_of(slice(None))
    parts = [batch_of(World(rank, 3).part(BATCH)) for rank in range(3)]

    assert np.array_equal(np.concatenate([part[0] for part in parts]), whole_rows)
    assert np.array_equal(np.concatenate([part[1] for part in parts]), whole)
    assert len({crop.tobytes() for crop in whole}) == BATCH


def test_more_processes_than_gpus_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)

    with pytest.raises(DeviceError, match="no GPU for process 2"), joined("cuda"):
        pass


@pytest.mark.slow
def test_torchrun_trains_with_the_command(tmp_path: Path) -> None:
    write_toy_pack(tmp_path / "pack")
    recipe = tmp_path / "toy.toml"
    recipe.write_text(
        "[net]\nembedding_dim = 16\ncrop_size_px = 32\n"
        "[net.settings]\nwidths = [4, 4, 8, 8]\nblocks = [0, 1, 0, 0]\nhead_width = 16\n"
        "[loop]\nsteps = 2\nbatch_size = 8\nprecision = 'f32'\n"
        "[head]\nname = 'arcface'\nsharded = true\nclass_share = 0.5\n"
    )
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    # Without the two dashes torchrun takes --run for its own --run-path.
    facerec = ["-m", "--", "facerec", "train", "run", recipe, "--pack", tmp_path / "pack"]

    done = subprocess.run(
        [*torchrun, *facerec, "--run", tmp_path / "run"],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Trained.") == 1
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events == ["start", "progress", "held_out", "scores"]
    assert load_checkpoint(tmp_path / "run" / "last.pt").step == 2
    shards = tmp_path / "run" / "shards" / "last-00000002"
    assert sorted(path.name for path in shards.iterdir()) == ["0.pt", "1.pt"]
