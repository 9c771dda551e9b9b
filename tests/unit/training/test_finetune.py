"""Fine-tuning on a few people, and the draws that measure what it brings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from facerec.errors import Cancelled, ConfigError
from facerec.imaging.draw import write_image
from tests.helpers.stop_at import StopAt
from tests.helpers.training_packs import TOY_RECIPE
from training.checkpoint import load_checkpoint
from training.commands import train as train_group
from training.data.augment import plain_batch
from training.data.pack import CropPack, PackItem, write_pack
from training.errors import DatasetError
from training.finetune import OLD_PER_NEW, default_weights, finetune
from training.finetune_check import (
    Draw,
    check_finetuning,
    draw_people,
    gain,
    read_draws,
    summary,
)
from training.recipe import Recipe, load_recipe, recipe_from_table
from training.train import build_net, train

SIDE = 16
TOY = TOY_RECIPE | {"net": TOY_RECIPE["net"] | {"crop_size_px": SIDE}}


def write_people(folder: Path, n_people: int, per_person: int) -> CropPack:
    rng = np.random.default_rng(5)
    colours = rng.integers(0, 256, (n_people, 1, 1, 1, 3))
    noise = rng.integers(-40, 40, (n_people, per_person, SIDE, SIDE, 3))
    crops = np.clip(colours + noise, 0, 255).astype(np.uint8).reshape(-1, SIDE, SIDE, 3)
    items = [
        PackItem("toy", f"p{person}", f"toy:p{person}", f"p{person}/{k}.png")
        for person in range(n_people)
        for k in range(per_person)
    ]
    write_pack(folder, crops, items)
    return CropPack(folder)


def toy_recipe(**loop: object) -> Recipe:
    """The shipped recipe made small; its net is not the start's, which shall win."""
    settings = {"steps": 2, "batch_size": 8, "precision": "f32", "n_threads": 1} | loop
    shipped = load_recipe("lean-finetune", tuple(f"loop.{k}={v}" for k, v in settings.items()))
    return replace(shipped, augment=recipe_from_table(TOY | {"augment": {
        "downscale_share": 0.0, "occlusion_share": 0.0}}).augment)  # fmt: skip


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of two steps."""
    folder = tmp_path_factory.mktemp("start")
    pack = write_people(folder / "pack", 20, 4)
    table = TOY | {
        "distill": {"weight": 0.0},
        "head": {"name": "arcface"},
        "augment": {"downscale_share": 0.0, "occlusion_share": 0.0},
    }
    table["loop"] = table["loop"] | {"steps": 2}
    return train(recipe_from_table(table), pack.folder, folder / "run")


def own_vectors(checkpoint: Path, crops: np.ndarray) -> np.ndarray:
    loaded = load_checkpoint(checkpoint)
    net = build_net(loaded.recipe.net)
    net.load_state_dict(loaded.average)
    with torch.no_grad():
        raw = net.eval()(torch.from_numpy(plain_batch(crops)).permute(0, 3, 1, 2)).numpy()
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def test_targets_are_the_start_nets_own_vectors_and_old_crops_have_no_name(
    tmp_path: Path, start: Path
) -> None:
    pack = write_people(tmp_path / "all", 60, 4)
    (pack.folder / "excluded.txt").write_text("0\n1\n2\n")
    rows = np.flatnonzero(pack.held_out)[:12]

    last = finetune(pack, rows, tmp_path / "run", toy_recipe(), start_from=start, old=pack)

    mixed = CropPack(tmp_path / "run" / "pack")
    new, old = mixed.items[:12], mixed.items[12:]
    assert {item.person for item in new} == {pack.items[row].person for row in rows}
    assert not mixed.held_out.any()
    assert {item.person for item in old} == {""}
    allowed = {item.file for item in pack.items[3:] if not item.is_held_out}
    assert len(old) == len({item.file for item in old}) == min(OLD_PER_NEW * 12, len(allowed))
    assert {item.file for item in old} <= allowed
    targets = np.load(mixed.folder / "targets.npy")
    assert targets == pytest.approx(own_vectors(start, mixed.crops), abs=2e-3)
    assert load_checkpoint(last).recipe.net == load_checkpoint(start).recipe.net
    assert load_checkpoint(last).objective["head.weight"].shape[0] == len({i.person for i in new})


def test_without_a_step_the_start_comes_back_and_with_steps_it_moves(
    tmp_path: Path, start: Path
) -> None:
    pack = write_people(tmp_path / "new", 4, 4)
    rows = np.arange(16)
    still = replace(toy_recipe(), optimizer=replace(toy_recipe().optimizer, learning_rate=0.0))

    unmoved = finetune(pack, rows, tmp_path / "a", still, start_from=start)
    moved = finetune(pack, rows, tmp_path / "b", toy_recipe(), start_from=start)

    before, same, after = (load_checkpoint(path).average for path in (start, unmoved, moved))
    for name, value in before.items():
        assert torch.equal(same[name], value), name
        if name.startswith("stages") or "running" in name:
            assert torch.equal(after[name], value), name
    assert not torch.equal(after["head.4.weight"], before["head.4.weight"])


def test_command_trains_on_a_folder_of_people_and_resumes(tmp_path: Path, start: Path) -> None:
    pack = write_people(tmp_path / "pack", 6, 5)
    for item, crop in zip(pack.items, pack.crops, strict=True):
        path = tmp_path / "crops" / item.file
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, np.asarray(crop))
    arguments = ["finetune", str(tmp_path / "crops"), str(tmp_path / "run"), "--from", str(start)]
    arguments += ["--old", str(pack.folder)]
    arguments += ["loop.steps=2", "loop.batch_size=8", "loop.precision=f32", "loop.n_threads=1"]
    arguments += ["augment.downscale_share=0.0", "augment.occlusion_share=0.0"]

    outcome = CliRunner().invoke(train_group, arguments, catch_exceptions=False)

    assert outcome.exit_code == 0
    assert f"--pack {pack.folder}" in outcome.output
    checkpoint = load_checkpoint(tmp_path / "run" / "last.pt")
    assert checkpoint.step == 2
    # Nobody is held out of the new people.
    assert checkpoint.objective["head.weight"].shape[0] == 6


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path, start: Path) -> None:
    pack = write_people(tmp_path / "new", 4, 4)
    # Fewer crops than a batch: it shrinks to them.
    recipe, rows = toy_recipe(steps=4, checkpoint_every=2, batch_size=20), np.arange(16)
    whole = finetune(pack, rows, tmp_path / "whole", recipe, start_from=start)
    with pytest.raises(Cancelled):
        finetune(pack, rows, tmp_path / "torn", recipe, start_from=start, task=StopAt(3))

    resumed = finetune(pack, rows, tmp_path / "torn", recipe, start_from=start, resume=True)

    a, b = load_checkpoint(whole).average, load_checkpoint(resumed).average
    assert all(torch.equal(value, b[name]) for name, value in a.items())


def test_one_person_and_crops_of_another_size_are_refused(tmp_path: Path, start: Path) -> None:
    pack = write_people(tmp_path / "new", 4, 4)
    with pytest.raises(DatasetError, match="there are 1"):
        finetune(pack, np.arange(4), tmp_path / "run", toy_recipe(), start_from=start)
    large = np.zeros((16, 32, 32, 3), np.uint8)
    write_pack(tmp_path / "large", large, pack.items)

    with pytest.raises(DatasetError, match="32 pixels a side and the net takes 16"):
        finetune(
            CropPack(tmp_path / "large"), np.arange(16), tmp_path / "x", toy_recipe(),
            start_from=start,
        )  # fmt: skip


def test_shipped_weights_are_there() -> None:
    assert load_checkpoint(default_weights()).recipe.net.name == "lean"


def test_a_draw_keeps_trained_crops_probes_and_strangers_apart(tmp_path: Path) -> None:
    pack = write_people(tmp_path / "pack", 100, 9)

    rows, again, other = (draw_people(pack, seed, n_people=5) for seed in (1, 1, 2))

    def people(some: np.ndarray) -> list[str]:
        return [pack.items[row].person for row in some]

    used = np.concatenate([rows.trained, rows.probes, rows.strangers])
    assert pack.held_out[used].all()
    assert len(set(used.tolist())) == len(used)
    assert len(set(people(rows.trained))) == 5
    assert {people(rows.trained).count(person) for person in people(rows.trained)} == {5}
    assert {people(rows.probes).count(person) for person in people(rows.trained)} == {4}
    assert not set(people(rows.strangers)) & set(people(rows.trained))
    assert len(rows.strangers) == pack.held_out.sum() - 45
    assert (rows.trained == again.trained).all()
    assert (rows.probes == again.probes).all()
    assert set(people(rows.trained)) != set(people(other.trained))
    with pytest.raises(DatasetError, match="a draw needs 90"):
        draw_people(pack, 0, n_people=90)


def test_check_measures_before_and_after_and_goes_on(tmp_path: Path, start: Path) -> None:
    pack = write_people(tmp_path / "pack", 220, 9)
    arguments = (pack.folder, tmp_path / "out", toy_recipe())

    first = list(check_finetuning(*arguments, start_from=start, n_draws=1, n_people=4))
    second = list(check_finetuning(*arguments, start_from=start, n_draws=2, n_people=4))

    assert [draw.seed for draw in first + second] == [0, 1]
    assert read_draws(tmp_path / "out") == first + second
    rows = draw_people(pack, 1, n_people=4)
    for checkpoint, figures in (
        (start, (second[0].fnir_before, second[0].rank1_before)),
        (tmp_path / "out" / "run" / "last.pt", (second[0].fnir_after, second[0].rank1_after)),
    ):
        assert figures == pytest.approx(plain_figures(checkpoint, pack, rows))
    with pytest.raises(ConfigError, match="other settings"):
        list(check_finetuning(*arguments, start_from=start, old=True, n_people=4))


def plain_figures(checkpoint: Path, pack: CropPack, rows) -> tuple[float, float]:
    """FNIR at an FPIR of 1 % and rank-1: best of five crops a person, in plain loops."""
    used = np.concatenate([rows.trained, rows.probes, rows.strangers])
    vector_of = dict(zip(used, own_vectors(checkpoint, pack.crops[used]), strict=True))
    gallery = np.stack([vector_of[row] for row in rows.trained])
    owner = [pack.items[row].person for row in rows.trained]

    def best(row: int) -> tuple[float, str]:
        scores = gallery @ vector_of[row]
        return float(scores.max()), owner[int(scores.argmax())]

    strangers = sorted(best(row)[0] for row in rows.strangers)
    refused = strangers[-1 - int(0.01 * len(strangers))]
    found = [(*best(row), pack.items[row].person) for row in rows.probes]
    right = [name == truth for _, name, truth in found]
    missed = [name != truth or score <= refused for score, name, truth in found]
    return float(np.mean(missed)), float(np.mean(right))


def test_gain_is_paired_and_its_interval_covers_the_mean_change() -> None:
    before = [0.5, 0.1, 0.9, 0.3]

    same = gain(before, [value - 0.05 for value in before])
    mixed = gain(before, [0.3, 0.2, 0.5, 0.2])

    assert (same.low, same.high) == pytest.approx((-0.05, -0.05))
    assert mixed.after - mixed.before == pytest.approx(-0.15)
    assert -0.4 <= mixed.low < -0.15 < mixed.high <= 0.1


def test_summary_says_whether_lfw_was_kept() -> None:
    draws = [Draw(s, 0.4, 0.3, 0.9, 0.95, 0.98, 0.98 - loss, 60.0)
             for s, loss in enumerate([0.001, 0.0029])]  # fmt: skip

    text = summary(draws)

    assert "40.00 % before, 30.00 % after; change -10.00 points" in text
    assert "worst draw -0.29 points; the limit of -0.3 is kept" in text
    assert "interval -10.00 to -10.00 over 2 draws" in text
    assert "points; one draw has no interval" in summary(draws[:1])
    assert "is not kept" in summary([replace(draws[0], lfw_after=0.976)])
    assert "LFW" not in summary([replace(draws[0], lfw_before=None, lfw_after=None)])
