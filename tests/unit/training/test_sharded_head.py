"""The sharded head beside the whole one, class sampling, and class vectors cut anew on resuming."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from facerec.errors import ConfigError
from tests.helpers.training_packs import TOY_RECIPE
from training.checkpoint import Checkpoint, load_checkpoint
from training.distributed import ALONE, World
from training.errors import CheckpointError
from training.heads.registry import HEADS
from training.heads.sharded import ShardedHead, _CrossEntropy
from training.objective import Objective
from training.recipe import recipe_from_table
from training.shards import load_shards, save_on_all_ranks

DIM, CLASSES = 6, 10
LABELS = torch.tensor([0, 9, 4, 4, 7])


def embeddings() -> torch.Tensor:
    drawn = torch.randn(len(LABELS), DIM, generator=torch.Generator().manual_seed(1))
    return drawn.double().requires_grad_()


def sharded(
    name: str = "arcface",
    n_classes: int = CLASSES,
    world: World = ALONE,
    class_share: float = 1.0,
    **settings: object,
) -> ShardedHead:
    return ShardedHead(
        lambda n: HEADS.get(name)(embedding_dim=DIM, n_classes=n, **settings),
        n_classes=n_classes,
        world=world,
        class_share=class_share,
    )


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("normalized-softmax", {"scale": 16.0}),
        ("cosface", {}),
        ("arcface", {}),
        ("arcface", {"scale": 2000.0}),
        ("sub-centre-arcface", {}),
        ("combined-margin", {"factor": 1.1}),
    ],
)
def test_one_process_gives_what_the_whole_head_gives(
    name: str, settings: dict[str, object]
) -> None:
    head = sharded(name, **settings).double()
    whole = HEADS.get(name)(embedding_dim=DIM, n_classes=CLASSES, **settings).double()
    whole.weight.data.copy_(head.held.weight)
    x, y = embeddings(), embeddings()

    loss, expected = head(x, LABELS), whole(y, LABELS)
    loss.backward()
    expected.backward()

    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(head.held.weight.grad, whole.weight.grad, rtol=1e-6, atol=1e-6)


def test_cross_entropy_has_the_exact_gradient() -> None:
    logits = 5 * torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    rows, columns = torch.tensor([0, 1, 2]), torch.tensor([3, 3, 0])

    assert torch.autograd.gradcheck(lambda z: _CrossEntropy.apply(z, rows, columns, ALONE), logits)


def test_batch_without_labels_costs_nothing() -> None:
    loss = sharded()(torch.zeros(0, DIM, requires_grad=True), torch.zeros(0, dtype=torch.int64))

    loss.backward()

    assert loss.item() == 0


def test_initial_vectors_do_not_depend_on_the_number_of_ranks() -> None:
    n_classes = 10_000  # more than one generator gives
    parts = [sharded(n_classes=n_classes, world=World(rank, 3)) for rank in range(3)]

    assert [part.first_class for part in parts] == [0, 3333, 6666]
    together = torch.cat([part.held.weight for part in parts])
    assert torch.equal(together, sharded(n_classes=n_classes).held.weight)
    assert 0.0099 < together.std().item() < 0.0101


def test_building_a_share_leaves_the_common_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)

    sharded()

    assert torch.equal(torch.rand(2), expected)


def test_sample_keeps_positives_and_the_share() -> None:
    head = sharded(n_classes=200, class_share=0.1)
    own = torch.tensor([199, 3, 3, 57])

    samples = [head.sample(own) for _ in range(20)]

    for sample in samples:
        assert len(sample) == 20
        assert torch.equal(sample, torch.unique(sample))
        assert set(own.tolist()) <= set(sample.tolist())
    assert len({tuple(sample.tolist()) for sample in samples}) == 20
    # 17 of 197 negatives a step: all but a few are met in 20 steps, none every time.
    counts = torch.bincount(torch.cat(samples), minlength=200)
    assert 120 < int((counts > 0).sum()) < 200
    assert int(counts[[i for i in range(200) if i not in {3, 57, 199}]].max()) < 15


def test_more_positives_than_the_share_are_all_kept() -> None:
    own = torch.tensor([5, 1, 8, 1])

    assert sharded(class_share=0.1).sample(own).tolist() == [1, 5, 8]


@pytest.mark.parametrize("n_centers", [1, 3])
def test_loss_is_that_of_the_sampled_classes_alone(n_centers: int) -> None:
    head = sharded(class_share=0.6, n_centers=n_centers).double()
    drawn = copy.deepcopy(head).sample(LABELS).tolist()
    weight = head.held.weight.detach().view(CLASSES, n_centers, DIM)
    small = HEADS.get("arcface")(embedding_dim=DIM, n_classes=len(drawn), n_centers=n_centers)
    small.weight.data = weight[drawn].flatten(0, 1)

    loss = head(embeddings(), LABELS)
    loss.backward()

    own = torch.tensor([drawn.index(label) for label in LABELS.tolist()])
    torch.testing.assert_close(loss, small(embeddings(), own))
    moved = head.held.weight.grad.view(CLASSES, n_centers, DIM).abs().sum(dim=(1, 2)) > 0
    assert moved.nonzero()[:, 0].tolist() == drawn
    assert len(drawn) == 6


def test_judging_takes_all_classes() -> None:
    head = sharded(class_share=0.4).double().eval()
    whole = sharded().double()

    torch.testing.assert_close(head(embeddings(), LABELS), whole(embeddings(), LABELS))


def test_resumed_head_goes_on_sampling_where_it_was() -> None:
    first, second = sharded(class_share=0.5), sharded(class_share=0.5)
    own = torch.tensor([1])
    first.sample(own)
    second.load_state_dict(first.state_dict())

    assert torch.equal(first.sample(own), second.sample(own))


def test_what_cannot_be_shared_out_is_said() -> None:
    with pytest.raises(ConfigError, match="2 people cannot be shared out to 3"):
        sharded(n_classes=2, world=World(0, 3))
    with pytest.raises(ConfigError, match="AdaFaceHead cannot be shared out"):
        sharded("adaface")
    with pytest.raises(ConfigError, match="a share of 0"):
        recipe_from_table({"head": {"sharded": True, "class_share": 0.0}})
    with pytest.raises(ConfigError, match="Only a sharded head"):
        recipe_from_table({"head": {"class_share": 0.5}})


class Apart(World):
    """A rank that is alone in its process: nothing to wait for."""

    def wait(self) -> None:
        return


RECIPE = recipe_from_table(
    TOY_RECIPE | {"distill": {"weight": 0.0}, "head": {"name": "cosface", "sharded": True}}
)


def objective_on(rank: int, size: int) -> tuple[Objective, torch.optim.Optimizer]:
    objective = Objective(RECIPE, n_classes=CLASSES, world=Apart(rank, size))
    return objective, torch.optim.AdamW(objective.parameters(), lr=0.1)


def save_run_of(size: int, path: Path, step: int = 4) -> torch.Tensor:
    """Save what ranks hold after a step; return (10, 16, 3) weights and both moments of AdamW."""
    everything = []
    for rank in reversed(range(size)):
        objective, optimizer = objective_on(rank, size)
        weight = next(objective.parameters())
        (weight * torch.arange(weight.numel()).view_as(weight)).sum().backward()
        optimizer.step()
        state = optimizer.state[weight]
        moments = state["exp_avg"], state["exp_avg_sq"]
        everything.append(torch.stack([weight.detach(), *moments], dim=2))
        saved = Checkpoint(RECIPE, step, {}, {}, optimizer.state_dict(), objective.state_dict())
        save_on_all_ranks(path, saved, objective, optimizer, Apart(rank, size))
    return torch.cat(everything[::-1])


@pytest.mark.parametrize(("before", "after"), [(1, 1), (3, 3), (3, 2), (1, 4), (4, 1)])
def test_vectors_and_their_moments_are_cut_anew_for_other_ranks(
    tmp_path: Path, before: int, after: int
) -> None:
    expected = save_run_of(before, tmp_path / "last.pt")
    saved = load_checkpoint(tmp_path / "last.pt")

    restored = []
    for rank in range(after):
        objective, optimizer = objective_on(rank, after)
        objective.load_state_dict(saved.objective)
        optimizer.load_state_dict(saved.optimizer)
        load_shards(tmp_path / "last.pt", saved.step, objective, optimizer)
        weight = next(objective.parameters())
        state = optimizer.state[weight]
        moments = state["exp_avg"], state["exp_avg_sq"]
        restored.append(torch.stack([weight.detach(), *moments], dim=2))
        assert float(state["step"]) == 1

    assert torch.equal(torch.cat(restored), expected)
    fresh, untouched = objective_on(0, 1)
    load_shards(tmp_path / "last.pt", saved.step, fresh, None)
    assert torch.equal(next(fresh.parameters()).detach(), expected[:, :, 0])
    assert untouched.state == {}
    assert saved.optimizer["state"] == {}
    assert not any("weight" in name for name in saved.objective)


def test_missing_and_stale_vectors_are_noticed(tmp_path: Path) -> None:
    last = tmp_path / "last.pt"
    save_run_of(4, last)
    save_run_of(2, last)  # of the same step, by fewer ranks
    save_run_of(2, last, step=6)

    assert sorted(path.name for path in (tmp_path / "shards").iterdir()) == ["last-00000006"]
    load_shards(last, 6, *objective_on(0, 1))
    (tmp_path / "shards" / "last-00000006" / "1.pt").unlink()
    with pytest.raises(CheckpointError, match="has 5 of the 10 class vectors"):
        load_shards(last, 6, *objective_on(0, 1))
    (tmp_path / "shards" / "last-00000006" / "0.pt").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_shards(last, 6, *objective_on(0, 1))


def test_optimiser_memory_that_is_not_by_rows_asks_for_the_same_ranks(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    for rank in (1, 0):
        objective, _ = objective_on(rank, 2)
        optimizer = torch.optim.Adafactor(objective.parameters())
        sum(p.square().sum() for p in objective.parameters()).backward()
        optimizer.step()
        saved = Checkpoint(RECIPE, 1, {}, {}, optimizer.state_dict(), objective.state_dict())
        save_on_all_ranks(path, saved, objective, optimizer, Apart(rank, 2))

    same, _ = objective_on(1, 2)
    load_shards(path, 1, same, torch.optim.Adafactor(same.parameters()))
    other, _ = objective_on(0, 1)
    with pytest.raises(CheckpointError, match="another number of processes"):
        load_shards(path, 1, other, torch.optim.Adafactor(other.parameters()))
