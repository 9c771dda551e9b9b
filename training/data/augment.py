"""Augmentation of aligned crops: what a camera, a codec and a misplaced landmark do to a face.

OpenCV and not torchvision's transforms, which take longer at every step (``python
tools/measure_augment.py``). Effects that are switched off draw no random number, so a recipe keeps
its views when new effects come in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from facerec.errors import ConfigError

# Eigenvalues and eigenvectors (columns) of the colours of ImageNet on the 0..1 scale, as published
# with fb.resnet.torch (datasets/imagenet.lua).
_COLOUR_VARIANCES = np.array([0.2175, 0.0188, 0.0045])
_COLOUR_AXES = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
)
# Shares of red, green and blue in the brightness of a pixel: ITU-R BT.601.
_GREY = np.array([0.299, 0.587, 0.114])
# An erased rectangle's share of the crop, and its height to its width (here with a uniform
# logarithm): Zhong et al. 2020, sect. 4.
_ERASED_AREA, _ERASED_RATIO = (0.02, 0.4), (0.3, 1 / 0.3)
# Where a mask's upper edge lies, as shares of the side: between the eyes' and the nose's height.
_MASK_EDGE = (0.5, 0.62)
# The largest value of each setting that is no share and has one.
_LARGEST = {"crop_cut": 0.9, "brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.5}


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
        crop_cut: largest share of the side that is cut away at random, the rest enlarged.
        brightness: largest change of the factor on all values, from U(1 - b, 1 + b).
        contrast: largest change of the factor on the distance from the mean grey.
        saturation: largest change of the factor on the distance from each pixel's grey.
        hue: largest turn of the colour circle, in turns.
        pca_colour: standard deviation of a shift along the principal axes of natural colours.
        erase_share: one rectangle of noise.
        mask_share: the lower half of the face under one colour.

    Reference:
        pca_colour: Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural
        Networks", sect. 4.1 (there 0.1); erasing: Zhong et al. 2020, "Random Erasing Data
        Augmentation", alg. 1.
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
    crop_cut: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    pca_colour: float = 0.0
    erase_share: float = 0.0
    mask_share: float = 0.0

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            largest = 1.0 if name.endswith("_share") else _LARGEST.get(name, math.inf)
            if not 0 <= getattr(self, name) <= largest:
                raise ConfigError(
                    f"augment.{name} is {getattr(self, name)}.", remedy=f"Give 0 to {largest:g}."
                )


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
    side = side_px or crops.shape[1]
    batch = np.empty((len(crops), side, side, 3), dtype=np.float32)
    disturbed = [
        _disturb(np.ascontiguousarray(crop), settings, r)
        for crop, r in zip(crops, rngs, strict=True)
    ]
    tables = _tone_tables(np.stack([_random_tone(settings, r) for r in rngs]))
    for crop, table, view in zip(disturbed, tables, batch, strict=True):
        resized = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        view[:] = cv2.LUT(resized, table[None])
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
    if _happens(settings.mask_share, rng):
        crop = crop.copy()
        crop[round(side * rng.uniform(*_MASK_EDGE)) :] = rng.integers(0, 256, 3)
    crop = cv2.warpAffine(  # type: ignore[assignment]
        crop, _random_geometry(side, settings, rng), (side, side), borderMode=cv2.BORDER_REPLICATE
    )
    crop = _recolour(crop, settings, rng)
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
    if _happens(settings.erase_share, rng):
        _erase(crop, rng)
    return crop


def _happens(share: float, rng: np.random.Generator) -> bool:
    """Draw whether an effect touches a crop; one that is switched off draws nothing."""
    return share > 0 and rng.random() < share


def _recolour(
    crop: NDArray[np.uint8], settings: AugmentSettings, rng: np.random.Generator
) -> NDArray[np.uint8]:
    ranges = settings.brightness, settings.contrast, settings.saturation
    if any(ranges) or settings.pca_colour:
        factors = 1 + np.array(ranges) * rng.uniform(-1, 1, 3)
        weights = settings.pca_colour * rng.standard_normal(3)
        crop = shift_colour(crop, *factors, pca_weights=weights)
    if settings.hue:
        crop = turn_hue(crop, rng.uniform(-settings.hue, settings.hue))
    return crop


def shift_colour(
    crop: NDArray[np.uint8],
    brightness: float,
    contrast: float,
    saturation: float,
    *,
    pca_weights: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """Change a crop's colours by one affine map of them.

    Args:
        crop: (S, S, 3) uint8 RGB.
        brightness: factor on all values.
        contrast: then, factor on the distance from the mean grey.
        saturation: then, factor on the distance from each pixel's own grey.
        pca_weights: (3,), then, shift along the principal colours, in their variances.

    Returns:
        (S, S, 3) uint8.
    """
    mean_grey = brightness * float(_GREY @ cv2.mean(crop)[:3])
    offset = (1 - contrast) * mean_grey + 255 * _COLOUR_AXES @ (pca_weights * _COLOUR_VARIANCES)
    mixing = saturation * np.eye(3) + (1 - saturation) * np.tile(_GREY, (3, 1))
    return np.asarray(
        cv2.transform(crop, np.column_stack([brightness * contrast * mixing, offset])), np.uint8
    )


def turn_hue(crop: NDArray[np.uint8], turns: float) -> NDArray[np.uint8]:
    """Turn the colour circle of a (S, S, 3) uint8 RGB crop, in steps of 1/256."""
    hsv = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2HSV_FULL), np.uint8)
    hsv[..., 0] += np.uint8(round(256 * turns) % 256)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL), np.uint8)


def _erase(crop: NDArray[np.uint8], rng: np.random.Generator) -> None:
    side = crop.shape[0]
    area = side * side * rng.uniform(*_ERASED_AREA)
    ratio = math.exp(rng.uniform(*np.log(_ERASED_RATIO)))
    height = min(side, max(1, round(math.sqrt(area * ratio))))
    width = min(side, max(1, round(math.sqrt(area / ratio))))
    top, left = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    crop[top : top + height, left : left + width] = noise


def _random_tone(settings: AugmentSettings, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw (2, 3): a factor for each channel, and what is added to it on the 0..255 scale."""
    gain = 1 + rng.normal(0, settings.gain) + rng.normal(0, settings.gain / 2, 3)
    offset = 255 * (rng.normal(0, settings.offset) + rng.normal(0, settings.offset / 3, 3))
    return np.stack([gain, offset])


