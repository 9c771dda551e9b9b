"""A run that was killed equals one that was not, bit for bit and line for line."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from facerec.errors import Cancelled
from tests.helpers.stop_at import StopAt
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.checkpoint import LAST_NAME, load_checkpoint
from training.optimizers import OPTIMIZERS
from training.recipe import Recipe, recipe_from_table
from training.run_log import RunLog, read_log
from training.train import build_net, train

ROOT = Path(__file__).resolve().parents[3]
CLOCK = {"images_per_s", "seconds_left"}


def recipe(**sections: dict[str, Any]) -> Recipe:
    merged = {name: TOY_RECIPE.get(name, {}) | part for name, part in sections.items()}
    return recipe_from_table(TOY_RECIPE | merged)


def steps_of(run: Path) -> list[dict[str, Any]]:
    """The log without what a clock says and without how often the run was begun."""
    return [
        {key: value for key, value in entry.items() if key not in CLOCK}
        for entry in read_log(run)
        if entry["event"] != "start"
    ]


def tensors(value: Any, name: str = "") -> dict[str, Any]:
    """Flatten nested states: dotted name -> tensor or plain value."""
    if isinstance(value, dict):
        pairs: Any = value.items()
    elif isinstance(value, list | tuple):
        pairs = enumerate(value)
    else:
        return {name: value}
    return {k: v for key, part in pairs for k, v in tensors(part, f"{name}.{key}").items()}


def assert_same_run(left: Path, right: Path) -> None:
    a, b = (load_checkpoint(run / LAST_NAME) for run in (left, right))
    assert a.step == b.step
    assert (a.people, a.watch) == (b.people, b.watch)
    for state in ("net", "average", "objective", "optimizer"):
        ours, theirs = tensors(getattr(a, state)), tensors(getattr(b, state))
        assert ours.keys() == theirs.keys()
        for name, value in ours.items():
            other = theirs[name]
            same = torch.equal(value, other) if torch.is_tensor(value) else value == other
            assert same, f"{state}{name}"
    assert steps_of(left) == steps_of(right)


JOINT = {
    "head": {"name": "adaface", "weight": 0.1, "neck": True},
    "metric": {"name": "triplet", "people": 4, "images": 2},
}
VARIANTS = {
    **{name: {"optimizer": {"name": name}} for name in OPTIMIZERS.names()},
    "nesterov": {"optimizer": {"name": "sgd", "settings": {"momentum": 0.9, "nesterov": True}}},
    "accumulation": {"loop": {"accumulate": 2}, **JOINT},
    "frozen": {"transfer": {"freeze": ["stages.0"], "frozen_norms": True}, **JOINT},
    "layered": {"transfer": {"rate_factors": {"stages": 0.1, "head.4": 2.0}}, **JOINT},
    "milestones": {"optimizer": {"schedule": "step", "milestones": [0.4, 0.8]}},
}


@pytest.mark.parametrize("sections", VARIANTS.values(), ids=list(VARIANTS))
def test_resumed_run_equals_the_unbroken_one(sections: Any, tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    loop = {"steps": 4, "evaluate_every": 3} | sections.get("loop", {})
    chosen = recipe(**sections | {"loop": loop})
    train(chosen, pack, tmp_path / "whole")

    with pytest.raises(Cancelled):
        train(chosen, pack, tmp_path / "torn", task=StopAt(3))
    train(chosen, pack, tmp_path / "torn", resume=True)

    assert_same_run(tmp_path / "whole", tmp_path / "torn")


class ForgetfulNet(nn.Sequential):
    """A net that draws at random in each step."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__(net, nn.Dropout(0.5))


def test_what_a_net_draws_at_random_is_a_function_of_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    monkeypatch.setattr(
        "training.train.build_net", lambda net, **chosen: ForgetfulNet(build_net(net, **chosen))
    )
    train(recipe(), pack, tmp_path / "whole")

    with pytest.raises(Cancelled):
        train(recipe(), pack, tmp_path / "torn", task=StopAt(3))
    train(recipe(), pack, tmp_path / "torn", resume=True)

    assert_same_run(tmp_path / "whole", tmp_path / "torn")


class Killed(BaseException):
    """What no error handler expects."""


