"""Small versions of every net a recipe can name, for tests that run them all."""

from __future__ import annotations

from training.recipe import NetSettings

TINY_DIM = 16


def tiny(name: str, side: int, **settings: object) -> NetSettings:
    """Settings of a net with a short embedding."""
    return NetSettings(name, TINY_DIM, side, settings)


FOUR = {"widths": [4, 4, 8, 8], "blocks": [1, 1, 2, 1]}
TINY_NETS = {
    "lean": tiny("lean", 32, **FOUR, head_width=16),
    "iresnet": tiny("iresnet18", 32, **FOUR),
    "iresnet with gates": tiny("iresnet50", 32, **FOUR, squeeze_excite=True),
    "mobilefacenet": tiny("mobilefacenet", 32, width=0.125),
    "inception": tiny("inception-resnet-v1", 80),
    "shufflenet": tiny("torchvision", 32, backbone="shufflenet_v2_x0_5"),
}
