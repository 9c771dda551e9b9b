"""A whole run on a toy pack: learns, keeps to its recipe, stops on divergence."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from facerec.errors import Cancelled, ConfigError, DeviceError
from tests.helpers.stop_at import StopAt
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.data.augment import AugmentSettings
from training.data.batches import BatchSource
from training.errors import CheckpointError, DatasetError, DivergedError
from training.nets.lean import LeanNet, WholeMapConvolution
from training.optimizers import parameter_groups
from training.recipe import Recipe, recipe_from_table
from training.step import resolve_precision, train_step
from training.train import build_net, train, trainable_rows


def toy_recipe(**loop: object) -> Recipe:
    return recipe_from_table(TOY_RECIPE | {"loop": TOY_RECIPE["loop"] | loop})


def events(run_dir: Path, kind: str) -> list[dict[str, object]]:
    lines = (run_dir / "log.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["event"] == kind]


def test_loss_falls_and_held_out_figures_are_logged(tmp_path: Path) -> None:
    write_toy_pack(tmp_path / "pack")

    table = TOY_RECIPE | {
        "loop": TOY_RECIPE["loop"]
        | {"steps": 60, "batch_size": 16, "evaluate_every": 60, "checkpoint_every": 10},
        "optimizer": {"warmup_steps": 2, "learning_rate": 2e-2},
        "augment": {"gain": 0.0, "offset": 0.0, "grey_share": 0.0},
    }

    train(recipe_from_table(table), tmp_path / "pack", tmp_path / "run")

    losses = [entry["loss"] for entry in events(tmp_path / "run", "progress")]
    assert losses[-1] < 0.8 * losses[0]
    (figures,) = events(tmp_path / "run", "held_out")
    assert figures["source"] == "toy"
    assert figures["step"] == 60


def test_automatic_precision_is_settled_once_for_the_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toy_pack(tmp_path / "pack")
    monkeypatch.setattr("training.step._cpu_has_bf16", lambda: True)
    monkeypatch.setattr("training.step._trial_seconds", lambda p: float(p == torch.bfloat16))
    recipe = toy_recipe(precision="auto")
    with pytest.raises(Cancelled):
        train(recipe, tmp_path / "pack", tmp_path / "run", task=StopAt(3))
    monkeypatch.setattr("training.step._trial_seconds", lambda p: float(p == torch.float32))

    last = train(recipe, tmp_path / "pack", tmp_path / "run", resume=True)

    assert load_checkpoint(last).recipe.loop.precision == "f32"


def test_started_run_is_not_overwritten_and_another_recipe_is_not_resumed(tmp_path: Path) -> None:
    write_toy_pack(tmp_path / "pack")
    train(toy_recipe(steps=2), tmp_path / "pack", tmp_path / "run")

    with pytest.raises(CheckpointError, match="--resume"):
        train(toy_recipe(steps=2), tmp_path / "pack", tmp_path / "run")
    with pytest.raises(CheckpointError, match="another recipe"):
        train(toy_recipe(steps=4), tmp_path / "pack", tmp_path / "run", resume=True)


def test_run_starts_from_given_weights(tmp_path: Path) -> None:
    write_toy_pack(tmp_path / "pack")
    first = train(toy_recipe(steps=2), tmp_path / "pack", tmp_path / "a")

    frozen = recipe_from_table(
        TOY_RECIPE
        | {"loop": TOY_RECIPE["loop"] | {"steps": 1}, "optimizer": {"learning_rate": 0.0}}
    )
    second = train(frozen, tmp_path / "pack", tmp_path / "b", start_from=first)

    a, b = load_checkpoint(first).average, load_checkpoint(second).net
    assert torch.equal(a["stages.0.0.weight"], b["stages.0.0.weight"])


def test_missing_targets_and_too_few_crops_are_said(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack")

    with pytest.raises(DatasetError, match="a batch needs 500"):
        train(toy_recipe(batch_size=500), pack.folder, tmp_path / "run")
    np.save(pack.folder / "targets.npy", np.zeros((3, 16), np.float16))
    with pytest.raises(DatasetError, match="80 crops and 3 targets"):
        train(toy_recipe(), pack.folder, tmp_path / "run")
    (pack.folder / "targets.npy").unlink()
    with pytest.raises(DatasetError, match="no targets"):
        train(toy_recipe(), pack.folder, tmp_path / "run")


def test_excluded_and_held_out_rows_are_never_trained_on(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    (pack.folder / "excluded.txt").write_text("0\n5\n")

    rows = set(trainable_rows(pack))

    assert not rows & {0, 5}
    assert not rows & set(np.flatnonzero(pack.held_out))
    assert len(rows) + len({0, 5} | set(np.flatnonzero(pack.held_out))) == len(pack)


def test_absent_device_is_an_error_not_a_change_of_device(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("This machine has a CUDA device.")
    write_toy_pack(tmp_path / "pack")

    with pytest.raises(DeviceError, match="no CUDA device"):
        train(toy_recipe(device="cuda"), tmp_path / "pack", tmp_path / "run")


def test_diverged_loss_stops_before_the_weights_change() -> None:
    net = build_net(toy_recipe().net)
    optimizer = torch.optim.AdamW(parameter_groups(net, 0.05), lr=1e-3)
    before = {name: value.clone() for name, value in net.named_parameters()}
    crops = torch.full((4, 3, 32, 32), math.nan)

    with pytest.raises(DivergedError, match="step 17"):
        train_step(
            net,
            lambda embeddings, _: embeddings.square().mean(),
            optimizer,
            crops,
            precision=torch.float32,
            clip_norm=1,
            step=17,
        )

    for name, value in net.named_parameters():
        assert torch.equal(value, before[name])


def test_lean_net_shape_and_size() -> None:
    net = LeanNet(widths=(32, 48, 96, 192), blocks=(0, 2, 3, 1)).eval()

    with torch.no_grad():
        vectors = net(torch.zeros(2, 3, 112, 112))

    assert vectors.shape == (2, 512)
    # By hand: 3x3 convolutions 27*32 + 9*(32*48 + 4*48^2 + 48*96 + 6*96^2 + 96*192 + 2*192^2),
    # head 192*512 + 49*512 + 512*512, and 2 a channel of norm.
    convolutions = 27 * 32 + 9 * (32 * 48 + 4 * 48**2 + 48 * 96 + 6 * 96**2 + 96 * 192 + 2 * 192**2)
    norms = 2 * (32 + 48 * 5 + 96 * 7 + 192 * 3 + 512 * 3)
    head = 192 * 512 + 49 * 512 + 512 * 512
    assert sum(p.numel() for p in net.parameters()) == convolutions + head + norms


@pytest.mark.parametrize("training", [True, False])
def test_whole_map_convolution_equals_a_plain_one_and_keeps_its_sum_on_small_maps(
    training: bool,
) -> None:
    layer = WholeMapConvolution(3, 7).train(training)
    full, small = torch.randn(2, 3, 7, 7), torch.ones(2, 3, 4, 4)

    with torch.no_grad():
        outputs, small_outputs = layer(full), layer(small)
        weight = layer.weight[:, 0]

    assert torch.allclose(outputs, (full * weight).sum(dim=(2, 3)), atol=1e-5)
    averaged = (
        torch.stack(
            [
                weight[
                    :, i * 7 // 4 : -(-(i + 1) * 7 // 4), j * 7 // 4 : -(-(j + 1) * 7 // 4)
                ].mean(dim=(1, 2))
                for i in range(4)
                for j in range(4)
            ]
        ).sum(dim=0)
        * 49
        / 16
    )
    assert torch.allclose(small_outputs, averaged.expand(2, 3), atol=1e-5)


def test_first_part_of_a_run_sees_small_crops(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path)
    source = BatchSource(
        pack,
        np.arange(80),
        AugmentSettings(),
        batch_size=4,
        seed=0,
        small_side_px=16,
        small_steps=2,
    )

    sides = [crops.shape[1] for _, _, crops in source.stream(0, 4)]

    assert sides == [16, 16, 32, 32]


def test_precision_names() -> None:
    assert resolve_precision("bf16", "cpu") == torch.bfloat16
    assert resolve_precision("f32", "cpu") == torch.float32
    assert resolve_precision("auto", "cpu") in (torch.bfloat16, torch.float32)
    with pytest.raises(ConfigError, match="fp8"):
        resolve_precision("fp8", "cpu")


def test_damaged_and_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_checkpoint(tmp_path / "none.pt")
    (tmp_path / "noise.pt").write_bytes(b"noise")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path / "noise.pt")
    torch.save({"schema": 99}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="of this version"):
        load_checkpoint(tmp_path / "other.pt")


def test_full_disk_leaves_the_last_checkpoint_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = build_net(toy_recipe().net)
    state = Checkpoint(toy_recipe(), 1, net.state_dict(), net.state_dict(), {})
    save_checkpoint(tmp_path / "last.pt", state)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.checkpoint.os.fsync", full)
    state.step = 2
    with pytest.raises(CheckpointError, match="No space left"):
        save_checkpoint(tmp_path / "last.pt", state)

    assert load_checkpoint(tmp_path / "last.pt").step == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]
