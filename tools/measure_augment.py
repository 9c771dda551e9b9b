"""How long each effect of the augmentation takes, beside torchvision: one thread of a CPU.

Run from the repository's root: ``python tools/measure_augment.py``. A line is the CPU time of one
112x112 crop in microseconds, the best of five rounds. torchvision is given the crop as a tensor.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from training.data.augment import shift_colour, turn_hue

SIDE, ROUNDS, CALLS = 112, 5, 200


def microseconds(call: Callable[[], object]) -> float:
    """CPU time of one call."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(CALLS):
            call()
        rounds.append((time.process_time() - start) / CALLS)
    return min(rounds) * 1e6


def main() -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    crop = np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
    tensor = torch.from_numpy(crop).permute(2, 0, 1).contiguous()
    noise = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
    noise_tensor = torch.from_numpy(noise).permute(2, 0, 1).contiguous()
    geometry = cv2.getRotationMatrix2D(((SIDE - 1) / 2, (SIDE - 1) / 2), 3, 1.03)
    weights, principal = np.array([0.1, -0.1, 0.1]), torch.tensor([9.0, -3.0, 2.0])[:, None, None]
    size, quality = [SIDE, SIDE], [cv2.IMWRITE_JPEG_QUALITY, 40]

    def erased() -> None:
        copy = crop.copy()
        copy[20:60, 20:60] = noise

    def shrunk() -> None:
        small = cv2.resize(crop, (40, 40), interpolation=cv2.INTER_AREA)
        cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)

    def recoloured() -> None:
        x = functional.adjust_brightness(tensor, 1.1)
        functional.adjust_saturation(functional.adjust_contrast(x, 0.9), 1.1)

    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "mirror": (lambda: cv2.flip(crop, 1), lambda: functional.horizontal_flip(tensor)),
        "mirror, rotation, scale, shift, crop": (
            lambda: cv2.warpAffine(crop, geometry, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE),
            lambda: functional.affine(
                functional.horizontal_flip(tensor),
                3.0,
                [2, 2],
                1.03,
                [0.0, 0.0],
                interpolation=InterpolationMode.BILINEAR,
            ),
        ),
        "crop alone": (
            lambda: cv2.resize(crop[5:100, 7:102], (SIDE, SIDE)),
            lambda: functional.resized_crop(tensor, 5, 7, 95, 95, size, antialias=False),
        ),
        "brightness, contrast, saturation": (
            lambda: shift_colour(crop, 1.1, 0.9, 1.1, pca_weights=weights * 0),
            recoloured,
        ),
        "hue": (lambda: turn_hue(crop, 0.05), lambda: functional.adjust_hue(tensor, 0.05)),
        "PCA colour (torch: by hand)": (
            lambda: shift_colour(crop, 1, 1, 1, pca_weights=weights),
            lambda: (tensor.float() + principal).clamp_(0, 255).to(torch.uint8),
        ),
        "down-scaling": (
            shrunk,
            lambda: functional.resize(
                functional.resize(tensor, [40, 40], antialias=True), size, antialias=False
            ),
        ),
        "blur": (
            lambda: cv2.GaussianBlur(crop, (0, 0), 1.5),
            lambda: functional.gaussian_blur(tensor, [9, 9], [1.5, 1.5]),
        ),
        "JPEG": (
            lambda: cv2.imdecode(cv2.imencode(".jpg", crop, quality)[1], cv2.IMREAD_COLOR),
            lambda: functional.jpeg(tensor, 40),
        ),
        "erasing": (erased, lambda: functional.erase(tensor, 20, 20, 40, 40, noise_tensor)),
    }
    print(f"{'effect':40}{'ours':>8}{'torchvision':>13}")  # noqa: T201  (a command's output)
    for name, (ours, theirs) in pairs.items():
        print(f"{name:40}{microseconds(ours):8.1f}{microseconds(theirs):13.1f}")  # noqa: T201


if __name__ == "__main__":
    main()
