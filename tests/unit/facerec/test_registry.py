"""Tables of components."""

from __future__ import annotations

import pytest

from facerec.errors import ConfigError
from facerec.registry import Registry


@pytest.fixture
def tools() -> Registry[str]:
    registry: Registry[str] = Registry("tool")
    registry.register("hammer")("H")
    registry.register("drill")("D")
    return registry


def test_component_is_found_by_name(tools: Registry[str]) -> None:
    assert tools.get("hammer") == "H"


def test_names_are_sorted(tools: Registry[str]) -> None:
    assert tools.names() == ("drill", "hammer")


def test_decorator_gives_the_component_back() -> None:
    registry: Registry[type] = Registry("type")

    @registry.register("thing")
    class Thing:
        pass

    assert registry.get("thing") is Thing


def test_second_component_of_a_name_is_refused(tools: Registry[str]) -> None:
    with pytest.raises(ConfigError, match="two tools named 'hammer'"):
        tools.register("hammer")("other")

    assert tools.get("hammer") == "H"


def test_misspelt_name_gets_the_nearest(tools: Registry[str]) -> None:
    with pytest.raises(ConfigError, match=r"no tool named 'hamer'.*mean 'hammer'"):
        tools.get("hamer")


def test_unknown_name_gets_all(tools: Registry[str]) -> None:
    with pytest.raises(ConfigError, match="There are: drill, hammer"):
        tools.get("xyz")
