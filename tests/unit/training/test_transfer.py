"""Transfer learning: what stays, what moves slowly, which heads are taken over."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from facerec.errors import ConfigError
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.checkpoint import Checkpoint, load_checkpoint
from training.errors import CheckpointError
from training.nets.lean import LeanNet
from training.recipe import Recipe, recipe_from_table
from training.train import build_net, train
from training.transfer import freeze, is_part, rate_factor, training_mode

HEAD = {"distill": {"weight": 0.0}, "head": {"name": "arcface"}}


def recipe(**sections: dict[str, Any]) -> Recipe:
    merged = {name: TOY_RECIPE.get(name, {}) | part for name, part in sections.items()}
    return recipe_from_table(TOY_RECIPE | merged)


def steps(n: int, **sections: dict[str, Any]) -> Recipe:
    return recipe(loop={"steps": n}, **sections)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write_toy_pack(tmp_path / "pack").folder


def first_weights(pack: Path, run: Path) -> Checkpoint:
    return load_checkpoint(train(steps(2, **HEAD), pack, run))


def test_frozen_stages_stay_bit_for_bit_and_the_rest_moves(pack: Path, tmp_path: Path) -> None:
    start = first_weights(pack, tmp_path / "a").average

    chosen = steps(3, transfer={"freeze": ["stages.0", "head.0"]}, **HEAD)
    last = train(chosen, pack, tmp_path / "b", start_from=tmp_path / "a/last.pt")

    net = load_checkpoint(last).net
    same = {name for name, value in net.items() if torch.equal(value, start[name])}
    # Weights and statistics alike; nothing else stands still.
    assert same == {name for name in net if name.startswith(("stages.0.", "head.0."))}


def test_frozen_norms_keep_their_statistics_and_learn_their_weights(
    pack: Path, tmp_path: Path
) -> None:
    start = first_weights(pack, tmp_path / "a").average

    chosen = steps(3, transfer={"frozen_norms": True}, **HEAD)
    last = train(chosen, pack, tmp_path / "b", start_from=tmp_path / "a/last.pt")

    net = load_checkpoint(last).net
    same = {name for name, value in net.items() if torch.equal(value, start[name])}
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    assert same == {name for name in net if name.endswith(statistics)}


def test_rate_factors_scale_the_step_of_their_part(pack: Path, tmp_path: Path) -> None:
    start = first_weights(pack, tmp_path / "a").average
    plain = {"name": "sgd", "weight_decay": 0.0, "warmup_steps": 0, "learning_rate": 0.1}
    runs = {}
    for name, factors in {"even": {}, "layered": {"stages": 0.25, "stages.2": 2}}.items():
        chosen = steps(1, transfer={"rate_factors": factors}, optimizer=plain, **HEAD)
        last = train(chosen, pack, tmp_path / name, start_from=tmp_path / "a/last.pt")
        runs[name] = load_checkpoint(last).net

    for name, factor in {
        "stages.0.0.weight": 0.25,
        "stages.2.0.weight": 2,
        "head.4.weight": 1,
    }.items():
        moves = {run: (net[name] - start[name]) for run, net in runs.items()}
        assert moves["even"].abs().max() > 0
        torch.testing.assert_close(moves["layered"], factor * moves["even"], rtol=1e-2, atol=1e-6)


def test_parts_are_whole_names_and_the_longest_holds() -> None:
    assert is_part("stages.1.0.weight", "stages.1")
    assert not is_part("stages.10.0.weight", "stages.1")
    factors = {"stages": 0.1, "stages.1": 0.5}
    assert [
        rate_factor(f"{name}.weight", factors) for name in ("stages.1", "stages.10", "head")
    ] == [
        0.5,
        0.1,
        1.0,
    ]


def test_unknown_prefix_names_those_there_are() -> None:
    net = build_net(recipe().net)

    for transfer in ({"freeze": ["stage"]}, {"rate_factors": {"stage": 0.1}}):
        with pytest.raises(ConfigError) as caught:
            freeze(net, recipe(transfer=transfer).transfer)

        assert "no part 'stage'" in str(caught.value)
        assert "Did you mean 'stages'?" in str(caught.value)
        assert "head, head.0, head.2, head.3, head.4, head.5, stages, stages.0" in str(caught.value)


@pytest.mark.parametrize("factor", [0, -1.0, "fast", True, {"0": 0.1}])
def test_rate_factors_are_positive_numbers(factor: object) -> None:
    with pytest.raises(ConfigError, match="rate factor of head"):
        recipe(transfer={"rate_factors": {"head": factor}})


def test_everything_frozen_is_refused(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Nothing is left to train"):
        train(recipe(transfer={"freeze": ["stages", "head"]}), pack, tmp_path / "run")


def test_frozen_parts_stay_in_evaluation_mode() -> None:
    net = build_net(recipe().net)

    training_mode(net, freeze(net, recipe(transfer={"freeze": ["stages"]}).transfer))

    assert not any(module.training for module in net.stages.modules())
    assert all(module.training for module in net.head.modules())


def remarks_of(run: Path) -> list[str]:
    lines = (run / "log.jsonl").read_text().splitlines()
    return [e["sentence"] for e in map(json.loads, lines) if e["event"] == "remark"]


def test_head_of_the_same_people_is_taken_over(pack: Path, tmp_path: Path) -> None:
    first = first_weights(pack, tmp_path / "a")

    still = steps(1, optimizer={"learning_rate": 0.0}, **HEAD)
    last = train(still, pack, tmp_path / "b", start_from=tmp_path / "a/last.pt")

    for name, value in first.objective.items():
        assert torch.equal(load_checkpoint(last).objective[name], value), name
    assert remarks_of(tmp_path / "b") == []


def test_head_of_other_people_starts_afresh_and_says_so(pack: Path, tmp_path: Path) -> None:
    first = first_weights(pack, tmp_path / "a")
    more = write_toy_pack(tmp_path / "more", n_people=30).folder
    said: list[str] = []

    last = train(
        steps(1, **HEAD),
        more,
        tmp_path / "b",
        start_from=tmp_path / "a/last.pt",
        remark=said.append,
    )

    (before,), (after,) = first.objective.values(), load_checkpoint(last).objective.values()
    assert before.shape[0] == len(first.people) < after.shape[0]
    (sentence,) = remarks_of(tmp_path / "b")
    assert "starts afresh" in sentence
    assert f"{before.shape[0]} people" in sentence
    assert sentence in said


def test_weights_of_another_net_are_refused(pack: Path, tmp_path: Path) -> None:
    first_weights(pack, tmp_path / "a")

    wider = steps(1, net={"head_width": 24}, **HEAD)
    with pytest.raises(CheckpointError, match="do not fit"):
        train(wider, pack, tmp_path / "b", start_from=tmp_path / "a/last.pt")
    assert not (tmp_path / "b").exists()


def test_a_deeper_net_begins_with_the_answers_of_the_shallower(tmp_path: Path) -> None:
    def lean(blocks: tuple[int, ...], widths: tuple[int, ...] = (8, 8, 12, 16)) -> LeanNet:
        return LeanNet(
            widths=widths, blocks=blocks, head_width=16, embedding_dim=8, crop_size_px=32
        )

    torch.manual_seed(3)
    shallow = lean((0, 1, 2, 1))
    for module in shallow.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            for value in (module.weight, module.bias, module.running_mean, module.running_var):
                value.data.uniform_(0.2, 1.0)
    settings = {"widths": [8, 8, 12, 16], "blocks": [0, 1, 2, 1]}
    deep = lean((1, 1, 3, 2))
    state = deep.grown_state(shallow.state_dict(), settings)
    assert state is not None
    deep.load_state_dict(state)
    crops = torch.randn(5, 3, 32, 32)

    for mode in (True, False):
        torch.testing.assert_close(deep.train(mode)(crops), shallow.train(mode)(crops))
    (deep.train()(crops) * torch.randn(5, 8)).sum().backward()
    new_scales = [deep.stages[n].second[1].weight for n in (2, 10, 14)]
    assert all(scale.grad.any() for scale in new_scales)
    assert lean((0, 1, 1, 1)).grown_state(shallow.state_dict(), settings) is None
    wider = lean((1, 1, 3, 2), (8, 8, 12, 24))
    assert wider.grown_state(shallow.state_dict(), settings) is None


def test_a_run_starts_from_a_shallower_net(pack: Path, tmp_path: Path) -> None:
    first_weights(pack, tmp_path / "a")
    before = load_checkpoint(tmp_path / "a/last.pt")
    deeper = [n + 1 for n in before.recipe.net.settings["blocks"]]

    train(
        steps(1, net={"blocks": deeper}, **HEAD),
        pack,
        tmp_path / "b",
        start_from=tmp_path / "a/last.pt",
    )

    assert len(load_checkpoint(tmp_path / "b/last.pt").average) > len(before.average)
