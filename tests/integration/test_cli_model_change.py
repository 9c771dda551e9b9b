"""The shipped network and a variant of it, exported here, change places in a gallery."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from facerec.paths import default_gallery_dir
from facerec.services.gallery import open_gallery
from facerec.zoo import find_model
from tests.helpers import photos

VARIANT = "lean-round"
# Weights of a network in 8 bits, one scale a channel.
LEVELS = 127


@pytest.fixture
def variant(home: Path) -> str:
    """`lean` with its weights rounded to 8 bits, a model of the user's own."""
    card = find_model("lean")
    graph = onnx.load(card.path)
    for weight in graph.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.ndim >= 2 and values.dtype == np.float32:
            axes = tuple(range(1, values.ndim))
            scale = np.maximum(np.abs(values).max(axis=axes, keepdims=True), 1e-12) / LEVELS
            rounded = (np.round(values / scale) * scale).astype(np.float32)
            weight.CopyFrom(numpy_helper.from_array(rounded, weight.name))
    models = home / "models"
    models.mkdir()
    path = models / f"{VARIANT}.onnx"
    onnx.save(graph, path)
    size, digest = path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
    tables = (card.folder / "manifest.toml").read_text().split("[[model]]")
    table = next(one for one in tables if 'name = "lean"' in one)
    table = table.replace('name = "lean"', f'name = "{VARIANT}"').replace("default = true", "")
    files = f'files = [{{ file = "{path.name}", sha256 = "{digest}", bytes = {size} }}]'
    table = re.sub(r"files = \[.*?^\]", files, table, flags=re.MULTILINE | re.DOTALL)
    (models / "manifest.toml").write_text(f"[[model]]{table}")
    return VARIANT


def named(run, image) -> str | None:
    (face,) = run("identify", image, "--json").json["images"][0]["faces"]
    person = face["decision"]["person"]
    return person and person["name"]


def contract_id() -> str | None:
    with open_gallery(default_gallery_dir(), create=False) as gallery:
        return gallery.state().contract_id


def test_two_networks_change_places(run, variant):
    lean, new = find_model("lean").contract().id, find_model(variant).contract().id
    assert run("enroll", "Grace", photos.grace_hopper()).code == 0
    assert run("enroll", "Eileen", photos.astronaut()).code == 0
    assert contract_id() == lean

    prepared = run("models", "use", variant, "--prepare-only", "--json").json
    assert prepared["status"]["progress"]["n_ready"] == 2
    assert prepared["comparison"]["advice"] == "decide"
    assert named(run, photos.grace_hopper()) == "Grace"
    assert run("enroll", "Barack", photos.obama(1), photos.obama(2)).code == 0
    compared = run("models", "compare-gallery").out
    assert "now: lean" in compared
    assert f"then: {variant}" in compared
    assert "2 templates" in compared  # (Barack's wait for their other vectors)

    assert run("models", "accept").code == 0
    assert contract_id() == new
    assert named(run, photos.grace_hopper()) == "Grace"
    assert named(run, photos.obama(3)) == "Barack"

    assert run("models", "rollback").code == 0
    assert contract_id() == lean
    assert named(run, photos.astronaut()) == "Eileen"
    assert named(run, photos.obama(3)) == "Barack"
