"""Training with labels: batches of people, sums of losses, whole runs with each of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from facerec.errors import Cancelled, ConfigError
from tests.helpers.stop_at import StopAt
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.checkpoint import load_checkpoint
from training.data.batches import People, balanced_rows_of_step, people_of_step
from training.errors import DatasetError
from training.heads.semi_siamese import SemiSiameseHead
from training.objective import HEADS, LOSSES, NO_LABEL, Objective
from training.recipe import RECIPES_DIR, load_recipe, recipe_from_table
from training.train import train


def table(**sections: dict[str, object]) -> dict[str, object]:
    return TOY_RECIPE | sections


def draw(labels: np.ndarray, step: int, n_people: int, n_images: int) -> np.ndarray:
    people = People.of(np.arange(len(labels)) + 100, labels)
    return people_of_step(people, step, n_people=n_people, n_images=n_images, seed=4)


@pytest.mark.parametrize(
    ("counts", "n_people", "n_images"),
    [
        pytest.param([4, 4, 4, 4], 4, 4, id="exactly P people, exactly K crops"),
        pytest.param([4, 3, 4], 2, 4, id="one crop short"),
        pytest.param([9, 2, 5, 7, 2, 2], 3, 4, id="many and few"),
        pytest.param([1, 2, 1, 2], 2, 3, id="people with one crop"),
    ],
)
def test_a_batch_has_p_people_with_k_crops_each(counts, n_people: int, n_images: int) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))

    for step in range(7):
        rows = draw(labels, step, n_people, n_images)

        drawn = Counter(labels[rows - 100].tolist())
        assert len(drawn) == n_people
        assert set(drawn.values()) == {n_images}
        assert all(counts[person] >= 2 for person in drawn)
        for person in drawn:
            shown = Counter(rows[labels[rows - 100] == person].tolist())
            # Nobody's crop comes twice before all have come once.
            assert max(shown.values()) == -(-n_images // counts[person])


def test_one_pass_shows_everybody_once_and_the_next_another_order() -> None:
    labels = np.repeat(np.arange(12), 3)

    passes = [
        np.concatenate([labels[draw(labels, step, 4, 2) - 100][::2] for step in range(a, a + 3)])
        for a in (0, 3)
    ]

    assert all(sorted(people) == list(range(12)) for people in passes)
    assert list(passes[0]) != list(passes[1])
    assert (draw(labels, 5, 4, 2) == draw(labels, 5, 4, 2)).all()


def test_too_few_people_are_said() -> None:
    labels = np.array([0, 0, 1, 1, 2])

    with pytest.raises(DatasetError, match="2 people with two crops or more and a batch needs 3"):
        draw(labels, 0, 3, 2)


def test_balanced_batches_show_everybody_equally_often_and_their_crops_in_turn() -> None:
    counts = [1, 2, 5, 40, 3]
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(5), counts))
    people = People.of(np.arange(len(labels)) + 100, labels)

    batches = [balanced_rows_of_step(people, s, batch_size=8, seed=2) for s in range(25)]
    drawn = np.concatenate(batches)

    assert (np.bincount(labels[drawn - 100]) == 40).all()
    for person, count in enumerate(counts):
        shown = drawn[labels[drawn - 100] == person]
        turns = shown.reshape(-1, count) if 40 % count == 0 else shown[:39].reshape(-1, count)
        assert all(len(set(turn)) == count for turn in turns.tolist())
    again = balanced_rows_of_step(people, 17, batch_size=8, seed=2)
    assert (again == batches[17]).all()
    assert (balanced_rows_of_step(people, 17, batch_size=8, seed=3) != again).any()


def test_recipe_chooses_the_sampling(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    balanced = TOY_RECIPE["loop"] | {"sampling": "balanced"}

    train(recipe_from_table(table(loop=balanced)), pack, tmp_path / "run")

    plain = load_checkpoint(train(recipe_from_table(table()), pack, tmp_path / "plain"))
    changed = load_checkpoint(tmp_path / "run" / "last.pt")
    assert any(not torch.equal(plain.net[key], changed.net[key]) for key in plain.net)
    mistyped = recipe_from_table(table(loop=balanced | {"sampling": "balansed"}))
    with pytest.raises(ConfigError, match="Did you mean 'balanced'"):
        train(mistyped, pack, tmp_path / "mistyped")
    assert not (tmp_path / "mistyped").exists()


def test_nobody_known_cannot_be_balanced() -> None:
    nobody = People.of(np.zeros(0, np.int64), np.zeros(0, np.int64))

    with pytest.raises(DatasetError, match="no people"):
        balanced_rows_of_step(nobody, 0, batch_size=4, seed=0)


def test_objective_is_the_weighted_sum_over_those_it_concerns() -> None:
    recipe = recipe_from_table(
        table(
            distill={"weight": 0.5},
            head={"name": "cosface", "weight": 2.0, "settings": {"scale": 8.0}},
            metric={"name": "contrastive", "weight": 3.0},
        )
    )
    torch.manual_seed(0)
    objective = Objective(recipe, n_classes=3)
    rng = torch.Generator().manual_seed(1)
    embeddings = torch.randn(5, 16, generator=rng)
    targets = torch.nn.functional.normalize(torch.randn(5, 16, generator=rng))
    labels = torch.tensor([0, NO_LABEL, 2, 0, 1])

    loss = objective(embeddings, targets, labels)

    known = labels >= 0
    parts = [
        0.5 * objective.distill(embeddings, targets),
        2 * objective.head(embeddings[known], labels[known]),
        3 * objective.metric(embeddings[known], labels[known]),
    ]
    assert loss.item() == pytest.approx(sum(part.item() for part in parts), rel=1e-6)


def test_recipes_without_a_loss_or_with_a_wrong_setting_are_refused() -> None:
    with pytest.raises(ConfigError, match="no loss"):
        Objective(recipe_from_table(table(distill={"weight": 0.0})), n_classes=3)
    with pytest.raises(ConfigError, match="Did you mean 'arcface'"):
        Objective(recipe_from_table(table(head={"name": "arcfase"})), n_classes=3)
    wrong = {"name": "arcface", "settings": {"margin_deg": 28.6}}
    with pytest.raises(ConfigError, match="margin_deg"):
        Objective(recipe_from_table(table(head=wrong)), n_classes=3)


@pytest.mark.parametrize("name", HEADS.names())
def test_a_run_with_each_head_goes_through(name: str, tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    (pack.folder / "targets.npy").unlink()  # (nobody asks a teacher)
    in_pairs = name == "semi-siamese"
    recipe = recipe_from_table(
        table(
            loop=TOY_RECIPE["loop"] | {"steps": 2},
            distill={"weight": 0.0},
            head={"name": name, "neck": not in_pairs},
            metric={"people": 4, "images": 2} if in_pairs else {},
        )
    )

    assert train(recipe, pack.folder, tmp_path / "run").exists()


@pytest.mark.parametrize("name", LOSSES.names())
def test_a_run_with_each_metric_loss_goes_through(name: str, tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    recipe = recipe_from_table(
        table(
            loop=TOY_RECIPE["loop"] | {"steps": 2},
            distill={"weight": 0.0},
            metric={"name": name, "people": 4, "images": 2},
        )
    )

    assert train(recipe, pack.folder, tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("head", "metric"),
    [
        pytest.param(
            {"name": "adaface", "weight": 0.1, "neck": True},
            {"name": "triplet", "people": 4, "images": 2},
            id="running statistics and a norm",
        ),
        pytest.param(
            {"name": "semi-siamese", "settings": {"queue": 20}},
            {"name": "circle", "people": 4, "images": 2, "memory": 20, "memory_warmup": 2},
            id="prototypes and a memory",
        ),
    ],
)
def test_a_resumed_joint_run_equals_an_unbroken_one(
    head: dict[str, object], metric: dict[str, object], tmp_path: Path
) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    recipe = recipe_from_table(table(head=head, metric=metric))
    whole = load_checkpoint(train(recipe, pack, tmp_path / "whole"))

    with pytest.raises(Cancelled):
        train(recipe, pack, tmp_path / "broken", task=StopAt(5))
    resumed = load_checkpoint(train(recipe, pack, tmp_path / "broken", resume=True))

    for state in ("net", "average", "objective"):
        ours, theirs = getattr(resumed, state), getattr(whole, state)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_prototypes_come_from_the_averaged_net(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    recipe = recipe_from_table(
        table(
            loop=TOY_RECIPE["loop"] | {"steps": 3},
            head={"name": "semi-siamese"},
            metric={"people": 4, "images": 2},
        )
    )
    forward, seen = SemiSiameseHead.forward, []

    def watched(self, embeddings, labels, gallery=None):
        seen.append((embeddings.detach(), gallery))
        return forward(self, embeddings, labels, gallery)

    monkeypatch.setattr(SemiSiameseHead, "forward", watched)
    train(recipe, pack.folder, tmp_path / "run")

    assert len(seen) == 3
    assert all(gallery.shape == (8, 16) and not gallery.requires_grad for _, gallery in seen)
    assert not any(torch.allclose(embeddings, gallery) for embeddings, gallery in seen)


@pytest.mark.parametrize(
    ("head", "metric", "sentence"),
    [
        ({"neck": True}, {"people": 4, "images": 2}, "no norm may lie"),
        ({}, {}, "two crops of a person"),
        ({}, {"people": 4, "images": 1}, "two crops of a person"),
    ],
)
def test_prototypes_need_pairs_and_no_norm(
    head: dict[str, object], metric: dict[str, object], sentence: str
) -> None:
    recipe = recipe_from_table(table(head={"name": "semi-siamese"} | head, metric=metric))

    with pytest.raises(ConfigError, match=sentence):
        Objective(recipe, n_classes=3)


def test_batches_of_people_must_fit_the_recipe_and_the_pack(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder

    with pytest.raises(ConfigError, match=r"loop\.batch_size=6"):
        train(
            recipe_from_table(table(metric={"name": "triplet", "people": 3, "images": 2})),
            pack,
            tmp_path / "a",
        )
    many = table(
        loop=TOY_RECIPE["loop"] | {"batch_size": 80},
        metric={"name": "triplet", "people": 40, "images": 2},
    )
    with pytest.raises(DatasetError, match="80"):
        train(recipe_from_table(many), pack, tmp_path / "b")


LABELLED = [
    path.stem
    for path in sorted(RECIPES_DIR.glob("*.toml"))
    if load_recipe(path.stem).distill.weight == 0
]


# What makes a recipe's net small, by the name of the net.
SMALL = {
    "lean": (
        "net.settings.widths=[4, 4, 8, 8]",
        "net.settings.blocks=[0, 1, 0, 0]",
        "net.settings.head_width=16",
        "net.crop_size_px=32",
    ),
    "iresnet18": (
        "net.settings.widths=[4, 4, 8, 8]",
        "net.settings.blocks=[1, 1, 1, 1]",
        "net.crop_size_px=32",
        "loop.batch_size=16",
    ),
    "mobilefacenet": ("net.settings.width=0.125", "net.crop_size_px=32", "loop.batch_size=16"),
    "torchvision": ("net.crop_size_px=32", "loop.batch_size=16"),
    "inception-resnet-v1": ("net.crop_size_px=80", "loop.batch_size=2"),
}


@pytest.mark.parametrize("name", LABELLED)
def test_each_shipped_recipe_without_teachers_takes_two_steps(name: str, tmp_path: Path) -> None:
    rest = ("net.embedding_dim=16", "loop.steps=2", "loop.precision=f32")
    recipe = load_recipe(name, SMALL[load_recipe(name).net.name] + rest)
    pack = write_toy_pack(tmp_path / "pack", n_people=100, side=recipe.net.crop_size_px)

    last = train(recipe, pack.folder, tmp_path / "run")

    assert load_checkpoint(last).step == 2