class Killer:
    """Ends a run at its n-th write: before it, in the middle of a line, or after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        self._write, self._fsync = RunLog.write, os.fsync
        monkeypatch.setattr(
            RunLog, "write", lambda log, *args, **facts: self._logged(log, *args, **facts)
        )
        monkeypatch.setattr("training.checkpoint.os.fsync", self._synced)

    @staticmethod
    def _tear(log: RunLog) -> None:
        log._stream.write('{"event": "progr')
        log._stream.flush()

    def _count(self) -> bool:
        self.left -= 1
        return self.left == 0

    def _logged(self, log: RunLog, *args: Any, **facts: Any) -> None:
        if self._count():
            raise Killed
        if self._count():
            self._tear(log)
            raise Killed
        self._write(log, *args, **facts)
        if self._count():
            raise Killed

    def _synced(self, handle: int) -> None:
        if self._count():
            raise Killed
        self._fsync(handle)


@pytest.mark.parametrize("seed", range(3))
def test_kills_at_random_writes_leave_no_trace(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    chosen = recipe(loop={"evaluate_every": 2, "checkpoint_every": 3}, **JOINT)
    train(chosen, pack, tmp_path / "whole")
    rng, killer, run = random.Random(seed), Killer(monkeypatch), tmp_path / "torn"
    n_kills = 0

    for _ in range(6):
        killer.left = rng.randint(1, 20)
        try:
            train(chosen, pack, run, resume=(run / LAST_NAME).exists())
        except Killed:
            n_kills += 1
    killer.left = 0
    train(chosen, pack, run, resume=(run / LAST_NAME).exists())

    assert n_kills >= 2
    assert_same_run(tmp_path / "whole", run)


@pytest.mark.parametrize("field", ["recipe", "all"])
def test_checkpoint_of_an_older_program_is_resumed(field: str, tmp_path: Path) -> None:
    """Recipes once had fewer keys, and checkpoints neither people nor watch nor rate factors."""
    pack = write_toy_pack(tmp_path / "pack").folder
    train(recipe(), pack, tmp_path / "whole")
    with pytest.raises(Cancelled):
        train(recipe(), pack, tmp_path / "old", task=StopAt(3))
    path = tmp_path / "old" / LAST_NAME
    content = torch.load(path, weights_only=True)
    del content["recipe"]["transfer"]
    for section, keys in {
        "loop": ("accumulate", "stop_on_collapse", "tensorboard"),
        "optimizer": ("name", "settings", "schedule", "power", "milestones", "milestone_factor"),
    }.items():
        for key in keys:
            del content["recipe"][section][key]
    if field == "all":
        del content["people"], content["watch"]
        for group in content["optimizer"]["param_groups"]:
            del group["rate_factor"]
    torch.save(content, path)

    train(recipe(), pack, tmp_path / "old", resume=True)

    a, b = (load_checkpoint(tmp_path / run / LAST_NAME) for run in ("whole", "old"))
    assert all(torch.equal(a.net[name], value) for name, value in b.net.items())
    assert a.recipe == b.recipe


def start(recipe_file: Path, pack: Path, run: Path) -> subprocess.Popen[bytes]:
    resume = ["--resume"] if (run / LAST_NAME).exists() else []
    command = [sys.executable, "-m", "facerec", "train", "run", str(recipe_file)]
    command += ["--pack", str(pack), "--run", str(run), *resume]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


def kill_after_lines(process: subprocess.Popen[bytes], run: Path, n_lines: int) -> bool:
    """Kill a run when its log has grown; whether it came to that."""
    log = run / "log.jsonl"
    while process.poll() is None:
        if log.exists() and log.read_bytes().count(b"\n") >= n_lines:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.005)
    return process.wait() == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL.")
def test_process_killed_at_random_and_resumed_equals_an_unbroken_one(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    table = TOY_RECIPE | {"loop": TOY_RECIPE["loop"] | {"steps": 120, "checkpoint_every": 7}}
    lines = [f'name = "{table["name"]}"']
    for section in ("net", "loop", "optimizer"):
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table[section].items()]
    (tmp_path / "toy.toml").write_text("\n".join(lines))
    assert start(tmp_path / "toy.toml", pack, tmp_path / "whole").wait() == 0
    rng, run = random.Random(), tmp_path / "torn"

    kills = 0
    for _ in range(3):
        seen = (run / "log.jsonl").read_bytes().count(b"\n") if run.exists() else 0
        process = start(tmp_path / "toy.toml", pack, run)
        kills += kill_after_lines(process, run, seen + rng.randint(1, 12))
    assert start(tmp_path / "toy.toml", pack, run).wait() == 0

    assert kills >= 1
    assert_same_run(tmp_path / "whole", run)
