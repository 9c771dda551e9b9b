"""An export is refused unless the graph does what the net does, at every size of the batch."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.helpers.training_packs import TOY_RECIPE
from training.checkpoint import Checkpoint, save_checkpoint
from training.errors import ExportError
from training.export import export_onnx, lowest_cosine, parity_crops
from training.recipe import recipe_from_table
from training.train import build_net

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
write_graph = torch.onnx.export


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    recipe = recipe_from_table(TOY_RECIPE)
    torch.manual_seed(0)
    net = build_net(recipe.net)
    path = tmp_path / "last.pt"
    save_checkpoint(path, Checkpoint(recipe, 1, net.state_dict(), net.state_dict(), {}))
    return path


def other_weights(net: torch.nn.Module) -> torch.nn.Module:
    """The net with one weight in a hundred changed by a few percent."""
    changed = copy.deepcopy(net)
    with torch.no_grad():
        for parameter in changed.parameters():
            mask = torch.rand_like(parameter) < 0.01
            parameter[mask] *= 1.1
    return changed


def not_a_number(net: torch.nn.Module) -> torch.nn.Module:
    changed = copy.deepcopy(net)
    with torch.no_grad():
        next(changed.parameters()).view(-1)[0] = torch.nan
    return changed


class After(torch.nn.Module):
    """The net with something done to its vectors."""

    def __init__(self, net: torch.nn.Module, change) -> None:
        super().__init__()
        self.net, self.change = net, change

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return self.change(self.net(crops))


def constant_zero(net: torch.nn.Module) -> torch.nn.Module:
    return After(net, lambda vectors: vectors * 0).eval()


def flattened(net: torch.nn.Module) -> torch.nn.Module:
    """All vectors of a batch in one row, as some published graphs give them."""
    return After(net, lambda vectors: vectors.reshape(1, -1)).eval()


def test_a_faithful_graph_is_written_and_agrees(checkpoint: Path, tmp_path: Path) -> None:
    exported = export_onnx(checkpoint, tmp_path / "out" / "x.onnx")

    assert exported.path.is_file()
    (tmp_path / "plain").write_bytes(b"")
    assert exported.path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert 0.999999 < exported.worst_cosine <= 1.000001


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (other_weights, r"disagrees with the net \(cosine 0\.9"),
        (not_a_number, "disagrees with the net"),
        (constant_zero, "disagrees with the net"),
        (flattened, r"gives \(1, 512\) where the net gives \(32, 16\)"),
    ],
)
def test_a_wrong_graph_is_refused_and_nothing_written(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong, sentence: str
) -> None:
    monkeypatch.setattr(
        torch.onnx, "export", lambda net, *args, **named: write_graph(wrong(net), *args, **named)
    )

    with pytest.raises(ExportError, match=sentence):
        export_onnx(checkpoint, tmp_path / "out" / "x.onnx")

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("size", [1, 2, 32])
def test_a_graph_that_takes_one_size_of_batch_is_refused(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def fixed(net, inputs, path, **named):
        del named["dynamic_axes"]
        return write_graph(net, (inputs[0][:1].repeat(size, 1, 1, 1),), path, **named)

    monkeypatch.setattr(torch.onnx, "export", fixed)

    with pytest.raises(ExportError, match=f"batch of {32 if size == 1 else 1}"):
        export_onnx(checkpoint, tmp_path / "out" / "x.onnx")

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("side", [32, 100, 112])
def test_parity_crops_are_fixed_and_of_the_size_asked_for(side: int) -> None:
    crops = parity_crops(32, side)

    assert crops.shape == (32, side, side, 3)
    assert (crops == parity_crops(32, side)).all()
    assert len(np.unique(crops.reshape(32, -1), axis=0)) == 32


def test_lowest_cosine_is_the_worst_row_s() -> None:
    a = np.array([[3.0, 4.0], [1.0, 0.0], [2.0, 0.0]], np.float32)
    b = np.array([[6.0, 8.0], [1.0, 1.0], [9.0, 0.0]], np.float32)

    assert lowest_cosine(a, b) == pytest.approx(np.sqrt(0.5))
    for bad in (0.0, np.nan, np.inf):
        spoilt = a.copy()
        spoilt[2] = bad
        assert lowest_cosine(spoilt, b) == -np.inf
