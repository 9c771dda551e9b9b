"""Augmentation: settled views stay what they are, each effect equals an independent one."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from facerec.errors import ConfigError
from training.data.augment import (
    AugmentSettings,
    augment_batch,
    enlarged,
    mix_batch,
    shift_colour,
    turn_hue,
)

# Mean of each view of 24 crops by the default settings, and of the small and the mixed views. A run
# that is resumed with a newer version must see the views it would have seen.
VIEW_MEANS = [
    [0.2758, -0.2610, 0.3555, 0.0123, 0.5352, 0.0882, -0.3425, 0.0909],
    [-0.0642, -0.2095, -0.0819, 0.0096, -0.0081, 0.4504, -0.4796, -0.3210],
    [0.0342, 0.3019, 0.2145, -0.4378, 0.2372, -0.1303, -0.1465, 0.2041],
]
VIEW_SPREADS = [
    [0.6057, 0.4873, 0.5131, 0.5106, 0.3572, 0.5425, 0.4176, 0.5148],
    [0.5818, 0.3797, 0.2890, 0.6614, 0.3720, 0.4016, 0.2301, 0.3409],
    [0.6312, 0.4790, 0.3528, 0.5028, 0.4752, 0.4421, 0.2319, 0.5906],
]


def coarse_noise() -> np.ndarray:
    crops = np.random.default_rng(0).integers(0, 256, (24, 28, 28, 3)).astype(np.uint8)
    return crops.repeat(4, axis=1).repeat(4, axis=2)


def test_views_of_the_default_settings_stay_what_they_are() -> None:
    rng = np.random.default_rng([5, 1, 77])
    full = augment_batch(coarse_noise(), AugmentSettings(), rng)
    small = augment_batch(coarse_noise(), AugmentSettings(), rng, side_px=64)
    mixed = mix_batch(full, 0.5, rng)

    # (Not a checksum of all bits: OpenCV rounds differently on processors without AVX2.)
    np.testing.assert_allclose(full.mean(axis=(1, 2, 3)), np.ravel(VIEW_MEANS), atol=2e-4)
    np.testing.assert_allclose(full.std(axis=(1, 2, 3)), np.ravel(VIEW_SPREADS), atol=2e-4)
    np.testing.assert_allclose([small.mean(), mixed.mean()], [0.0518, 0.0182], atol=2e-4)


OFF = {field.name: 0 for field in dataclasses.fields(AugmentSettings)} | {
    "downscale_min_px": 20,
    "occlusion_max_px": 50,
}


def smooth(n: int = 6, side: int = 112) -> np.ndarray:
    """Crops without fine grain, all values in the middle of the range."""
    coarse = np.random.default_rng(3).integers(80, 170, (n, 6, 6, 3)).astype(np.uint8)
    return np.stack([cv2.resize(c, (side, side), interpolation=cv2.INTER_LINEAR) for c in coarse])


def views(seed: int = 0, **settings: float) -> np.ndarray:
    """The smooth crops under one effect, as float grey levels."""
    rng = np.random.default_rng(seed)
    return augment_batch(smooth(), AugmentSettings(**(OFF | settings)), rng) * 127.5 + 127.5


def as_tensor(crop: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(crop).permute(2, 0, 1).float() / 255


def as_levels(image: torch.Tensor) -> np.ndarray:
    return (image.permute(1, 2, 0) * 255).numpy()


@pytest.mark.parametrize(
    ("brightness", "contrast", "saturation"),
    [(1.2, 1.0, 1.0), (1.0, 0.6, 1.0), (1.0, 1.0, 1.5), (0.9, 1.2, 0.3)],
)
def test_colour_shift_equals_torchvision(
    brightness: float, contrast: float, saturation: float
) -> None:
    for crop in smooth():
        expected = functional.adjust_brightness(as_tensor(crop), brightness)
        expected = functional.adjust_contrast(expected, contrast)
        expected = functional.adjust_saturation(expected, saturation)

        shifted = shift_colour(crop, brightness, contrast, saturation, pca_weights=np.zeros(3))

        np.testing.assert_allclose(shifted, as_levels(expected), atol=1)


@pytest.mark.parametrize("turns", [-0.5, -0.13, 0.0, 0.25, 0.4])
def test_hue_equals_torchvision(turns: float) -> None:
    for crop in smooth():
        expected = as_levels(functional.adjust_hue(as_tensor(crop), turns))

        np.testing.assert_allclose(turn_hue(crop, turns), expected, atol=4)


def test_pca_colour_shifts_every_pixel_by_the_weighted_axes() -> None:
    axes = [(-0.5675, -0.5808, -0.5836), (0.7192, -0.0045, -0.6948), (0.4009, -0.8140, 0.4203)]
    weights = np.array([0.4, -1.0, 2.0])
    shift = [0.0, 0.0, 0.0]
    for axis, variance, weight in zip(axes, (0.2175, 0.0188, 0.0045), weights, strict=True):
        shift = [a + 255 * weight * variance * b for a, b in zip(shift, axis, strict=True)]

    for crop in smooth():
        shifted = shift_colour(crop, 1, 1, 1, pca_weights=weights)

        np.testing.assert_allclose(shifted, crop + np.array(shift), atol=0.6)
    np.testing.assert_allclose(np.array(axes) @ np.array(axes).T, np.eye(3), atol=2e-4)


def test_random_crop_equals_torchvision() -> None:
    plain = np.eye(2, 3)
    for crop, (left, top, size) in zip(smooth(), [(0, 0, 112), (7, 30, 80)] * 3, strict=True):
        expected = functional.resized_crop(
            as_tensor(crop), top, left, size, size, [112, 112], antialias=False
        )

        matrix = enlarged(plain, left, top, size, 112)
        view = cv2.warpAffine(crop, matrix, (112, 112), borderMode=cv2.BORDER_REPLICATE)

        inside = np.s_[2:-2, 2:-2]  # (torchvision repeats the square's border, not the crop's)
        np.testing.assert_allclose(view[inside], as_levels(expected)[inside], atol=2)


def test_random_crop_never_leaves_the_crop() -> None:
    # A ramp from left to right, sampled within its own range, keeps its ends' order and span.
    ramp = np.broadcast_to(np.arange(112, dtype=np.uint8)[:, None], (30, 112, 112, 3)).copy()

    result = augment_batch(
        ramp, AugmentSettings(**(OFF | {"crop_cut": 0.5})), np.random.default_rng(0)
    )

    rows = result[:, 50, :, 0] * 127.5 + 127.5
    spans = rows[:, -1] - rows[:, 0]
    assert (np.diff(rows, axis=1) >= 0).all()
    assert spans.min() >= 55
    assert spans.max() <= 111
    assert len(np.unique(spans)) > 10


def test_erasing_replaces_one_rectangle_by_noise() -> None:
    before, after = views(), views(erase_share=1)

    for a, b in zip(before, after, strict=True):
        changed = (np.abs(a - b) > 0.5).any(axis=2)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        box = changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert 0.01 < box.size / changed.size < 0.42
        assert box.mean() > 0.98
        assert b[changed].std() > 60


def test_mask_covers_the_lower_half_with_one_colour() -> None:
    before, after = views(), views(mask_share=1)

    for a, b in zip(before, after, strict=True):
        changed = (np.abs(a - b) > 0.5).any(axis=(1, 2))
        first = int(np.flatnonzero(changed)[0])
        assert 54 <= first <= 70
        assert changed[first:].all()
        assert np.ptp(b[first:].reshape(-1, 3), axis=0).max() < 0.5


def test_the_given_crops_stay_as_they_are() -> None:
    crops = smooth()
    everything = {name: 0.5 for name in OFF if name.endswith("_share")} | {"hue": 0.1}

    augment_batch(crops, AugmentSettings(**(OFF | everything)), np.random.default_rng(0))

    assert np.array_equal(crops, smooth())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("crop_cut", 0.3),
        ("brightness", 0.3),
        ("contrast", 0.3),
        ("saturation", 0.3),
        ("hue", 0.2),
        ("pca_colour", 0.5),
        ("erase_share", 0.5),
        ("mask_share", 0.5),
    ],
)
def test_each_new_effect_is_a_function_of_the_seed_and_touches_what_it_should(
    name: str, value: float
) -> None:
    changed = np.array(
        [(v != p).any() for v, p in zip(views(**{name: value}), views(), strict=True)]
    )

    assert changed.any()
    assert changed.all() or name.endswith("_share")
    assert np.array_equal(views(4, **{name: value}), views(4, **{name: value}))
    assert not np.array_equal(views(4, **{name: value}), views(5, **{name: value}))


@pytest.mark.parametrize("wrong", [{"hue": 0.7}, {"mask_share": 1.5}, {"crop_cut": -0.1}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        AugmentSettings(**wrong)
