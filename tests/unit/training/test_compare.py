"""The loss comparison: who is compared on what, going on after a kill, and what the report says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from facerec.errors import Cancelled, ConfigError
from facerec.evaluate.identification import draw_split
from tests.helpers.training_packs import TOY_RECIPE
from training import compare
from training.commands import train as train_group
from training.compare import (
    Results,
    RunFigures,
    chosen_contenders,
    compare_losses,
    contenders,
    development_rows,
    parse_per_person,
    recipe_of,
    training_rows,
)
from training.compare_report import JUDGED, report_text, verdict, write_report
from training.data.pack import CropPack, PackItem, write_pack
from training.errors import DatasetError, DivergedError
from training.heads.registry import HEADS
from training.judge import open_lfw, open_set_figures
from training.losses.registry import LOSSES
from training.miners.triplets import TRIPLET_MINERS
from training.objective import Objective
from training.recipe import Recipe, load_recipe, recipe_from_table


def write_people(folder: Path, counts: list[int], side: int = 32) -> CropPack:
    """One source; person i is a colour, with counts[i] crops."""
    rng = np.random.default_rng(3)
    crops, items = [], []
    for person, count in enumerate(counts):
        colour = rng.integers(0, 256, 3)
        for k in range(count):
            noise = rng.integers(-20, 20, (side, side, 3))
            crops.append(np.clip(colour + noise, 0, 255).astype(np.uint8))
            items.append(PackItem("toy", f"p{person}", f"toy:p{person}", f"p{person}/{k}.png"))
    write_pack(folder, np.stack(crops), items)
    return CropPack(folder)


BASE = recipe_from_table(
    TOY_RECIPE
    | {
        "net": TOY_RECIPE["net"] | {"crop_size_px": 16},
        "augment": {"downscale_share": 0.0, "occlusion_share": 0.0},
    }
)
# 60 people: a third with 2 crops, a third with 3, a third with 6.
COUNTS = [2, 3, 6] * 20


class StopAtRun:
    """Stops the comparison in the middle of the training of the n-th run."""

    def __init__(self, run: int) -> None:
        self.left = run

    def step(self, stage: str, done: int, total: int) -> None:
        if stage == "train" and done == 2:
            self.left -= 1
            if self.left == 0:
                raise Cancelled


def run_all(pack: CropPack, out: Path, **options: object) -> list[str]:
    settings = {
        "per_person": (2, 6),
        "n_seeds": 1,
        "images_seen": 24,
        "losses": chosen_contenders("arcface,contrastive"),
    }
    return [str(p) for p in compare_losses(pack.folder, out, BASE, **settings | options)]


def test_every_head_loss_and_miner_takes_part_with_the_shipped_settings() -> None:
    entries = {entry.name: entry for entry in contenders()}

    assert set(HEADS.names()) <= set(entries)
    assert set(LOSSES.names()) - {"triplet"} <= set(entries)
    assert {f"triplet ({miner})" for miner in TRIPLET_MINERS.names()} <= set(entries)
    assert entries["arcface"].head == load_recipe("lean-arcface").head
    assert entries["arcface"].origin == "recipe lean-arcface"
    assert entries["triplet (semi-hard)"].metric.settings == {"margin": 0.2, "miner": "semi-hard"}
    assert entries["cosface + triplet"].settings == (
        "scale 32.0, margin_cosine 0.2; batch norm between the two; margin 0.2, soft True, "
        "miner batch-hard, distance unit-euclidean, reducer mean"
    )
    assert entries["softmax"].settings == "n_centers 1"
    assert entries["circle"].origin == "defaults of the class"


@pytest.mark.parametrize("entry", contenders(), ids=lambda entry: entry.name)
def test_each_contender_gives_a_finite_loss_with_a_slope(entry) -> None:
    recipe = recipe_of(entry, replace(BASE, distill=replace(BASE.distill, weight=0.0)),
                       per_person=20, seed=1)  # fmt: skip
    torch.manual_seed(0)
    embeddings = torch.randn(8, 16, requires_grad=True)

    loss = Objective(recipe, n_classes=2)(embeddings, None, torch.arange(8) // 4)
    loss.backward()

    assert torch.isfinite(loss)
    assert embeddings.grad.abs().sum() > 0


def test_batches_hold_several_crops_of_a_person_where_the_loss_compares_them() -> None:
    def sampling(name: str, per_person: int, batch: int = 8) -> tuple[int, int]:
        base = replace(BASE, loop=replace(BASE.loop, batch_size=batch))
        (entry,) = chosen_contenders(name)
        metric = recipe_of(entry, base, per_person=per_person, seed=0).metric
        return metric.people, metric.images

    assert sampling("arcface", 20)[0] == 0
    assert sampling("siamese", 20) == (2, 4)
    assert sampling("circle", 2) == (4, 2)
    assert sampling("circle", 3) == (4, 2)
    assert sampling("circle", 3, batch=9) == (3, 3)


def test_each_k_has_the_same_number_of_images_and_nobody_held_out(tmp_path: Path) -> None:
    pack = write_people(tmp_path / "pack", COUNTS)
    (tmp_path / "pack" / "excluded.txt").write_text("0\n")

    rows = training_rows(pack, (2, 3, 6))

    sizes = set()
    for k, some in rows.items():
        people = [pack.items[row].person for row in some]
        assert {people.count(person) for person in people} == {k}
        assert len(set(some)) == len(some)
        assert not pack.held_out[some].any()
        assert 0 not in some
        sizes.add(len(some))
    trained = {item.person for item in pack.items if not item.is_held_out}
    n_six = sum(f"p{person}" in trained for person in range(2, 60, 3))
    assert sizes == {6 * n_six}
    with pytest.raises(DatasetError, match="0 people with 7 images"):
        training_rows(pack, (2, 7))


def test_development_crops_show_held_out_people_with_two_crops(tmp_path: Path) -> None:
    pack = write_people(tmp_path / "pack", [*COUNTS, *[1] * 30])

    rows = development_rows(pack)
    few = development_rows(pack, n_crops=20)

    assert pack.held_out[rows].all()
    people = [pack.items[row].person for row in rows]
    assert min(people.count(person) for person in people) >= 2
    wanted = sum(item.is_held_out for item in pack.items[: sum(COUNTS)])
    assert len(rows) == wanted
    assert 10 <= len(few) <= 20


def test_a_stopped_comparison_goes_on_and_ends_with_the_same_figures(tmp_path: Path) -> None:
    pack = write_people(tmp_path / "pack", COUNTS)
    run_all(pack, tmp_path / "whole")
    with pytest.raises(Cancelled):
        run_all(pack, tmp_path / "torn", task=StopAtRun(3))
    with (tmp_path / "torn" / "results.jsonl").open("a") as stream:
        stream.write('{"loss": "arcf')  # a line cut short by a kill

    lines = run_all(pack, tmp_path / "torn")

    assert len(lines) == 2
    assert "4 of 4 runs, about 0 minutes left" in lines[-1]
    whole, torn = (Results.open(tmp_path / name).runs for name in ("whole", "torn"))
    assert len(whole) == len(torn) == 4
    for a, b in zip(whole, torn, strict=True):
        assert replace(a, seconds=0, ms_per_image=0) == replace(b, seconds=0, ms_per_image=0)
    assert run_all(pack, tmp_path / "torn") == []


def test_runs_side_by_side_end_with_the_same_figures(tmp_path: Path) -> None:
    pack = write_people(tmp_path / "pack", COUNTS)
    run_all(pack, tmp_path / "one")

    # (TOY_RECIPE has one thread in either)
    run_all(pack, tmp_path / "two", jobs=2)

    one, two = (Results.open(tmp_path / name).runs for name in ("one", "two"))
    key = lambda run: (run.loss, run.per_person, run.seed)  # noqa: E731
    for a, b in zip(sorted(one, key=key), sorted(two, key=key), strict=True):
        assert replace(a, seconds=0, ms_per_image=0) == replace(b, seconds=0, ms_per_image=0)


def test_figures_are_those_of_plain_loops(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(400), 2)
    vectors = (rng.standard_normal((400, 8))[person] + rng.standard_normal((800, 8))).astype("f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    split = draw_split(person)

    figures = open_set_figures(vectors, person, split)

    best, right = [], []
    for row in split.mated_rows:
        scores = [float(vectors[row] @ vectors[g]) for g in split.gallery_rows]
        first = int(np.argmax(scores))
        right.append(person[split.gallery_rows[first]] == person[row])
        best.append(scores[first])
    strangers = [
        max(float(vectors[row] @ vectors[g]) for g in split.gallery_rows)
        for row in split.nonmated_rows
    ]
    allowed = int(0.01 * len(strangers))
    refused = sorted(strangers)[-1 - allowed]
    missed = [not ok or score <= refused for ok, score in zip(right, best, strict=True)]
    assert figures.n_enrolled == 200
    assert figures.rank1 == pytest.approx(np.mean(right))
    assert figures.fnir == pytest.approx(np.mean(missed))


def test_another_budget_is_refused(tmp_path: Path) -> None:
    pack = write_people(tmp_path / "pack", COUNTS)
    run_all(pack, tmp_path / "out")

    with pytest.raises(ConfigError, match="another budget"):
        run_all(pack, tmp_path / "out", images_seen=48)
    with pytest.raises(ConfigError, match="no results"):
        write_report(tmp_path / "empty", tmp_path / "report.md")


def test_a_run_that_diverges_is_a_line_without_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = write_people(tmp_path / "pack", COUNTS)
    trained = compare.train

    def train_or_diverge(recipe: Recipe, *args: object, **options: object) -> Path:
        if recipe.head.name == "arcface":
            raise DivergedError("The loss is no longer finite.")
        return trained(recipe, *args, **options)

    monkeypatch.setattr(compare, "train", train_or_diverge)

    lines = run_all(pack, tmp_path / "out", per_person=(6,))

    assert "arcface, 6 images a person, seed 0: diverged; 1 of 2 runs" in lines[0]
    text = report_text(Results.open(tmp_path / "out"), "losses.svg")
    assert "| arcface | 1, 1 diverged |  |" in text
    assert text.index("| contrastive | 1 |") < text.index("| arcface | 1, 1")
    assert "contrastive is best" in text


def figures(loss: str, seed: int, balanced: float, fnir: float | None = 0.5) -> RunFigures:
    return RunFigures(loss, 5, seed, balanced, 0.5, fnir, None, 1.5, 20.0)


def test_a_winner_is_told_apart_only_where_all_its_runs_are_better() -> None:
    table = {
        "a": [(0.80, 0.3), (0.82, 0.2), (0.81, 0.1)],
        "b": [(0.79, 0.4), (0.805, 0.5), (0.7, 0.6)],
        "c": [(0.6, 0.7), (0.61, 0.7), (0.62, 0.7)],
    }
    runs = [
        figures(loss, seed, balanced, fnir)
        for loss, values in table.items()
        for seed, (balanced, fnir) in enumerate(values)
    ]
    balanced, fnir = JUDGED[0], JUDGED[1]

    assert verdict(runs, balanced) == (
        "5 images a person, balanced accuracy: a is best with 81.00 ± 1.00 %, 4.50 from b "
        "(76.50 ± 5.68); the seeds do not tell it from b."
    )
    assert verdict(runs, fnir) == (
        "5 images a person, FNIR at an FPIR of 1 %: a is best with 20.00 ± 10.00 %, 30.00 from b "
        "(50.00 ± 10.00); each of its runs is better than every run of any other loss."
    )
    assert verdict(runs, JUDGED[3]) == ""
    assert verdict(runs[::3], balanced).endswith("one seed tells no difference from chance.")


def test_report_has_a_row_a_loss_its_settings_and_a_plot(tmp_path: Path) -> None:
    pack = write_people(tmp_path / "pack", COUNTS)
    arguments = ["compare-losses", str(pack.folder), str(tmp_path / "out"), "--per-person", "2,6"]
    recipe = tmp_path / "toy.toml"
    recipe.write_text(
        "[net]\nwidths = [4, 4, 8, 8]\nblocks = [0, 1, 0, 0]\nhead_width = 16\n"
        "embedding_dim = 16\ncrop_size_px = 16\n[augment]\ndownscale_share = 0.0\n"
        "occlusion_share = 0.0\n[loop]\nbatch_size = 8\nn_threads = 1\n"
    )
    arguments += ["--recipe", str(recipe), "loop.precision=f32", "--images-seen", "16"]
    arguments += ["--losses", "arcface,circle", "--seeds", "2"]
    arguments += ["--report", str(tmp_path / "docs" / "losses.md")]

    outcome = CliRunner().invoke(train_group, arguments, catch_exceptions=False)

    assert outcome.exit_code == 0
    assert "8 of 8 runs" in outcome.output
    text = (tmp_path / "docs" / "losses.md").read_text()
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()[1:]
    runs = [RunFigures(**json.loads(line)) for line in lines]
    for k in (2, 6):
        section = text.split(f"## {k} images a person")[1].split("##")[0]
        for loss in ("arcface", "circle"):
            some = [100 * r.balanced_accuracy for r in runs if (r.loss, r.per_person) == (loss, k)]
            mean, spread = np.mean(some), np.std(some, ddof=1)
            assert f"| {loss} | 2 | {mean:.2f} ± {spread:.2f} |" in section
    assert "16 images seen in 2 steps of 8" in text
    assert "| arcface | scale 32.0, margin_rad 0.3, n_centers 1 | recipe lean-arcface |" in text
    plot = (tmp_path / "docs" / "losses.svg").read_text()
    assert plot.count("<use") >= 8
    assert report_text(Results.open(tmp_path / "out"), "losses.svg") == text


@pytest.mark.parametrize("text", ["", "2,x", "1,2", "2,,5"])
def test_numbers_of_images_are_checked(text: str) -> None:
    with pytest.raises(ConfigError, match="names no numbers"):
        parse_per_person(text)


def test_an_unknown_loss_is_refused_with_the_list() -> None:
    with pytest.raises(ConfigError, match="'arcfaec'"):
        chosen_contenders("arcfaec")


def test_lfw_pack_measures_view_2(tmp_path: Path) -> None:
    """Two folds of four pairs; one image has no crop, so its two pairs are errors."""
    names = [f"P{n}" for n in range(4)]
    data = tmp_path / "lfw"
    for name in names:
        (data / "images" / name).mkdir(parents=True)
        for i in (1, 2):
            (data / "images" / name / f"{name}_{i:04d}.jpg").touch()
    same = "P0\t1\t2\nP1\t1\t2\n", "P2\t1\t2\nP3\t1\t2\n"
    different = "P0\t1\tP1\t1\nP0\t2\tP1\t2\n", "P2\t1\tP3\t1\nP2\t2\tP3\t2\n"
    (data / "pairs.txt").write_text("2\t2\n" + same[0] + different[0] + same[1] + different[1])
    files = [f"{name}/{name}_{i:04d}.jpg" for name in names for i in (1, 2)]
    packed = [file for file in files if file != "P3/P3_0002.jpg"]
    items = [PackItem("lfw", "", "", (data / "images" / file).as_posix()) for file in packed]
    write_pack(tmp_path / "kept" / "lfw-16", np.zeros((7, 16, 16, 3), np.uint8), items)
    vectors = np.eye(4, dtype=np.float32)[[names.index(file[:2]) for file in packed]]

    lfw = open_lfw(data, tmp_path / "kept", 16)

    assert lfw.accuracy(vectors) == pytest.approx((4 / 4 + 2 / 4) / 2)
