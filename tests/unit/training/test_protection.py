"""What guards a run: reports of divergence, the watch for collapse, bad packs, full disks."""

import errno
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.checkpoint import load_checkpoint
from training.data.augment import AugmentSettings
from training.data.batches import BatchSource
from training.data.pack import CropPack, PackItem, write_pack
from training.errors import CheckpointError, CollapsedError, DatasetError, DivergedError
from training.losses.triplet import TripletLoss
from training.protection import CollapseWatch, contact_sheet, mean_cosine
from training.recipe import Recipe, recipe_from_table
from training.train import train

TRIPLETS = {
    "distill": {"weight": 0.0},
    "metric": {"name": "triplet", "people": 4, "images": 2},
}


def recipe(**sections: dict[str, Any]) -> Recipe:
    merged = {name: TOY_RECIPE.get(name, {}) | part for name, part in sections.items()}
    return recipe_from_table(TOY_RECIPE | merged)


def events(run: Path, kind: str) -> list[dict[str, Any]]:
    lines = (run / "log.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["event"] == kind]


# Divergence.


def break_step(monkeypatch: pytest.MonkeyPatch, at: int) -> list[int]:
    """Put a NaN into the third crop of a step; the list receives its row."""
    make, broken = BatchSource.make, []

    def made(source: BatchSource, step: int) -> tuple[Any, Any]:
        rows, crops = make(source, step)
        if step == at:
            crops[2, 5, 5, 0] = np.nan
            broken.append(int(rows[2]))
        return rows, crops

    monkeypatch.setattr(BatchSource, "make", made)
    return broken


def test_an_image_without_numbers_stops_the_run_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    broken = break_step(monkeypatch, at=5)

    with pytest.raises(DivergedError) as caught:
        train(recipe(), pack.folder, tmp_path / "run")

    report = json.loads((tmp_path / "run/diverged.json").read_text())
    name = f"toy/{pack.items[broken[0]].file}"
    assert report["not_finite"] == [name]
    assert len(report["images"]) == 8
    assert report["images"][2] == name
    assert (report["step"], report["loss"], report["last_checkpoint"]) == (5, "nan", "last.pt")
    for part in ("step 5", name, "diverged.json", "--from"):
        assert part in str(caught.value)
    assert str(tmp_path / "run/last.pt") in str(caught.value)
    assert load_checkpoint(tmp_path / "run/last.pt").step == 4
    with Image.open(tmp_path / "run/diverged.png") as sheet:
        assert sheet.size == (3 * 56, 3 * 56)


def test_without_a_checkpoint_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    break_step(monkeypatch, at=0)

    with pytest.raises(DivergedError, match="no checkpoint yet"):
        train(recipe(), pack, tmp_path / "run")

    assert not (tmp_path / "run/last.pt").exists()


def test_contact_sheet_shows_crops_in_order_and_marks_what_is_no_number() -> None:
    crops = np.stack([np.full((8, 8, 3), level, np.float32) for level in (-1, 0, 1)])
    crops[1] = np.nan

    sheet = contact_sheet(crops)

    assert sheet.shape == (112, 112, 3)
    centres = [sheet[28, 28], sheet[28, 84], sheet[84, 28], sheet[84, 84]]
    assert [c.tolist() for c in centres] == [[0] * 3, [255, 0, 255], [255] * 3, [255] * 3]


# Collapse.


def healthy(seed: int = 0, shape: tuple[int, int] = (16, 8)) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_mean_cosine_equals_a_loop_over_pairs() -> None:
    unit = F.normalize(healthy().double(), dim=1)

    pairs = [float(unit[i] @ unit[j]) for i in range(16) for j in range(16) if i != j]

    assert mean_cosine(unit) == pytest.approx(np.mean(pairs))


def alike(step: int) -> torch.Tensor:
    return 5 + 0.01 * healthy(step)


def narrow(step: int) -> torch.Tensor:
    """Two dimensions do all the work, the other six are dead."""
    return healthy(step) * torch.tensor([1.0, 1.0] + [1e-3] * 6)


@pytest.mark.parametrize(("collapsed", "word"), [(alike, "all alike"), (narrow, "vary")])
def test_watch_speaks_once_and_only_when_a_sign_has_held(collapsed: Any, word: str) -> None:
    watch = CollapseWatch(torch.nn.Identity(), every=2, patience=3)

    def see(steps: range, embeddings: Any) -> list[str]:
        return [str(watch.see(step, embeddings(step)) or "") for step in steps]

    assert not any(see(range(20), healthy))
    assert not any(see(range(20, 24), collapsed))  # two looks
    assert not any(see(range(24, 26), healthy))  # and the count begins anew
    found = see(range(26, 60), collapsed)
    # Looks at 26, 28 and 30.
    assert [step for step, sentence in enumerate(found, 26) if sentence] == [30]
    assert word in found[4]
    assert "step 30" in found[4]
    assert "learning_rate" in found[4]


def test_watch_hears_a_loss_that_stays_at_its_margin() -> None:
    objective = torch.nn.Module()
    objective.metric = TripletLoss(margin=0.2, miner="batch-hard")
    watch = CollapseWatch(objective, every=1, patience=2)
    labels = torch.arange(8).repeat_interleave(2)

    def see(embeddings: torch.Tensor) -> str:
        objective.metric(embeddings, labels)
        # What the watch is shown is healthy: only the loss can give it away.
        return str(watch.see(0, healthy()) or "")

    separated = torch.eye(8).repeat_interleave(2, dim=0)
    assert [see(separated) for _ in range(3)] == ["", "", ""]
    first, second = see(torch.ones(16, 8) + 1e-5 * healthy()), see(torch.ones(16, 8))
    assert first == ""
    assert "stays at 0.2000" in second


def test_watch_goes_on_where_it_was() -> None:
    unbroken = CollapseWatch(torch.nn.Identity(), every=1, patience=3)
    broken = CollapseWatch(torch.nn.Identity(), every=1, patience=3)
    for watch in (unbroken, broken):
        watch.see(0, healthy())
        watch.see(1, alike(1))
    resumed = CollapseWatch(torch.nn.Identity(), every=1, patience=3)
    resumed.load_state_dict(broken.state_dict())

    for step in range(2, 6):
        assert str(resumed.see(step, alike(step))) == str(unbroken.see(step, alike(step)))
    assert resumed.state_dict()["warned"] == 1


def write_grey_pack(folder: Path) -> Path:
    """20 people who all look the same."""
    people = [f"p{n}" for n in range(20)]
    items = [PackItem("toy", p, f"toy:{p}", f"{p}/{k}.png") for p in people for k in range(4)]
    write_pack(folder, np.full((80, 32, 32, 3), 120, np.uint8), items)
    return folder


PLAIN = dict.fromkeys(asdict(AugmentSettings()), 0.0) | {
    "downscale_min_px": 20,
    "occlusion_max_px": 50,
}


@pytest.mark.parametrize("stop", [False, True])
def test_batches_of_equal_crops_train_and_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: bool
) -> None:
    pack = write_grey_pack(tmp_path / "pack")
    monkeypatch.setattr("training.train.CollapseWatch", partial(CollapseWatch, every=1, patience=3))
    said: list[str] = []
    run = partial(
        train,
        recipe(augment=PLAIN, loop={"stop_on_collapse": stop}, **TRIPLETS),
        pack,
        tmp_path / "run",
        remark=said.append,
    )

    if stop:
        with pytest.raises(CollapsedError, match="learning_rate"):
            run()
    else:
        run()

    (warning,) = events(tmp_path / "run", "warning")
    # Two steps of warm-up and three looks.
    assert warning["step"] == 5
    assert said.count(warning["sentence"]) == (0 if stop else 1)
    assert len(events(tmp_path / "run", "progress")) == (2 if stop else 3)


