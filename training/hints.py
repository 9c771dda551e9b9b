"""The inner maps of a net, overheard while it computes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from facerec.errors import ConfigError
from training.transfer import find_part


class InnerMaps:
    """What the named parts of a net gave in its latest computation.

    Attributes:
        maps: (B, C, H, W), in the order of the names; of the latest call of the net.
    """

    def __init__(self, net: nn.Module, names: Sequence[str]) -> None:
        """Listen to parts of a net.

        Raises:
            ConfigError: the net has no such part.
        """
        self._maps: dict[str, torch.Tensor] = {}
        self._names = tuple(names)
        for name in self._names:
            find_part(net, name).register_forward_hook(self._keep(name))

    @property
    def maps(self) -> tuple[torch.Tensor, ...]:
        """The maps."""
        return tuple(self._maps[name] for name in self._names)

    def _keep(self, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
        def hook(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            self._maps[name] = output

        return hook


def shapes_of_maps(
    net: nn.Module, names: Sequence[str], crop_size_px: int
) -> list[tuple[int, int, int]]:
    """Say how large the maps of some parts are: (C, H, W) each.

    Raises:
        ConfigError: the net has no such part, or it gives no map.
    """
    found: dict[str, tuple[int, ...]] = {}
    hooks = [
        find_part(net, name).register_forward_hook(
            lambda _module, _inputs, output, name=name: found.update({name: tuple(output.shape)})
        )
        for name in names
    ]
    was_training = net.training
    try:
        device = next(net.parameters()).device
        with torch.no_grad():
            net.eval()(torch.zeros(1, 3, crop_size_px, crop_size_px, device=device))
    finally:
        net.train(was_training)
        for hook in hooks:
            hook.remove()
    for name in names:
        if len(found.get(name, ())) != 4:
            raise ConfigError(
                f"The net's part {name!r} gives no map.",
                remedy="Name a part before the head in distill.hints.",
            )
    return [(found[name][1], found[name][2], found[name][3]) for name in names]


def hint_channels(
    own: Sequence[tuple[int, int, int]],
    theirs: Sequence[Sequence[tuple[int, int, int]]],
) -> list[tuple[int, int]]:
    """Pair the net's maps with each teacher's.

    Args:
        own: (C, H, W) of the net's maps.
        theirs: for each teacher (C', H, W) of as many maps.

    Returns:
        (C, C') of each pair, teacher by teacher.

    Raises:
        ConfigError: numbers or sizes differ.
    """
    pairs = []
    for maps in theirs:
        if not maps:
            continue
        if len(maps) != len(own) or any(a[1:] != b[1:] for a, b in zip(own, maps, strict=True)):
            raise ConfigError(
                f"The net's maps {list(own)} and the teacher's {list(maps)} (channels, height, "
                "width) do not lie on each other.",
                remedy="Name maps of equal height and width in distill.hints and teacher.hints.",
            )
        pairs += [(a[0], b[0]) for a, b in zip(own, maps, strict=True)]
    return pairs
