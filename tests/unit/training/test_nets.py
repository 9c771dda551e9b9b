"""The nets: shapes, gradients, sizes as published, structure, weights, settings, old recipes."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from facenet_pytorch import InceptionResnetV1
from torch import nn
from torch.nn import functional as F

from facerec.errors import (
    ConfigError,
    ShapeError,
    WeightsCorruptError,
    WeightsIncompatibleError,
    WeightsMissingError,
)
from facerec.runtime import open_session
from tests.helpers.tiny_nets import TINY_DIM, TINY_NETS
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.export import export_onnx
from training.nets.iresnet import ImprovedBlock
from training.nets.mobilefacenet import Bottleneck
from training.nets.registry import NETS, settings_of
from training.recipe import NetSettings, Recipe, load_recipe, recipe_from_table
from training.train import build_net, train

MODELS = Path(__file__).resolve().parents[3] / "models"
OTHER_BACKBONES = (
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "resnet18",
)


def crops(n: int, side: int) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def randomise(net: nn.Module) -> nn.Module:
    """Give norms, biases and slopes values that cannot be mistaken for none."""
    generator = torch.Generator().manual_seed(1)
    for name, value in [*net.named_parameters(), *net.named_buffers()]:
        if value.ndim == 1 and value.is_floating_point():
            low = 0.5 if "var" in name else 0.1
            value.data.uniform_(low, 1, generator=generator)
    return net


@pytest.mark.parametrize("settings", TINY_NETS.values(), ids=TINY_NETS)
def test_one_crop_gives_one_vector_and_every_parameter_learns(settings: NetSettings) -> None:
    torch.manual_seed(0)
    net = build_net(settings)

    with torch.no_grad():
        one = net.eval()(crops(1, settings.crop_size_px))
    vectors = net.train()(crops(4, settings.crop_size_px))
    (vectors * torch.randn(4, TINY_DIM)).sum().backward()

    assert one.shape == (1, TINY_DIM)
    assert vectors.shape == (4, TINY_DIM)
    assert [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_all_registered_families_are_among_the_tiny_ones() -> None:
    depths = {"iresnet34", "iresnet100"}
    # (Other tests enter nets of their own.)
    families = {name for name in NETS.names() if not name.endswith("-for-tests")}

    assert {settings.name for settings in TINY_NETS.values()} == families - depths


@pytest.mark.parametrize("backbone", OTHER_BACKBONES)
def test_torchvision_s_families_end_in_an_embedding(backbone: str) -> None:
    settings = {"backbone": backbone}
    net = build_net(NetSettings("torchvision", TINY_DIM, 32, settings))

    with torch.no_grad():
        assert net.eval()(crops(1, 32)).shape == (1, TINY_DIM)
    linears = [m for m in net.modules() if isinstance(m, nn.Linear)]
    assert linears[-1].out_features == TINY_DIM
    assert all(linear.out_features != 1000 for linear in linears)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "name",
    [
        "iresnet with gates",
        "mobilefacenet",
        "shufflenet",
        pytest.param("inception", marks=pytest.mark.slow),
    ],
)
def test_exported_graph_agrees_with_the_net(name: str, tmp_path: Path) -> None:
    settings = TINY_NETS[name]
    weights = randomise(build_net(settings)).state_dict()
    checkpoint = Checkpoint(Recipe(net=settings), 1, weights, weights, {})
    save_checkpoint(tmp_path / "last.pt", checkpoint)

    exported = export_onnx(tmp_path / "last.pt", tmp_path / "net.onnx")

    assert exported.worst_cosine > 0.99999
    (vectors,) = open_session(exported.path.read_bytes()).run(
        crops(1, settings.crop_size_px).numpy()
    )
    assert vectors.shape == (1, TINY_DIM)


@pytest.mark.parametrize(
    ("name", "dimension", "millions"),
    [
        # InsightFace's model zoo and the papers; MobileFaceNet's 0.99 M leave the slopes out.
        pytest.param("iresnet18", 512, 24.0, id="IResNet-18"),
        pytest.param("iresnet34", 512, 34.1, id="IResNet-34"),
        pytest.param("iresnet50", 512, 43.6, id="IResNet-50"),
        pytest.param("iresnet100", 512, 65.2, id="IResNet-100"),
        pytest.param("mobilefacenet", 128, 1.0, id="MobileFaceNet"),
    ],
)
def test_sizes_are_the_published_ones(name: str, dimension: int, millions: float) -> None:
    with torch.device("meta"):
        net = build_net(NetSettings(name, dimension))

    assert round(sum(p.numel() for p in net.parameters()) / 1e6, 1) == millions


def test_mobilefacenet_has_the_maps_of_its_table() -> None:
    net = build_net(NetSettings("mobilefacenet", 128)).eval()
    shapes = []
    for layer in [*net.stages, net.head[0], net.head[1], net.head[4]]:
        layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))

    with torch.no_grad():
        net(crops(1, 112))

    assert shapes == [
        (64, 56, 56), (64, 56, 56), *[(64, 28, 28)] * 5, (128, 14, 14), *[(128, 14, 14)] * 6,
        (128, 7, 7), *[(128, 7, 7)] * 2, (512, 7, 7), (512,), (128,),
    ]  # fmt: skip
    slopes = sum(m.weight.numel() for m in net.modules() if isinstance(m, nn.PReLU))
    assert round((sum(p.numel() for p in net.parameters()) - slopes) / 1e6, 2) == 1.0


def norm(x: torch.Tensor, layer: nn.BatchNorm2d) -> torch.Tensor:
    mean, var = layer.running_mean[:, None, None], layer.running_var[:, None, None]
    scaled = (x - mean) / torch.sqrt(var + 1e-5)
    return scaled * layer.weight[:, None, None] + layer.bias[:, None, None]


def prelu(x: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, x * slopes[:, None, None])


@pytest.mark.parametrize("squeeze_excite", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
def test_improved_block_equals_its_formula(stride: int, squeeze_excite: bool) -> None:
    """BN-Conv-BN-PReLU-Conv-BN, a gate on the channels, and the shortcut around both."""
    block = randomise(ImprovedBlock(32, 32, stride=stride, squeeze_excite=squeeze_excite)).eval()
    x = torch.randn(2, 32, 8, 8)

    with torch.no_grad():
        y = norm(x, block.inner[0])
        y = F.conv2d(y, block.inner[1].weight, padding=1)
        y = prelu(norm(y, block.inner[2]), block.inner[3].weight)
        y = norm(F.conv2d(y, block.inner[4].weight, stride=stride, padding=1), block.inner[5])
        if squeeze_excite:
            first, second = block.inner[6].fc1, block.inner[6].fc2
            inner = torch.relu(y.mean(dim=(2, 3)) @ first.weight[:, :, 0, 0].T + first.bias)
            gates = torch.sigmoid(inner @ second.weight[:, :, 0, 0].T + second.bias)
            assert inner.shape == (2, 2)
            y = y * gates[:, :, None, None]
        if stride == 2:
            x_there = x[:, :, ::2, ::2]
            kernel = block.shortcut[0].weight[:, :, 0, 0]
            shortcut = norm(torch.einsum("oc,bchw->bohw", kernel, x_there), block.shortcut[1])
        else:
            shortcut = x
        torch.testing.assert_close(block(x), shortcut + y, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("channels", "stride"), [(8, 1), (8, 2), (16, 1)])
def test_bottleneck_equals_its_formula(channels: int, stride: int) -> None:
    """Widen, PReLU, filter, PReLU, narrow without activation; a shortcut where shapes agree."""
    block = randomise(Bottleneck(8, channels, expansion=2, stride=stride)).eval()
    x = torch.randn(2, 8, 6, 6)
    (wide, wide_norm, wide_slopes), (deep, deep_norm, deep_slopes) = block.layers[:2]

    with torch.no_grad():
        y = prelu(norm(F.conv2d(x, wide.weight), wide_norm), wide_slopes.weight)
        y = F.conv2d(y, deep.weight, stride=stride, padding=1, groups=16)
        y = prelu(norm(y, deep_norm), deep_slopes.weight)
        y = norm(F.conv2d(y, block.layers[2].weight), block.layers[3])
        expected = x + y if (channels, stride) == (8, 1) else y
        torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-4)


def test_inception_is_the_package_s_net_on_its_own_scale_before_its_norm() -> None:
    package = randomise(InceptionResnetV1(classify=False)).eval()
    ours = build_net(NetSettings("inception-resnet-v1", 512, 160)).eval()
    ours.backbone.load_state_dict(package.state_dict())
    pixels = torch.randint(0, 256, (1, 3, 160, 160)).float()

    with torch.no_grad():
        expected = package((pixels - 127.5) / 128)
        vectors = ours((pixels - 127.5) / 127.5)

    assert vectors.norm() != pytest.approx(1, abs=0.01)
    torch.testing.assert_close(F.normalize(vectors), expected, rtol=1e-4, atol=1e-5)


def test_torchvision_s_nets_see_imagenet_s_mean_and_deviation() -> None:
    net = build_net(TINY_NETS["shufflenet"])
    seen = []
    net.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    pixels = torch.randint(0, 256, (2, 3, 32, 32)).float()

    net((pixels - 127.5) / 127.5)

    expected = torchvision.transforms.functional.normalize(
        pixels / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    )
    torch.testing.assert_close(seen[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        pytest.param(("iresnet18", {"squeeze_exite": True}), "Did you mean net.settings.squeeze_e"),
        pytest.param(("mobilefacenet", {"widht": 0.5}), "Did you mean net.settings.width?"),
        pytest.param(("lean", {"width": [4]}), "Did you mean net.settings.widths?"),
        pytest.param(("iresnet18", {"dropout": "much"}), "net.settings.dropout has a wrong type"),
        pytest.param(("iresnet18", {"blocks": [1, 1]}), "4 stages"),
        pytest.param(("iresnet18", {"blocks": [1, 0, 1, 1]}), "one block or more"),
        pytest.param(("iresnett18", {}), "Did you mean 'iresnet18'?"),
        pytest.param(("torchvision", {"backbone": "resnet19"}), "Did you mean 'resnet1"),
        pytest.param(("torchvision", {"backbone": "squeezenet1_0"}), "no place for an embedding"),
        pytest.param(("torchvision", {"backbone": "googlenet"}), "no torchvision net"),
    ],
)
def test_settings_a_net_does_not_take_are_refused(
    settings: tuple[str, dict[str, object]], sentence: str
) -> None:
    name, values = settings

    with pytest.raises(ConfigError) as caught:
        build_net(NetSettings(name, settings=values))

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("name", "side"), [("iresnet18", 100), ("iresnet18", 0), ("inception-resnet-v1", 74)]
)
def test_crops_a_net_cannot_take_are_refused(name: str, side: int) -> None:
    with pytest.raises(ConfigError, match="takes crops of"):
        build_net(NetSettings(name, crop_size_px=side))


def test_smallest_crops_go_through_inception() -> None:
    with torch.no_grad():
        net = build_net(NetSettings("inception-resnet-v1", TINY_DIM, 75)).eval()
        assert net(crops(1, 75)).shape == (1, TINY_DIM)


def test_iresnet_says_that_it_takes_one_side_only() -> None:
    net = build_net(TINY_NETS["iresnet"]).eval()

    with pytest.raises(ShapeError, match=r"takes crops of 32 px and got 48 px.*small_fraction"):
        net(crops(1, 48))


def test_mobilefacenet_takes_smaller_crops() -> None:
    net = build_net(TINY_NETS["mobilefacenet"]).eval()

    assert net(crops(2, 16)).shape == (2, TINY_DIM)


def test_unknown_setting_is_refused_before_a_run_begins(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack")
    recipe = recipe_from_table(TOY_RECIPE, ("net.settings.widhts=[4]",))

    with pytest.raises(ConfigError, match=r"Did you mean net\.settings\.widths"):
        train(recipe, pack.folder, tmp_path / "run")

    assert not (tmp_path / "run").exists()


def test_every_setting_of_every_net_can_be_overridden() -> None:
    assert settings_of("lean").keys() == {"widths", "blocks", "head_width"}
    assert settings_of("iresnet100").keys() == {"blocks", "widths", "squeeze_excite", "dropout"}
    assert settings_of("mobilefacenet") == {"width": float}
    assert settings_of("inception-resnet-v1") == {"dropout": float}
    assert settings_of("torchvision") == {"backbone": str, "weights": str}

    recipe = load_recipe("iresnet18-arcface", ("net.settings.blocks=[1, 1, 1, 1]",))

    assert recipe.net.settings == {"dropout": 0.4, "blocks": [1, 1, 1, 1]}


def test_first_recipes_mean_what_they_meant() -> None:
    first = {"widths": [32, 48, 96, 192], "blocks": [0, 2, 3, 1]}

    plain = recipe_from_table({"net": {"name": "lean", **first}})
    saved = recipe_from_table(
        {"net": {"name": "lean", **{k: tuple(v) for k, v in first.items()}, "head_width": 512}}
    )
    other = recipe_from_table({"net": {"widths": [4, 4, 8, 8]}})

    assert plain.net == saved.net
    assert other.net.settings == first | {"widths": [4, 4, 8, 8], "head_width": 512}
    shapes = [[p.shape for p in build_net(net).parameters()] for net in (plain.net, NetSettings())]
    assert shapes[0] == shapes[1]
    with pytest.raises(ConfigError, match=r"unknown key net\.widths"):
        recipe_from_table({"net": {"name": "iresnet18", "widths": [4]}})


def test_first_checkpoint_still_loads_and_agrees_with_its_model_file() -> None:
    checkpoint = load_checkpoint(MODELS / "lean.pt")
    net = build_net(checkpoint.recipe.net).eval()
    net.load_state_dict(checkpoint.average)
    x = crops(2, 112)

    with torch.no_grad():
        vectors = F.normalize(net(x)).numpy()

    (graph,) = open_session((MODELS / "lean.onnx").read_bytes()).run(x.numpy())
    graph = graph / np.linalg.norm(graph, axis=1, keepdims=True)
    assert np.sum(vectors * graph, axis=1).min() > 0.9999


def with_file(path: Path, backbone: str = "shufflenet_v2_x0_5") -> nn.Module:
    settings = {"backbone": backbone, "weights": str(path)}
    return build_net(NetSettings("torchvision", TINY_DIM, 32, settings), with_weights=True)


def shufflenet(n_classes: int) -> nn.Module:
    return torchvision.models.get_model("shufflenet_v2_x0_5", weights=None, num_classes=n_classes)


@pytest.mark.parametrize("n_classes", [7, 1000])
def test_weights_from_a_file_are_taken_but_for_the_classifier(
    tmp_path: Path, n_classes: int
) -> None:
    source = randomise(shufflenet(n_classes))
    torch.save(source.state_dict(), tmp_path / "weights.pt")

    net = with_file(tmp_path / "weights.pt")

    ours = net.backbone.state_dict()
    for name, value in source.state_dict().items():
        if not name.startswith("fc."):
            assert torch.equal(ours[name], value), name
    assert net.backbone.fc[0].out_features == TINY_DIM


def test_files_of_old_releases_without_counts_of_batches_are_taken(tmp_path: Path) -> None:
    weights = randomise(shufflenet(1000)).state_dict()
    old = {k: v for k, v in weights.items() if not k.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "weights.pt")

    net = with_file(tmp_path / "weights.pt")

    assert torch.equal(net.backbone.state_dict()["conv1.0.weight"], weights["conv1.0.weight"])


def test_weights_that_do_not_fit_are_refused_in_one_sentence(tmp_path: Path) -> None:
    whole = shufflenet(1000).state_dict()
    path = tmp_path / "weights.pt"

    with pytest.raises(WeightsMissingError, match="no weights file"):
        with_file(path)
    path.write_bytes(b"noise")
    with pytest.raises(WeightsCorruptError, match="cannot be read"):
        with_file(path)
    torch.save([1, 2], path)
    with pytest.raises(WeightsIncompatibleError, match="no state dict"):
        with_file(path)
    torch.save({k: v for k, v in whole.items() if k != "conv1.0.weight"}, path)
    with pytest.raises(WeightsIncompatibleError, match=r"1 entries.*conv1\.0\.weight"):
        with_file(path)
    torch.save(whole | {"conv1.0.weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsIncompatibleError, match=r"1 entries.*conv1\.0\.weight"):
        with_file(path)
    torch.save(whole | {"stage9.weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsIncompatibleError, match=r"1 entries.*stage9"):
        with_file(path)


def test_weights_to_start_from_are_not_asked_for_again(tmp_path: Path) -> None:
    """A checkpoint has its own; the file may be gone when it is exported or resumed."""
    settings = {"backbone": "shufflenet_v2_x0_5", "weights": str(tmp_path / "gone.pt")}

    build_net(NetSettings("torchvision", TINY_DIM, 32, settings))


def test_run_starts_from_the_file_and_resumes_without_it(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    source = randomise(shufflenet(1000))
    torch.save(source.state_dict(), tmp_path / "weights.pt")
    recipe = load_recipe(
        "resnet18-arcface",
        (
            "net.settings.backbone=shufflenet_v2_x0_5",
            f"net.settings.weights={tmp_path / 'weights.pt'}",
            "net.crop_size_px=32",
            "net.embedding_dim=16",
            "loop.batch_size=8",
            "loop.steps=1",
            "loop.precision=f32",
            "optimizer.learning_rate=0.0",
        ),
    )

    last = train(recipe, pack, tmp_path / "run")
    (tmp_path / "weights.pt").unlink()
    train(recipe, pack, tmp_path / "run", resume=True)
    train(recipe, pack, tmp_path / "second", start_from=last)

    key = "conv5.0.weight"
    assert torch.equal(load_checkpoint(last).net[f"backbone.{key}"], source.state_dict()[key])


def test_torchvision_s_own_weights_come_through_torchvision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = randomise(shufflenet(1000)).state_dict()
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", lambda *_, **__: source)
    settings = NetSettings(
        "torchvision", TINY_DIM, 32, {"backbone": "shufflenet_v2_x0_5", "weights": "default"}
    )

    net = build_net(settings, with_weights=True)

    assert torch.equal(net.backbone.state_dict()["conv1.0.weight"], source["conv1.0.weight"])

    def offline(*_: object, **__: object) -> None:
        raise URLError("offline")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(WeightsMissingError, match="cannot be downloaded"):
        build_net(settings, with_weights=True)
