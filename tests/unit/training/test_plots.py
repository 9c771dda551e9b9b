"""Plots of a run: the figures show what was logged and measured; the command writes them."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from sklearn.decomposition import PCA

from facerec.errors import FacerecError
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack, write_toy_recipe
from training.commands import train as train_command
from training.data.pack import CropPack
from training.plots import curves_figure, people_figure, plot_run, principal_plane, scores_figure
from training.recipe import recipe_from_table
from training.run_log import read_log
from training.train import train

NAMES = ["training", "held-out", "scores", "people"]


def lines_of(axes: Axes) -> list[tuple[list[float], list[float]]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()]


def test_curves_show_each_series_in_a_panel_a_quantity() -> None:
    series: dict[str, list[dict[str, Any]]] = {
        "a": [{"step": 1, "tar": 0.5, "rank1": 0.1}, {"step": 2, "tar": 0.6, "rank1": 0.2}],
        "b": [{"step": 1, "tar": 0.7}],
    }

    figure = curves_figure(series, {"tar": "TAR", "rank1": "rank-1", "loss": "loss"})

    tar, rank1 = figure.axes
    assert lines_of(tar) == [([1, 2], [0.5, 0.6]), ([1], [0.7])]
    assert lines_of(rank1)[0] == ([1, 2], [0.1, 0.2])
    assert [axes.get_ylabel() for axes in figure.axes] == ["TAR", "rank-1"]
    assert [text.get_text() for text in tar.get_legend().get_texts()] == ["a", "b"]


def test_histograms_add_up_to_100_percent() -> None:
    mated, nonmated = np.array([0.5, 0.51, 0.9], np.float32), np.array([-0.2, 1.0], np.float32)

    figure = scores_figure(mated, nonmated)

    (axes,) = figure.axes
    heights = [patch.get_data().values for patch in axes.patches]
    assert [height.sum() for height in heights] == pytest.approx([100] * 4)
    # [0.50, 0.52) holds two of three.
    assert heights[0].max() == pytest.approx(200 / 3)
    assert heights[0].argmax() == 75
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["same person (3 pairs)", "different people (2 pairs)"]


def test_plane_is_that_of_the_largest_variance() -> None:
    vectors = np.random.default_rng(0).standard_normal((30, 6)).astype(np.float32)
    vectors[:, 2] *= 4

    points, shares = principal_plane(vectors)

    reference = PCA(2, svd_solver="full").fit(vectors.astype(np.float64))
    expected = reference.transform(vectors.astype(np.float64))
    np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-5)
    np.testing.assert_allclose(shares, reference.explained_variance_ratio_, atol=1e-6)


def test_each_person_has_a_colour_and_a_mark() -> None:
    vectors = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)

    figure = people_figure(vectors, ["b", "a", "b", "a", "c", "b"])

    (axes,) = figure.axes
    assert [c.get_label() for c in axes.collections] == ["a", "b", "c"]
    assert [len(c.get_offsets()) for c in axes.collections] == [2, 3, 1]
    assert len({c.get_facecolor().tobytes() for c in axes.collections}) == 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    pack = write_toy_pack(folder / "pack", n_people=40)
    train(recipe_from_table(TOY_RECIPE), pack.folder, folder / "run")
    return folder / "run"


def test_scores_are_those_of_held_out_pairs(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = CropPack(run.parent / "pack")
    shown: list[tuple[np.ndarray, np.ndarray]] = []
    vectors = np.random.default_rng(1).standard_normal((len(pack), 4)).astype(np.float32)
    monkeypatch.setattr("training.plots.embed_rows", lambda net, pack, rows, *_: vectors[rows])
    monkeypatch.setattr("training.plots.scores_figure", lambda *a: shown.append(a) or Figure())

    plot_run(run, run / "elsewhere", pack)

    held = [row for row, item in enumerate(pack.items) if item.is_held_out]
    same, different = [], []
    for n, a in enumerate(held):
        for b in held[n + 1 :]:
            of = same if pack.items[a].person == pack.items[b].person else different
            of.append(float(vectors[a] @ vectors[b]))
    ((mated, nonmated),) = shown
    np.testing.assert_allclose(np.sort(mated), np.sort(same), atol=1e-5)
    np.testing.assert_allclose(np.sort(nonmated), np.sort(different), atol=1e-5)


def test_command_writes_pictures_of_a_run(run: Path, tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        train_command, ["plot", str(run), "--out", str(tmp_path)], catch_exceptions=False
    )

    assert answer.exit_code == 0
    for name in NAMES:
        assert f"{name}.png" in answer.output
        with Image.open(tmp_path / f"{name}.png") as image:
            # Not a blank sheet.
            assert len(image.convert("L").getcolors(256) or []) > 10
            assert min(image.size) > 300


def test_vector_graphics_name_what_they_show(run: Path, tmp_path: Path) -> None:
    written = plot_run(run, tmp_path, suffix=".svg")

    assert [path.name for path in written] == ["training.svg", "held-out.svg"]
    assert all(ET.parse(path).getroot().tag.endswith("svg") for path in written)  # noqa: S314


def test_without_its_pack_a_run_shows_its_curves(run: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    log = [entry | ({"pack": "gone"} if "pack" in entry else {}) for entry in read_log(run)]
    (tmp_path / "run/log.jsonl").write_text("\n".join(map(json.dumps, log)))

    answer = CliRunner().invoke(
        train_command, ["plot", str(tmp_path / "run")], catch_exceptions=False
    )

    assert "only curves are drawn" in answer.output
    assert sorted(p.stem for p in (tmp_path / "run/plots").iterdir()) == ["held-out", "training"]


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    with pytest.raises(FacerecError, match="no step yet"):
        plot_run(tmp_path, tmp_path / "plots")


def test_last_line_of_a_training_says_what_comes_next(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    recipe = write_toy_recipe(tmp_path / "toy.toml")

    answer = CliRunner().invoke(
        train_command,
        [str(recipe), "--pack", str(pack), "--run", str(tmp_path / "run")],
        catch_exceptions=False,
    )

    last = answer.stdout.splitlines()[-1]
    for command in ("facerec train plot", "facerec export", "facerec evaluate"):
        assert command in last
    assert "step 6 of 6" in answer.stderr
    assert "toy: TAR" in answer.stderr
