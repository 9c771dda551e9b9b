"""Teachers: live targets against written ones, and crops that stay out of training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.errors import ConfigError
from tests.helpers.fakes import write_toy_model
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.data.augment import plain_batch
from training.data.live_teacher import LiveTeacher
from training.data.overlap import best_cosine, write_excluded
from training.data.pack import CropPack
from training.data.targets import Teacher, cached_teacher_vectors, write_targets
from training.errors import DatasetError
from training.recipe import recipe_from_table
from training.train import train

SIDE = 112


@pytest.fixture
def pack(tmp_path: Path) -> CropPack:
    return write_toy_pack(tmp_path / "pack", n_people=12, per_person=3, side=SIDE)


@pytest.fixture
def teacher(tmp_path: Path) -> Teacher:
    graph = write_toy_model(tmp_path / "teacher")
    return Teacher(str(graph), 1.0, "BGR", (120.0, 110.0, 100.0), (60.0, 61.0, 62.0), mirror=False)


def test_live_targets_of_clean_crops_are_the_written_ones(pack: CropPack, teacher: Teacher) -> None:
    write_targets(pack, [teacher], dimension=32)
    live = LiveTeacher(pack, [teacher], batch_size=8, dimension=32)

    targets = live.look(plain_batch(pack.crops[:8])).targets

    written = np.load(pack.folder / "targets.npy")[:8].astype(np.float32)
    # (teachers may compute in bf16 where the processor can)
    assert (targets * written).sum(axis=1).min() > 0.999


def test_a_teacher_that_sees_the_mirror_image_says_the_same_of_both(
    pack: CropPack, teacher: Teacher
) -> None:
    both = replace(teacher, mirror=True)
    write_targets(pack, [both], dimension=32)
    live = LiveTeacher(pack, [both], batch_size=8, dimension=32)
    crops = plain_batch(pack.crops[:8])

    targets = live.look(crops).targets
    mirrored = live.look(np.ascontiguousarray(crops[:, :, ::-1])).targets

    written = np.load(pack.folder / "targets.npy")[:8].astype(np.float32)
    assert live.is_mirrored
    assert (targets * written).sum(axis=1).min() > 0.999
    assert (targets * mirrored).sum(axis=1).min() > 0.9999


def test_the_leading_directions_are_the_principal_ones(pack: CropPack, teacher: Teacher) -> None:
    write_targets(pack, [teacher], dimension=32)
    all_of_it = LiveTeacher(pack, [teacher], batch_size=8, dimension=32)
    few = LiveTeacher(pack, [teacher], batch_size=8, dimension=32, directions=3)
    crops = plain_batch(pack.crops[:8])

    learnt = np.load(pack.folder / "targets.npy")[~pack.held_out].astype(np.float64)
    basis = np.linalg.svd(learnt, full_matrices=False)[2][:3]
    expected = all_of_it.look(crops).targets @ basis.T @ basis
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)

    np.testing.assert_allclose(few.look(crops).targets, expected, atol=1e-4)


def test_a_teacher_that_sees_the_mirror_image_gives_no_hints(
    pack: CropPack, teacher: Teacher
) -> None:
    write_targets(pack, [teacher], dimension=32)
    with pytest.raises(ConfigError, match="mirror image"):
        LiveTeacher(
            pack,
            [replace(teacher, mirror=True, hints=("cells",))],
            batch_size=8,
            dimension=32,
        )


def test_live_teachers_must_be_those_of_the_pack(pack: CropPack, teacher: Teacher) -> None:
    with pytest.raises(DatasetError, match="no targets"):
        LiveTeacher(pack, [teacher], batch_size=8, dimension=32)
    write_targets(pack, [teacher], dimension=32)
    with pytest.raises(DatasetError, match="other teachers"):
        LiveTeacher(pack, [teacher, teacher], batch_size=8, dimension=32)
    with pytest.raises(DatasetError, match="other teachers"):
        LiveTeacher(pack, [teacher], batch_size=8, dimension=64)


def test_teacher_vectors_are_made_once(pack: CropPack, teacher: Teacher) -> None:
    first = cached_teacher_vectors(pack, teacher)
    Path(teacher.file).unlink()

    assert (cached_teacher_vectors(pack, teacher) == first).all()


def live_table(teacher: Teacher, **distill: object) -> dict[str, object]:
    return TOY_RECIPE | {
        "net": TOY_RECIPE["net"] | {"crop_size_px": SIDE},
        "distill": {"live": True, "mix_share": 0.3} | distill,
        "teacher": [
            {
                "file": teacher.file,
                "weight": 1.0,
                "colour": "BGR",
                "mean": list(teacher.mean),
                "std": list(teacher.std),
                "mirror": False,
            }
        ],
    }


def test_a_run_with_live_teachers_goes_through(
    pack: CropPack, teacher: Teacher, tmp_path: Path
) -> None:
    recipe = recipe_from_table(live_table(teacher))
    write_targets(pack, recipe.teacher, dimension=16)

    assert train(recipe, pack.folder, tmp_path / "run").exists()


def test_live_teachers_want_full_sized_crops(
    pack: CropPack, teacher: Teacher, tmp_path: Path
) -> None:
    table = live_table(teacher)
    table["loop"] = TOY_RECIPE["loop"] | {"small_fraction": 0.5}

    with pytest.raises(ConfigError, match="full-sized"):
        train(recipe_from_table(table), pack.folder, tmp_path / "run")


def test_mixtures_without_live_teachers_are_refused(teacher: Teacher) -> None:
    with pytest.raises(ConfigError, match="Mixtures"):
        recipe_from_table(live_table(teacher, live=False))


def test_best_cosine_is_that_of_the_plain_loop() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((n, 7)).astype(np.float32) for n in (30, 11))

    expected = [max(float(x @ y) for y in b) for x in a]

    np.testing.assert_allclose(best_cosine(a, b), expected, rtol=1e-5)


def test_crops_near_the_evaluation_set_stay_out(
    pack: CropPack, teacher: Teacher, tmp_path: Path
) -> None:
    near = tmp_path / "near" / "someone"
    near.mkdir(parents=True)
    Image.fromarray(pack.crops[4]).save(near / "1.png")

    counts = write_excluded(pack, teacher, tmp_path / "near")

    rows = np.loadtxt(pack.folder / "excluded.txt", dtype=int, ndmin=1)
    assert 4 in rows
    assert counts.total == len(rows) == counts.near
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no image"):
        write_excluded(pack, teacher, tmp_path / "empty")


def test_without_an_evaluation_set_nothing_labelled_is_excluded(
    pack: CropPack, teacher: Teacher
) -> None:
    assert write_excluded(pack, teacher, None).total == 0
