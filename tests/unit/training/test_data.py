"""Packs, splits, batches, augmentation, targets."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.training_packs import write_toy_pack
from training.data.augment import AugmentSettings, augment_batch, mix_batch, plain_batch
from training.data.batches import BatchSource, rows_of_step
from training.data.pack import CropPack, PackItem, is_held_out, pack_sources
from training.data.targets import joint_vectors, projection_to
from training.errors import DatasetError


def test_held_out_split_is_by_group_and_takes_about_a_fifth() -> None:
    kept = [is_held_out(f"family-{i}") for i in range(5000)]

    assert 0.18 < np.mean(kept) < 0.22
    assert PackItem("a", "x", "g", "1").is_held_out == PackItem("b", "y", "g", "2").is_held_out
    assert not PackItem("a", "", "", "1").is_held_out


def test_pack_sources_keeps_pixels_people_and_groups(tmp_path: Path) -> None:
    for name, value in [("F1_M1", 10), ("F1_M2", 20), ("bob", 30)]:
        (tmp_path / "src" / name).mkdir(parents=True)
        Image.new("RGB", (16, 16), (value, value, value)).save(tmp_path / "src" / name / "1.png")

    report = pack_sources([tmp_path / "src"], tmp_path / "pack", side_px=16)
    pack = CropPack(tmp_path / "pack")

    assert (report.n_crops, report.n_people, report.skipped) == (3, 3, ())
    assert [int(crop[0, 0, 0]) for crop in pack.crops] == [10, 20, 30]
    assert [item.group for item in pack.items] == ["src:F1", "src:F1", "src:bob"]


def write_images(folder: Path, *, side: int = 16) -> None:
    folder.mkdir(parents=True)
    Image.new("RGB", (side, side)).save(folder / "1.png")


def test_several_sources_share_their_people_where_that_is_said(tmp_path: Path) -> None:
    for name in ("a/7", "b/7", "c/7", "loose"):
        write_images(tmp_path / name)

    pack_sources(
        [tmp_path / name for name in ("a", "b", "c", "loose")],
        tmp_path / "pack",
        side_px=16,
        same_people=["a", "c"],
    )

    items = CropPack(tmp_path / "pack").items
    assert [item.group for item in items] == ["a:7", "b:7", "a:7", ""]
    assert [item.source for item in items] == ["a", "b", "c", "loose"]


def test_crops_of_two_sizes_make_no_pack(tmp_path: Path) -> None:
    write_images(tmp_path / "a" / "x")
    write_images(tmp_path / "b" / "x", side=20)

    with pytest.raises(DatasetError, match=r"20 x 20 pixels .* facerec align"):
        pack_sources([tmp_path / "a", tmp_path / "b"], tmp_path / "pack", side_px=16)


def test_pack_refuses_missing_empty_and_torn_folders(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no training pack"):
        CropPack(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no image"):
        pack_sources([tmp_path / "empty"], tmp_path / "p")
    pack = write_toy_pack(tmp_path / "torn")
    lines = (pack.folder / "items.jsonl").read_text().splitlines()
    (pack.folder / "items.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(DatasetError, match="80 crops and 79 items"):
        CropPack(pack.folder)


def test_one_pass_shows_each_crop_at_most_once_and_the_next_pass_another_order() -> None:
    rows = np.arange(100, 150)

    first = np.concatenate([rows_of_step(rows, s, batch_size=8, seed=1) for s in range(6)])
    second = np.concatenate([rows_of_step(rows, s, batch_size=8, seed=1) for s in range(6, 12)])

    assert len(set(first)) == 48
    assert set(first) <= set(rows)
    assert list(first) != list(second)


def test_rows_of_a_step_do_not_depend_on_the_steps_asked_for_before() -> None:
    rows = np.arange(100, 150)  # (six batches of eight a pass)

    for step in (7, 0, 12, 3, 7):
        order = np.random.default_rng([5, step // 6]).permutation(50)
        expected = rows[order[step % 6 * 8 :][:8]]
        np.testing.assert_array_equal(rows_of_step(rows, step, batch_size=8, seed=5), expected)


def test_stream_equals_single_batches_from_any_step(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path)
    source = BatchSource(pack, np.arange(80), AugmentSettings(), batch_size=8, seed=3)

    streamed = list(source.stream(5, 9))

    assert [step for step, _, _ in streamed] == [5, 6, 7, 8]
    for step, rows, crops in streamed:
        expected_rows, expected_crops = source.make(step)
        assert np.array_equal(rows, expected_rows)
        assert np.array_equal(crops, expected_crops)


def test_stream_hands_on_an_error_of_its_thread(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path)
    source = BatchSource(pack, np.arange(1000), AugmentSettings(), batch_size=500, seed=3)

    with pytest.raises(IndexError):
        list(source.stream(0, 1))


def test_augmentation_off_changes_nothing() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)
    off = AugmentSettings(
        *([0] * 6), downscale_share=0, blur_share=0, jpeg_share=0, occlusion_share=0, grey_share=0
    )

    result = augment_batch(crops, off, np.random.default_rng(1))

    np.testing.assert_allclose(result, plain_batch(crops), atol=1e-6)


def test_mirror_alone_is_the_exact_mirror_image() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    mirror = AugmentSettings(
        1,
        0,
        0,
        0,
        0,
        0,
        downscale_share=0,
        blur_share=0,
        jpeg_share=0,
        occlusion_share=0,
        grey_share=0,
    )

    result = augment_batch(crops, mirror, np.random.default_rng(1))

    np.testing.assert_allclose(result, plain_batch(crops[:, :, ::-1]), atol=1e-6)


def test_every_effect_keeps_shape_and_range() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (16, 112, 112, 3)).astype(np.uint8)
    everything = AugmentSettings(
        downscale_share=1, blur_share=1, jpeg_share=1, occlusion_share=1, grey_share=1
    )

    result = augment_batch(crops, everything, np.random.default_rng(1))

    assert result.shape == crops.shape
    assert result.dtype == np.float32
    assert result.min() >= -1
    assert result.max() <= 1


def unit(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    vectors = rng.standard_normal((n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_joint_cosine_is_the_weighted_mean_of_the_teachers_cosines() -> None:
    rng = np.random.default_rng(0)
    a, b = unit(rng, 6, 5), unit(rng, 6, 9)

    joint = joint_vectors([a, b], [1.0, 0.5])

    expected = (1.0 * a @ a.T + 0.25 * b @ b.T) / 1.25
    np.testing.assert_allclose(joint @ joint.T, expected, atol=1e-6)


def test_narrow_targets_keep_every_inner_product() -> None:
    joint = unit(np.random.default_rng(0), 10, 6)

    lifted = joint @ projection_to(joint, 16)

    assert lifted.shape == (10, 16)
    np.testing.assert_allclose(lifted @ lifted.T, joint @ joint.T, atol=1e-6)


def test_wide_targets_lose_nothing_when_they_lie_in_few_dimensions() -> None:
    rng = np.random.default_rng(0)
    joint = unit(rng, 50, 8) @ np.linalg.qr(rng.standard_normal((20, 20)))[0][:8].astype(np.float32)

    reduced = joint @ projection_to(joint, 8)

    np.testing.assert_allclose(reduced @ reduced.T, joint @ joint.T, atol=1e-5)


def test_mixtures_lie_between_two_crops_of_the_batch() -> None:
    batch = np.random.default_rng(0).uniform(-1, 1, (64, 4, 4, 3)).astype(np.float32)

    mixed = mix_batch(batch, 0.5, np.random.default_rng(1))

    changed = ~(mixed == batch).all(axis=(1, 2, 3))
    assert 20 <= changed.sum() <= 44
    for crop in mixed[changed][:5]:
        # Least squares over all pairs: one pair explains the mixture without a rest.
        rests = []
        for one in batch:
            for other in batch:
                step = (one - other).ravel()
                factor = step @ (crop - other).ravel() / max(float(step @ step), 1e-9)
                rests.append(np.abs(other + factor * (one - other) - crop).max())
        assert min(rests) < 1e-5
    assert mix_batch(batch, 0.0, np.random.default_rng(1)) is batch
