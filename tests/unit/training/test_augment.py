"""Augmentation: settled views stay what they are, each effect equals an independent one."""

from __future__ import annotations

import numpy as np

from training.data.augment import AugmentSettings, augment_batch, mix_batch

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
