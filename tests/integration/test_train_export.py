"""train -> export -> the runtime's embedder, through the command line."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from facerec.embed.onnx import OnnxEmbedder
from facerec.zoo import read_manifest, verified_path
from tests.helpers.training_packs import write_toy_pack, write_toy_recipe
from training.checkpoint import load_checkpoint
from training.commands import export, train
from training.data.augment import plain_batch
from training.errors import ExportError
from training.manifest import write_manifest_entry
from training.thresholds import held_out_thresholds
from training.train import build_net

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_trained_net_becomes_a_model_that_agrees_with_it(tmp_path: Path) -> None:
    write_toy_pack(tmp_path / "pack", n_people=200)
    write_toy_recipe(tmp_path / "toy.toml")
    runner = CliRunner()

    trained = runner.invoke(
        train,
        [
            str(tmp_path / "toy.toml"),
            "loop.steps=4",
            "--pack",
            str(tmp_path / "pack"),
            "--run",
            str(tmp_path / "run"),
        ],
        catch_exceptions=False,
    )
    exported = runner.invoke(
        export,
        [
            str(tmp_path / "run/last.pt"),
            "--pack",
            str(tmp_path / "pack"),
            "--name",
            "toy-1",
            "--models",
            str(tmp_path / "models"),
            "--default",
        ],
        catch_exceptions=False,
    )

    assert trained.exit_code == exported.exit_code == 0
    (card,) = read_manifest(tmp_path / "models")
    assert card.default
    assert card.embedding_dim == 16
    assert card.thresholds[0].fmr == 1e-3
    verified_path(card)
    restarted = runner.invoke(
        train,
        [
            str(tmp_path / "toy.toml"),
            "loop.steps=1",
            "--pack",
            str(tmp_path / "pack"),
            "--run",
            str(tmp_path / "run2"),
            "--from",
            str(verified_path(card, "toy-1.pt")),
        ],
        catch_exceptions=False,
    )
    assert restarted.exit_code == 0
    checkpoint = load_checkpoint(tmp_path / "run/last.pt")
    net = build_net(checkpoint.recipe.net).eval()
    net.load_state_dict(checkpoint.average)
    crops = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    with torch.no_grad():
        reference = net(torch.from_numpy(plain_batch(crops)).permute(0, 3, 1, 2)).numpy()
    reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    vectors = OnnxEmbedder(card).embed_vectors(crops)
    np.testing.assert_allclose(vectors, reference, atol=1e-4)


def test_thresholds_are_set_on_the_sources_named(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack", n_people=200)
    write_toy_recipe(tmp_path / "toy.toml")
    arguments = [str(tmp_path / "toy.toml"), "loop.steps=1", f"--pack={pack.folder}"]
    CliRunner().invoke(train, [*arguments, f"--run={tmp_path / 'run'}"], catch_exceptions=False)
    last = tmp_path / "run" / "last.pt"

    points = held_out_thresholds(last, pack, ["toy"])

    net = build_net(load_checkpoint(last).recipe.net).eval()
    net.load_state_dict(load_checkpoint(last).average)
    held = [row for row, item in enumerate(pack.items) if item.is_held_out]
    with torch.no_grad():
        batch = torch.from_numpy(plain_batch(pack.crops[held])).permute(0, 3, 1, 2)
        vectors = torch.nn.functional.normalize(net(batch), dim=1).numpy()
    scores = [
        float(vectors[a] @ vectors[b])
        for a in range(len(held))
        for b in range(a)
        if pack.items[held[a]].person != pack.items[held[b]].person
    ]
    assert points[0]["fmr"] == 1e-3
    assert points[0]["comparisons"] == len(scores)
    share = np.mean([score >= points[0]["score"] for score in scores])
    assert share == pytest.approx(1e-3, abs=3 / len(scores))
    with pytest.raises(ExportError, match="nobody"):
        held_out_thresholds(last, pack, ["elsewhere"])


def test_manifest_entry_replaces_only_its_namesake(tmp_path: Path) -> None:
    entry: dict[str, object] = {
        "name": "a", "version": "1", "task": "embed", "net": "n",
        "files": [{"file": "a.onnx", "sha256": "0", "bytes": 1}],
        "input_hw": [112, 112], "colour": "RGB", "mean": [0.0] * 3, "std": [1.0] * 3,
        "template": "arcface-112", "embedding_dim": 4, "metric": "cosine", "thresholds": [],
        "licence": 'say "so"', "source": "", "training_data": "", "paper": "", "exported_from": "",
        "default": False,
    }  # fmt: skip

    write_manifest_entry(tmp_path, entry)
    write_manifest_entry(tmp_path, entry | {"name": "b"})
    write_manifest_entry(tmp_path, entry | {"version": "2"})

    cards = {card.name: card for card in read_manifest(tmp_path)}
    assert sorted(cards) == ["a", "b"]
    assert cards["a"].version == "2"
    assert cards["a"].licence == 'say "so"'