def test_a_healthy_run_warns_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    monkeypatch.setattr("training.train.CollapseWatch", partial(CollapseWatch, every=1, patience=3))

    train(recipe(loop={"steps": 10}), pack, tmp_path / "run")

    assert events(tmp_path / "run", "warning") == []


# Packs and disks.


def test_people_with_one_crop_train_a_head_and_sit_out_of_pairs(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "toy")
    rows = [r for r, item in enumerate(pack.items) if item.person not in {"p1", "p2"}]
    rows += [r for r, item in enumerate(pack.items) if item.file in {"p1/0.png", "p2/0.png"}]
    write_pack(tmp_path / "pack", pack.crops[rows], [pack.items[row] for row in rows])
    head = {"distill": {"weight": 0.0}, "head": {"name": "cosface"}}

    for name, sections in {"head": head, "triplets": TRIPLETS}.items():
        last = train(recipe(**sections), tmp_path / "pack", tmp_path / name)

        assert load_checkpoint(last).step == 6


def test_one_held_out_person_is_no_reason_to_stop(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "toy")
    held = np.flatnonzero(pack.held_out)
    one = pack.items[held[0]].person
    rows = [r for r, item in enumerate(pack.items) if not item.is_held_out or item.person == one]
    write_pack(tmp_path / "pack", pack.crops[rows], [pack.items[row] for row in rows])

    train(recipe(**TRIPLETS), tmp_path / "pack", tmp_path / "run")

    assert events(tmp_path / "run", "held_out") == []


def test_empty_and_damaged_packs_are_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no training pack"):
        train(recipe(), tmp_path / "empty", tmp_path / "run")

    pack = write_toy_pack(tmp_path / "pack").folder
    whole = {path: path.read_bytes() for path in pack.iterdir()}
    for name, content in {
        "crops.npy": whole[pack / "crops.npy"][:5000],
        "items.jsonl": whole[pack / "items.jsonl"][:-20],
    }.items():
        (pack / name).write_bytes(content)
        with pytest.raises(DatasetError, match="damaged"):
            CropPack(pack)
        (pack / name).write_bytes(b"")
        with pytest.raises(DatasetError):
            train(recipe(), pack, tmp_path / "run")
        (pack / name).write_bytes(whole[pack / name])
    assert not (tmp_path / "run").exists()


def test_a_full_disk_ends_the_run_and_the_last_checkpoint_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    whole = load_checkpoint(train(recipe(), pack, tmp_path / "whole"))
    save, calls = torch.save, []

    def fill(content: object, stream: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            stream.write(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(content, stream)

    monkeypatch.setattr("training.checkpoint.torch.save", fill)
    with pytest.raises(CheckpointError, match="No space left on device") as caught:
        train(recipe(), pack, tmp_path / "run")

    assert "resume" in caught.value.remedy
    assert load_checkpoint(tmp_path / "run/last.pt").step == 2
    assert list((tmp_path / "run").glob("*.tmp")) == []
    resumed = load_checkpoint(train(recipe(), pack, tmp_path / "run", resume=True))
    assert all(torch.equal(resumed.net[name], value) for name, value in whole.net.items())
