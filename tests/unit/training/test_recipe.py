"""Recipes: shipped ones load, misspelt keys are refused with the nearest one."""

from pathlib import Path

import pytest

from facerec.errors import ConfigError
from training.recipe import RECIPES_DIR, load_recipe, recipe_from_table, recipe_to_table


@pytest.mark.parametrize("name", sorted(p.stem for p in RECIPES_DIR.glob("*.toml")))
def test_shipped_recipe_survives_a_round_trip(name: str) -> None:
    recipe = load_recipe(name)

    assert recipe_from_table(recipe_to_table(recipe)) == recipe


def test_overrides_replace_values() -> None:
    recipe = load_recipe("lean-distill", ("loop.steps=12", "optimizer.learning_rate=1", "name=x"))

    assert (recipe.loop.steps, recipe.optimizer.learning_rate, recipe.name) == (12, 1.0, "x")


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        pytest.param("loop.stps=1", "loop.steps", id="misspelt key names the nearest"),
        pytest.param("lop.steps=1", "Did you mean loop", id="misspelt section"),
        pytest.param("loop.steps=many", "wrong type", id="text for a number"),
        pytest.param("loop.steps=true", "wrong type", id="boolean for a number"),
        pytest.param("loop.steps", "section.key=value", id="no value"),
        pytest.param("teacher=[{file='a'}]", "incomplete", id="teacher without weight"),
    ],
)
def test_bad_override_is_refused(override: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe("lean-distill", (override,))

    assert sentence in str(caught.value)


def test_unknown_recipe_names_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match="lean-distill"):
        load_recipe("nonsense")


def test_new_sections_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        """
        [optimizer]
        name = "sgd"
        settings = { momentum = 0.9, nesterov = true }
        schedule = "step"
        milestones = [0.5, 0.8]

        [transfer]
        freeze = ["stages.0", "stages.2"]
        rate_factors = { stages = 0.1, "head.4" = 2 }
        """
    )

    recipe = load_recipe(str(tmp_path / "mine.toml"), ("loop.accumulate=4",))

    assert recipe.optimizer.settings == {"momentum": 0.9, "nesterov": True}
    assert recipe.optimizer.milestones == (0.5, 0.8)
    assert recipe.transfer.freeze == ("stages.0", "stages.2")
    assert recipe.transfer.rate_factors == {"stages": 0.1, "head.4": 2}
    assert recipe.loop.accumulate == 4
    assert recipe_from_table(recipe_to_table(recipe)) == recipe


def test_recipe_of_an_older_program_has_the_defaults() -> None:
    table = recipe_to_table(recipe_from_table({}))
    older = {key: part for key, part in table.items() if key != "transfer"}
    older["optimizer"] = {"learning_rate": 0.002, "weight_decay": 0.05}

    assert recipe_from_table(older) == recipe_from_table({})