def _tone_tables(tones: NDArray[np.float64]) -> NDArray[np.float32]:
    """Say what becomes of each of 256 values: (B, 2, 3) tones -> (B, 256, 3) in the net's scale.

    Looking up is quicker than computing each pixel, and comes to the same digits.
    """
    gain, offset = tones[:, None, 0].astype(np.float32), tones[:, None, 1].astype(np.float32)
    tables = np.arange(256, dtype=np.float32)[:, None] * np.maximum(gain, np.float32(0.2))
    tables += offset
    np.clip(tables, 0, 255, out=tables)
    tables -= np.float32(127.5)
    tables /= np.float32(127.5)
    return tables


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
    if settings.crop_cut:
        size = side * (1 - rng.uniform(0, settings.crop_cut))
        left, top = rng.uniform(0, side - size, 2)
        matrix = enlarged(matrix, left, top, size, side)
    return matrix


def enlarged(
    matrix: NDArray[np.float64], left: float, top: float, size: float, side: int
) -> NDArray[np.float64]:
    """Let a map show only a square of what it showed.

    Args:
        matrix: (2, 3), pixels of the source -> pixels of the crop.
        left: first column of the square, in pixels of the crop.
        top: its first row.
        size: its side in pixels.
        side: of the crop, in pixels.

    Returns:
        (2, 3): the square's edges come to lie on the crop's.
    """
    growth = side / size
    result = growth * matrix
    # Pixels are squares around whole numbers, so edges lie half a pixel before and after.
    result[:, 2] += growth * (0.5 - np.array([left, top])) - 0.5
    return result


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
