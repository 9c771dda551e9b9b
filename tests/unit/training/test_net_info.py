"""What nets cost: small cases by hand, torch's own counter, gradients, published figures."""

from __future__ import annotations

import json
import time

import pytest
import torch
from click.testing import CliRunner
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from facerec.errors import ConfigError
from tests.helpers.tiny_nets import TINY_NETS
from training import net_info as subject
from training.commands import train
from training.net_info import activation_bytes, crop_time, multiply_adds, receptive_field
from training.recipe import NetSettings
from training.train import build_net


def hand_made() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3, padding=1, groups=2, bias=False),
        nn.Flatten(),
        nn.Linear(6 * 4 * 4, 5),
    )


def test_multiply_adds_by_hand() -> None:
    # Positions x channels x products each: 16 * 4 * 27, 16 * 6 * 18 (half the channels in), 5 * 96.
    assert multiply_adds(hand_made(), 8) == 16 * 4 * 27 + 16 * 6 * 18 + 5 * 96


@pytest.mark.parametrize("settings", TINY_NETS.values(), ids=TINY_NETS)
def test_multiply_adds_equal_half_of_torch_s_operations(settings: NetSettings) -> None:
    net, side = build_net(settings).eval(), settings.crop_size_px
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        net(torch.zeros(1, 3, side, side))

    assert multiply_adds(net, side) == counter.get_total_flops() / 2


@pytest.mark.parametrize(
    ("name", "dimension", "millions"),
    [("iresnet50", 512, 6309), ("iresnet100", 512, 12090), ("mobilefacenet", 128, 221)],
)
def test_multiply_adds_of_the_published_nets(name: str, dimension: int, millions: int) -> None:
    """InsightFace states 6.3 and 12.1 G, Zhang 2019 (SeesawFaceNets) 221 M."""
    with torch.device("meta"):
        assert round(multiply_adds(build_net(NetSettings(name, dimension)), 112) / 1e6) == millions


def test_shared_layer_counts_each_time_and_attention_is_not_guessed() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(3, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(self.layer(x))

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2)
            self.last = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tokens = x.reshape(-1, 1, 4)
            return self.last(self.attention(tokens, tokens, tokens)[0])

    assert multiply_adds(Twice(), 4) == 2 * 16 * 9
    assert multiply_adds(Attention(), 4) is None


