"""Hints: inner maps of teachers as a loss, and views that several steps learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from facerec.errors import Cancelled, ConfigError
from tests.helpers.fakes import write_toy_model
from tests.helpers.stop_at import StopAt
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.checkpoint import load_checkpoint
from training.data.augment import AugmentSettings
from training.data.batches import BatchSource
from training.data.live_teacher import Looks
from training.data.pack import CropPack
from training.data.targets import write_targets
from training.data.views import Views, stream_views
from training.errors import DatasetError
from training.hints import InnerMaps, hint_channels, shapes_of_maps
from training.losses.hints import HintLoss
from training.recipe import Recipe, recipe_from_table
from training.train import build_net, train

SIDE = 112


def plain_loop_loss(loss: HintLoss, own: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    """Spell the equation out, one number at a time, in float64."""
    total = 0.0
    for view, seen, wanted in zip(loss.views, own, theirs, strict=True):
        weight = view.weight.detach().double().numpy()[:, :, 0, 0]
        bias = view.bias.detach().double().numpy()
        a, t = seen.detach().double().numpy(), wanted.double().numpy()
        squares = []
        for c in range(t.shape[1]):
            spread = max(float(np.sqrt(np.mean((t[:, c] - t[:, c].mean()) ** 2))), 1e-3)
            for b, y, x in np.ndindex(t.shape[0], *t.shape[2:]):
                shown = float(weight[c] @ a[b, :, y, x]) + float(bias[c])
                squares.append(((shown - t[b, c, y, x]) / spread) ** 2)
        total += float(np.mean(squares))
    return total / len(own)


def some_maps(seed: int = 0) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    rng = torch.Generator().manual_seed(seed)
    own = [torch.randn(3, 4, 5, 5, generator=rng), torch.randn(3, 6, 2, 2, generator=rng)]
    theirs = [torch.randn(3, 7, 5, 5, generator=rng), 9 * torch.randn(3, 2, 2, 2, generator=rng)]
    return own, theirs


def test_loss_is_that_of_the_plain_loop() -> None:
    own, theirs = some_maps()
    loss = HintLoss([(4, 7), (6, 2)])

    assert loss(own, theirs).item() == pytest.approx(plain_loop_loss(loss, own, theirs), rel=1e-5)


def test_gradient_is_right_in_double_precision() -> None:
    own, theirs = ([m.double() for m in maps] for maps in some_maps())
    loss = HintLoss([(4, 7), (6, 2)]).double()
    loss(own, theirs)  # (the spread is measured once)

    assert torch.autograd.gradcheck(
        lambda a, b: loss([a, b], theirs), [m.requires_grad_() for m in own]
    )


def test_spread_stays_that_of_the_first_batch() -> None:
    own, theirs = some_maps()
    loss = HintLoss([(4, 7), (6, 2)])
    loss(own, theirs)
    spread = loss.spread_1.clone()

    loss(own, [100 * m for m in theirs])

    assert torch.equal(loss.spread_1, spread)
    assert spread.min() > 1


def test_channel_that_never_moves_and_half_precision_stay_finite() -> None:
    own, theirs = some_maps()
    theirs[1][:] = 3.0
    loss = HintLoss([(4, 7), (6, 2)])

    value = loss([m.bfloat16().requires_grad_() for m in own], theirs)
    value.backward()

    assert torch.isfinite(value)
    assert all(torch.isfinite(p.grad).all() for p in loss.parameters())


def lean_net() -> torch.nn.Module:
    return build_net(recipe_from_table(TOY_RECIPE).net)


def test_inner_maps_are_those_of_the_latest_call() -> None:
    net = lean_net().eval()
    inner = InnerMaps(net, ["stages.4", "stages.1"])
    crops = torch.rand(2, 3, 32, 32)

    net(torch.rand(2, 3, 32, 32))
    net(crops)

    assert torch.equal(inner.maps[0], net.stages[:5](crops))
    assert torch.equal(inner.maps[1], net.stages[:2](crops))


def test_shapes_and_pairs_of_maps() -> None:
    net = lean_net()
    shapes = shapes_of_maps(net, ["stages.4", "stages.8"], 32)

    assert shapes == [(4, 8, 8), (8, 2, 2)]
    assert net.training
    assert hint_channels(shapes, [[(9, 8, 8), (5, 2, 2)], [], [(1, 8, 8), (2, 2, 2)]]) == [
        (4, 9),
        (8, 5),
        (4, 1),
        (8, 2),
    ]


@pytest.mark.parametrize("theirs", [[(9, 7, 8), (5, 2, 2)], [(9, 8, 8)]])
def test_maps_that_do_not_lie_on_each_other_are_refused(
    theirs: list[tuple[int, int, int]],
) -> None:
    with pytest.raises(ConfigError, match="do not lie on each other"):
        hint_channels([(4, 8, 8), (8, 2, 2)], [theirs])


@pytest.mark.parametrize(
    ("name", "words"), [("stages.44", "no part"), ("head.5", "no map"), ("", "no part")]
)
def test_parts_without_maps_are_refused(name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        shapes_of_maps(lean_net(), [name], 32)


def source_of(pack: CropPack) -> BatchSource:
    return BatchSource(pack, np.arange(len(pack)), AugmentSettings(), batch_size=8, seed=3)


def look(rows: np.ndarray, crops: np.ndarray) -> Looks:
    """What a teacher says that can be told from every other view."""
    sums = crops.sum(axis=(1, 2, 3))
    return Looks(sums[:, None], (np.repeat(sums, 4).reshape(-1, 1, 2, 2),))


def views_of(pack: CropPack, first: int, last: int, looks: int) -> list[tuple[int, Views]]:
    return list(
        stream_views(source_of(pack), look, first, last, looks=looks, kept_batches=4, seed=5)
    )


def test_one_look_shows_what_the_source_makes(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    plain = list(source_of(pack).stream(2, 6))

    for (step, rows, crops), (own_step, views) in zip(plain, views_of(pack, 2, 6, 1), strict=True):
        assert step == own_step
        assert (rows == views.rows).all()
        assert (crops == views.crops).all()


def test_each_view_is_looked_at_as_often_as_asked_and_stays_with_its_answer(
    tmp_path: Path,
) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    steps = views_of(pack, 0, 24, looks=3)

    assert [step for step, _ in steps] == list(range(24))
    for block in (steps[:12], steps[12:]):
        seen = np.concatenate([views.looks.targets[:, 0] for _, views in block])
        assert set(np.unique(seen, return_counts=True)[1]) == {3}
    for _, views in steps:
        sums = views.crops.sum(axis=(1, 2, 3))
        np.testing.assert_array_equal(views.looks.targets[:, 0], sums)
        np.testing.assert_array_equal(views.looks.maps[0][:, 0, 1, 1], sums)
        assert len(views.rows) == 8
    # A later turn mixes the batches of the first.
    first = [set(views.looks.targets[:, 0]) for _, views in steps[:4]]
    assert set(steps[4][1].looks.targets[:, 0]) not in first


def test_every_second_turn_shows_mirror_images_with_the_same_answers(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    stream = stream_views(
        source_of(pack),
        lambda _, crops: Looks(crops.reshape(len(crops), -1)),
        0,
        16,
        looks=4,
        kept_batches=4,
        is_mirrored=True,
        seed=5,
    )

    for step, views in stream:
        as_asked = views.looks.targets.reshape(views.crops.shape)
        shown = as_asked[:, :, ::-1] if step // 4 % 2 else as_asked
        np.testing.assert_array_equal(views.crops, shown)


@pytest.mark.parametrize("first", [1, 4, 7, 12, 14, 23])
def test_views_are_a_function_of_the_step(tmp_path: Path, first: int) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    whole = views_of(pack, 0, 26, looks=3)[first:]

    for (step, views), (own_step, own) in zip(whole, views_of(pack, first, 26, 3), strict=True):
        assert step == own_step
        assert (views.rows == own.rows).all()
        assert (views.crops == own.crops).all()


def recipe_with_hints(folder: Path, hint: str = "cells", **distill: object) -> Recipe:
    teacher = {
        "file": str(write_toy_model(folder / "teacher")),
        "weight": 1.0,
        "colour": "RGB",
        "mean": [120.0, 110.0, 100.0],
        "std": [60.0, 61.0, 62.0],
        "mirror": False,
        "hints": [hint],
    }
    settings = {"live": True, "mix_share": 0.3, "looks": 2, "kept_batches": 2}
    return recipe_from_table(
        TOY_RECIPE
        | {
            "net": TOY_RECIPE["net"] | {"crop_size_px": SIDE},
            "distill": settings | {"hints": ["stages.8"], "hint_weight": 0.5} | distill,
            "teacher": [teacher],
        }
    )


@pytest.fixture
def pack(tmp_path: Path) -> CropPack:
    return write_toy_pack(tmp_path / "pack", n_people=12, per_person=3, side=SIDE)


@pytest.mark.parametrize("stop", [3, 5])
def test_a_resumed_run_with_hints_equals_the_unbroken_one(
    pack: CropPack, tmp_path: Path, stop: int
) -> None:
    recipe = recipe_with_hints(tmp_path)
    write_targets(pack, recipe.teacher, dimension=16)
    whole = load_checkpoint(train(recipe, pack.folder, tmp_path / "whole"))
    with pytest.raises(Cancelled):
        train(recipe, pack.folder, tmp_path / "broken", task=StopAt(stop))

    resumed = load_checkpoint(train(recipe, pack.folder, tmp_path / "broken", resume=True))

    assert {"hints.views.0.weight", "hints.spread_0"} <= set(whole.objective)
    for name, value in (whole.net | whole.objective).items():
        assert torch.equal(value, (resumed.net | resumed.objective)[name]), name


def test_hints_change_what_is_learnt(pack: CropPack, tmp_path: Path) -> None:
    recipe = recipe_with_hints(tmp_path)
    write_targets(pack, recipe.teacher, dimension=16)
    with_hints = load_checkpoint(train(recipe, pack.folder, tmp_path / "a"))
    without = recipe_with_hints(tmp_path, hint_weight=0.0)

    weights = load_checkpoint(train(without, pack.folder, tmp_path / "b")).net

    assert not torch.equal(weights["stages.0.0.weight"], with_hints.net["stages.0.0.weight"])


def test_a_teacher_without_such_a_map_is_named(pack: CropPack, tmp_path: Path) -> None:
    recipe = recipe_with_hints(tmp_path, hint="cell")
    write_targets(pack, recipe.teacher, dimension=16)

    with pytest.raises(DatasetError, match="no inner map 'cell'"):
        train(recipe, pack.folder, tmp_path / "run")


@pytest.mark.parametrize(
    ("distill", "words"),
    [({"live": False, "mix_share": 0.0}, "look at each view"), ({"looks": 0}, "once or more")],
)
def test_settings_that_cannot_be_are_refused(
    tmp_path: Path, distill: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        recipe_with_hints(tmp_path, **distill)


def test_batches_of_people_are_not_dealt_out_anew(pack: CropPack, tmp_path: Path) -> None:
    recipe = recipe_from_table(
        {
            **TOY_RECIPE,
            "distill": {"live": True, "looks": 2},
            "metric": {"name": "triplet", "people": 4, "images": 2},
        }
    )

    with pytest.raises(ConfigError, match="dealt out anew"):
        train(recipe, pack.folder, tmp_path / "run")
