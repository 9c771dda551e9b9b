"""Augmentation of aligned crops: what a camera, a codec and a misplaced landmark do to a face."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How strongly crops are disturbed; ``*_share`` is the share of crops an effect touches.

    Attributes:
        mirror_share: left and right exchanged.
        rotation_deg: standard deviation.
        scale: standard deviation of the relative size.
        shift_px: standard deviation along each axis.
        gain: standard deviation of the brightness factor, per crop and per channel half as much.
        offset: standard deviation of the added brightness on the 0..1 scale.
        downscale_share: shrunk and enlarged again.
        downscale_min_px: smallest side it is shrunk to.
        blur_share: Gaussian or motion blur.
        jpeg_share: compressed with quality 15 to 70.
        occlusion_share: one grey rectangle.
        occlusion_max_px: its largest side.
        grey_share: colour removed.
    """

    mirror_share: float = 0.5
    rotation_deg: float = 4.0
    scale: float = 0.04
    shift_px: float = 2.0
    gain: float = 0.2
    offset: float = 0.1
    downscale_share: float = 0.2
    downscale_min_px: int = 20
    blur_share: float = 0.1
    jpeg_share: float = 0.15
    occlusion_share: float = 0.15
    occlusion_max_px: int = 50
    grey_share: float = 0.08


def augment_batch(
    crops: NDArray[np.uint8],
    settings: AugmentSettings,
    rng: np.random.Generator,
    *,
    side_px: int | None = None,
    places: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """Disturb a batch of crops and bring it into the net's scale.

    Each crop has random numbers of its own, so that a part of a batch comes out as it does within
    the whole.

    Args:
        crops: (B, S, S, 3) uint8 RGB.
        settings: how strongly.
        rng: source of every random choice.
        side_px: side of the result, when it shall be smaller than S.
        places: (B,) numbers of the crops within a larger batch; 0..B-1 where none are given.

    Returns:
        (B, S, S, 3) or (B, side_px, side_px, 3) float32, (pixel - 127.5) / 127.5.
    """
    places = np.arange(len(crops)) if places is None else places
    key = int(rng.integers(2**63))
    rngs = [np.random.default_rng([key, place]) for place in places]
    disturbed = np.stack(
        [
            _disturb(np.ascontiguousarray(crop), settings, r)
            for crop, r in zip(crops, rngs, strict=True)
        ]
    )
    if side_px is not None and side_px != disturbed.shape[1]:
        size = (side_px, side_px)
        disturbed = np.stack([cv2.resize(c, size, interpolation=cv2.INTER_AREA) for c in disturbed])
    batch: NDArray[np.float32] = disturbed.astype(np.float32)
    tones = np.stack([_random_tone(settings, r) for r in rngs])[:, :, None, None, :]
    gain, offset = tones[:, 0], tones[:, 1]
    batch *= np.maximum(gain, 0.2).astype(np.float32)
    batch += offset.astype(np.float32)
    np.clip(batch, 0, 255, out=batch)
    batch -= np.float32(127.5)
    batch /= np.float32(127.5)
    return batch


def mix_batch(
    batch: NDArray[np.float32], share: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Blend a share of the crops with another one of the batch, by a factor from U(0, 1).

    Args:
        batch: (B, S, S, 3) float32.
        share: of the crops that become mixtures.
        rng: source of every random choice.

    Returns:
        (B, S, S, 3) float32.

    Reference:
        Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", eq. 1 with alpha = 1.
    """
    if share == 0:
        return batch
    others, factors = draw_mixtures(len(batch), share, rng)
    return blend(batch, batch[others], factors)


def draw_mixtures(
    n: int, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Draw with whom each of n crops is blended, (n,), and its own factor, (n,); mostly 1."""
    others = rng.permutation(n)
    factors = np.where(rng.random(n) < share, rng.random(n), 1.0)
    return others, factors.astype(np.float32)


def blend(
    batch: NDArray[np.float32], others: NDArray[np.float32], factors: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Blend crops (B, S, S, 3) with others (B, S, S, 3) by own factors (B,)."""
    own = factors[:, None, None, None]
    mixed: NDArray[np.float32] = own * batch + (1 - own) * others
    return mixed


def plain_batch(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bring (B, S, S, 3) uint8 crops into the net's scale, undisturbed, float32."""
    return (crops.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)


def _disturb(
    crop: NDArray[np.uint8], settings: AugmentSettings, rng: np.random.Generator
) -> NDArray[np.uint8]:
    side = crop.shape[0]
    crop = cv2.warpAffine(  # type: ignore[assignment]
        crop, _random_geometry(side, settings, rng), (side, side), borderMode=cv2.BORDER_REPLICATE
    )
    downscale, blur, jpeg, occlusion, grey = rng.random(5)
    if downscale < settings.downscale_share:
        small = int(rng.integers(settings.downscale_min_px, round(0.8 * side)))
        shrunk = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
        crop = cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    if blur < settings.blur_share:
        crop = _blur(crop, rng)
    if jpeg < settings.jpeg_share:
        quality = int(rng.integers(15, 70))
        encoded = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        crop = cv2.imdecode(encoded, cv2.IMREAD_COLOR)  # type: ignore[assignment]
    if occlusion < settings.occlusion_share:
        width, height = rng.integers(10, settings.occlusion_max_px, 2)
        left, top = rng.integers(0, side - 10, 2)
        crop[top : top + height, left : left + width] = int(rng.integers(0, 256))
    if grey < settings.grey_share:
        crop[:] = crop.mean(axis=2, keepdims=True).astype(np.uint8)
    return crop


def _random_tone(settings: AugmentSettings, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw (2, 3): a factor for each channel, and what is added to it on the 0..255 scale."""
    gain = 1 + rng.normal(0, settings.gain) + rng.normal(0, settings.gain / 2, 3)
    offset = 255 * (rng.normal(0, settings.offset) + rng.normal(0, settings.offset / 3, 3))
    return np.stack([gain, offset])


def _random_geometry(
    side: int, settings: AugmentSettings, rng: np.random.Generator
) -> NDArray[np.float64]:
    angle, growth = rng.normal(0, settings.rotation_deg), 1 + rng.normal(0, settings.scale)
    middle = (side - 1) / 2
    matrix: NDArray[np.float64] = np.asarray(
        cv2.getRotationMatrix2D((middle, middle), angle, growth), dtype=np.float64
    )
    matrix[:, 2] += rng.normal(0, settings.shift_px, 2)
    if rng.random() < settings.mirror_share:
        matrix[0] = -matrix[0]
        matrix[0, 2] += side - 1
    return matrix


def _blur(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.random() < 0.5:
        blurred = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.7, 2.5))
    else:
        length = int(rng.integers(3, 10))
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1 / length
        turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), rng.uniform(0, 180), 1)
        turned = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), dtype=np.float32)
        blurred = cv2.filter2D(crop, -1, turned / max(float(turned.sum()), 1e-6))
    return np.asarray(blurred, dtype=np.uint8)