class Branches(nn.Module):
    """A long way, a pooling and a shortcut, all with another reach."""

    def __init__(self) -> None:
        super().__init__()
        self.long = nn.Sequential(
            nn.Conv2d(3, 3, 3, stride=2, padding=1), nn.Conv2d(3, 3, (1, 5), padding=(0, 2))
        )
        self.pool = nn.AvgPool2d(3, stride=2, padding=1)
        self.shortcut = nn.Conv2d(3, 3, 1, stride=2)
        self.after = nn.Conv2d(3, 3, 3, dilation=2, padding=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(self.long(x) + self.pool(x) + self.shortcut(x))


class OffCentre(nn.Module):
    """One way looks to the left, the other one to the right: the union is longer than either."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Conv2d(3, 3, 5, padding=4)
        self.right = nn.Conv2d(3, 3, 5, padding=0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left: torch.Tensor = self.left(x)
        side = x.shape[-1]
        return left[..., : side - 4, : side - 4] + self.right(x)


def chain() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 3, 7, stride=2, padding=3), nn.AvgPool2d(2), nn.Conv2d(3, 3, 3, padding=1)
    )


def support(net: nn.Module, side: int) -> int:
    """Pixels in a row whose gradient is not zero, seen from the middle of the map."""
    x = torch.randn(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    last = net.double().eval()(x)
    middle = last.shape[-1] // 2
    last[0, :, middle, middle].sum().backward()
    assert x.grad is not None
    seen = x.grad[0].abs().sum(0) > 0
    extents = []
    for axis in (0, 1):
        along = torch.nonzero(seen.any(axis))
        extents.append(int(along.max() - along.min()) + 1)
    assert max(extents) < side, "the field reaches beyond the crop"
    return max(extents)


@pytest.mark.parametrize(
    ("net", "by_hand"),
    [
        # 7, then 7 + 1 * 2 (jump 2), then + 2 * 4 (jump 4).
        pytest.param(chain(), 7 + 2 + 2 * 4, id="chain"),
        # 3, + 4 * 2 across, + 2 * 2 * 2 for the distance of two.
        pytest.param(Branches(), 3 + 8 + 8, id="branches, of which the longest counts"),
        # -4..0 and 0..4.
        pytest.param(OffCentre(), 9, id="ways to either side"),
    ],
)
def test_receptive_field_by_hand_and_by_gradient(net: nn.Module, by_hand: int) -> None:
    assert receptive_field(net) == by_hand == support(net, 64)


@pytest.mark.parametrize(
    ("name", "side"), [("lean", 240), ("iresnet", 144), ("mobilefacenet", 272)]
)
def test_receptive_field_of_families_is_the_support_of_the_gradient(name: str, side: int) -> None:
    net = build_net(TINY_NETS[name])
    layers = [net.stages] if name != "iresnet" else [net.stem, net.stages]

    assert receptive_field(net) == support(nn.Sequential(*layers), side)


@pytest.mark.parametrize(
    ("backbone", "pixels"), [("alexnet", 195), ("vgg16", 212), ("resnet18", 435)]
)
def test_receptive_field_of_torchvision_s_nets_as_published(backbone: str, pixels: int) -> None:
    """Araujo et al. 2019 for the first two; ResNet-18 by the sum over its layers."""
    with torch.device("meta"):
        net = build_net(NetSettings("torchvision", settings={"backbone": backbone}))

    assert receptive_field(net) == pixels


def test_activations_by_hand() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),  # keeps its input
        nn.ReLU(),  # keeps its output,
        nn.MaxPool2d(2),  # its input, which is the same, and an index (8 bytes) a position
        nn.Flatten(),
        nn.Linear(64, 5),  # its input, a view of the pooled map
    )

    assert activation_bytes(net, 8) == 4 * (3 * 64 + 4 * 64) + 8 * 64 + 4 * 64


def test_activations_of_a_mask_and_of_what_is_done_in_place() -> None:
    masked = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.Dropout(0.5))
    in_place = nn.Sequential(
        nn.Conv2d(3, 4, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
    )

    # The crop and the mask; the crop, what goes into the norm, and what leaves the activation.
    assert activation_bytes(masked, 4) == 4 * 16 * (3 + 4)
    assert activation_bytes(in_place, 4) == 4 * 16 * (3 + 4 + 4)


class Slow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.02)
        return x


def test_time_is_per_crop_and_has_its_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "RUNS_S", 0.0)

    timed = crop_time(Slow(), 8, 4)

    lower, upper = timed.quartiles_ms
    assert 5 <= lower <= timed.median_ms <= upper
    assert timed.median_ms < 20
    assert (timed.batch_size, timed.n_runs) == (4, subject.MIN_RUNS)


def test_command_answers_for_readers_and_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "RUNS_S", 0.0)
    words = ["info", "mobilefacenet", "net.settings.width=0.125", "net.crop_size_px=32"]

    text = CliRunner().invoke(train, words, catch_exceptions=False).output
    answer = json.loads(
        CliRunner().invoke(train, [*words, "--json"], catch_exceptions=False).output
    )

    net = build_net(NetSettings("mobilefacenet", 512, 32, {"width": 0.125}))
    assert answer["parameters"] == sum(p.numel() for p in net.parameters())
    assert answer["multiply_adds"] == multiply_adds(net, 32)
    assert answer["receptive_field_px"] == 227
    assert answer["activation_bytes"] == activation_bytes(net, 32)
    assert [each["batch_size"] for each in answer["times"]] == [1, 32]
    assert answer["net"]["settings"] == {"width": 0.125}
    assert f"{answer['multiply_adds']:,}" in text
    assert "batch of 32" in text


def test_unknown_net_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'mobilefacenet'"):
        CliRunner().invoke(train, ["info", "mobilfacenet"], catch_exceptions=False)
