"""Any classification net of torchvision, its last linear layer replaced by an embedding neck."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import nn
from torchvision import models

from facerec.errors import (
    ConfigError,
    WeightsCorruptError,
    WeightsIncompatibleError,
    WeightsMissingError,
)
from facerec.registry import Registry

# What torchvision's nets are built for when nothing else is asked.
N_CLASSES = 1000
# ImageNet's, of pixels in 0..1, as all of torchvision's weights expect them.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
# Their second, auxiliary outputs have no place in an embedding.
LEFT_OUT = ("googlenet", "inception_v3")

BACKBONES: Registry[Callable[..., nn.Module]] = Registry("torchvision net")
for _name in models.list_models(module=models, exclude=LEFT_OUT):
    BACKBONES.register(_name)(models.get_model_builder(_name))


class TorchvisionBackbone(nn.Module):
    """A net of ``torchvision.models`` with a linear layer and a batch norm for its classifier.

    Batches of (pixel - 127.5) / 127.5 are brought to ImageNet's mean and standard deviation inside.

    Attributes:
        embedding_dim: length of the output vector.
    """

    def __init__(
        self,
        *,
        backbone: str = "resnet18",
        weights: str = "none",
        embedding_dim: int = 512,
        crop_size_px: int = 112,
    ) -> None:
        """Build the net.

        Args:
            backbone: name in ``torchvision.models``.
            weights: to start from: ``none``; ``default``, torchvision's own, downloaded; or a
                state-dict file. A classifier in them is ignored, whatever its shape.
            embedding_dim: length of the output vector.
            crop_size_px: side of the Crop; all but transformers take other sides too.

        Raises:
            ConfigError: no such net, one without a linear classifier, or not for this side.
            WeightsError: the weights are missing, damaged or another net's.
        """
        super().__init__()
        self.embedding_dim = embedding_dim
        self.backbone = _built(backbone, crop_size_px, with_default=weights == "default")
        place, classifier = _classifier(self.backbone, backbone)
        if weights not in {"none", "default"}:
            _load(self.backbone, Path(weights), without=f"{place}.")
        self.backbone.set_submodule(
            place,
            nn.Sequential(
                nn.Linear(classifier.in_features, embedding_dim, bias=False),
                nn.BatchNorm1d(embedding_dim),
            ),
        )
        mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
        # x / 2 + 1 / 2 lies in 0..1.
        self.register_buffer("scale", 0.5 / std, persistent=False)
        self.register_buffer("shift", (0.5 - mean) / std, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map crops to embeddings, not yet normalised.

        Args:
            x: (B, 3, S, S) float, (pixel - 127.5) / 127.5, RGB.

        Returns:
            (B, embedding_dim) float.
        """
        return self.backbone(x * self.scale + self.shift)  # type: ignore[operator, no-any-return]


def _built(name: str, side: int, *, with_default: bool) -> nn.Module:
    # Only transformers are built for a side.
    sized: dict[str, Any] = {"image_size": side} if name.startswith("vit_") else {}
    if name.startswith("maxvit_"):
        sized = {"input_size": (side, side)}
    try:
        return BACKBONES.get(name)(weights="DEFAULT" if with_default else None, **sized)
    except OSError as exc:
        raise WeightsMissingError(
            f"torchvision's weights of {name} cannot be downloaded: {exc}.",
            remedy="Give net.settings.weights a file, or none.",
        ) from exc
    except (AssertionError, ValueError) as exc:
        raise ConfigError(f"torchvision has no such {name} for crops of {side} px: {exc}.") from exc


def _classifier(net: nn.Module, name: str) -> tuple[str, nn.Linear]:
    found = [
        (place, module)
        for place, module in net.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == N_CLASSES
    ]
    if not found:
        raise ConfigError(
            f"{name} does not end in a linear layer, so it has no place for an embedding.",
            remedy="Choose another net.settings.backbone.",
        )
    return found[-1]


def _load(net: nn.Module, path: Path, *, without: str) -> None:
    """Load a state-dict file, but for the entries that begin with ``without``."""
    there = {k: v for k, v in _read(path).items() if not k.startswith(without)}
    # Files of old releases do not count batches; nothing in the net depends on these counts.
    needed = {
        key: value.shape
        for key, value in net.state_dict().items()
        if not key.startswith(without)
        and not (key.endswith("num_batches_tracked") and key not in there)
    }
    wrong = [key for key in needed if key not in there or there[key].shape != needed[key]]
    wrong += [key for key in there if key not in needed]
    if wrong:
        raise WeightsIncompatibleError(
            f"The weights in {path} belong to another net: {len(wrong)} entries are missing, "
            f"unknown or of another shape, {wrong[0]} among them.",
            remedy="Set net.settings.backbone to the net they were made with.",
        )
    net.load_state_dict(there, strict=False)


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as exc:
        raise WeightsMissingError(
            f"There is no weights file {path}.",
            remedy="Set net.settings.weights to a file, none or default.",
        ) from exc
    except (OSError, EOFError, RuntimeError, ValueError, UnpicklingError) as exc:
        raise WeightsCorruptError(f"The weights in {path} cannot be read.") from exc
    if not isinstance(content, dict) or not all(
        isinstance(v, torch.Tensor) for v in content.values()
    ):
        raise WeightsIncompatibleError(
            f"{path} is no state dict.", remedy="Save one: torch.save(net.state_dict(), file)."
        )
    return content
