"""A tiny seeded pack: people are colours with noise, learnt in a few steps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from training.data.pack import CropPack, PackItem, write_pack
from training.data.targets import TARGETS_NAME


def write_toy_recipe(path: Path) -> Path:
    """Write TOY_RECIPE as the TOML file ``path`` and return it."""
    sections = {key: dict(value) for key, value in TOY_RECIPE.items() if isinstance(value, dict)}
    net = sections["net"]
    sections["net.settings"] = net.pop("settings")
    lines = [f'name = "{TOY_RECIPE["name"]}"']
    for name, values in sections.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    path.write_text("\n".join(lines))
    return path


def write_toy_pack(
    folder: Path, *, n_people: int = 20, per_person: int = 4, side: int = 32
) -> CropPack:
    """Write a pack of n_people x per_person crops (side, side, 3) with 16-d targets."""
    rng = np.random.default_rng(7)
    crops, items, targets = [], [], []
    for person in range(n_people):
        colour = rng.integers(0, 256, 3)
        target = rng.standard_normal(16)
        for k in range(per_person):
            noise = rng.integers(-20, 20, (side, side, 3))
            crops.append(np.clip(colour + noise, 0, 255).astype(np.uint8))
            items.append(PackItem("toy", f"p{person}", f"toy:p{person}", f"p{person}/{k}.png"))
            targets.append(target / np.linalg.norm(target))
    write_pack(folder, np.stack(crops), items)
    np.save(folder / TARGETS_NAME, np.array(targets, dtype=np.float16))
    return CropPack(folder)


TOY_RECIPE = {
    "name": "toy",
    "net": {
        "embedding_dim": 16,
        "crop_size_px": 32,
        "settings": {"widths": [4, 4, 8, 8], "blocks": [0, 1, 0, 0], "head_width": 16},
    },
    "loop": {
        "steps": 6,
        "batch_size": 8,
        "evaluate_every": 3,
        "checkpoint_every": 2,
        "precision": "f32",
        "n_threads": 1,
    },
    "optimizer": {"warmup_steps": 2},
}
