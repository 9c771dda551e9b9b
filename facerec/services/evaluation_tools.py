"""The nets that are measured, and what there is to say about them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from facerec.detect.base import Detector, PrimaryPolicy
from facerec.embed.base import EMBEDDERS, Embedder, open_embedder
from facerec.evaluate.acquire import Acquired, VectorCache, acquire
from facerec.evaluate.gain import Cost, costs
from facerec.evaluate.pages import MIRRORED, PLAIN
from facerec.evaluate.several import SeveralCrops, SeveralNetworks
from facerec.evaluate.so_far import Watch
from facerec.paths import cache_dir
from facerec.pipeline import open_pipeline
from facerec.progress import Task
from facerec.zoo import ModelCard, OperatingPoint, find_model, list_models

PACKAGES = ("facerec", "numpy", "openvino", "opencv-python", "pillow")
TOGETHER = "all of it together"
# Crops at a time when embedding is timed.
TIMED_CROPS = 8


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What to measure with.

    Attributes:
        model: embedder, as in ``facerec models list``.
        more_models: further ones, measured alone and together with the first.
        detector: name of a registered detector.
        device: see ``facerec.runtime.open_session``.
        n_threads: threads of one inference; 0 leaves it to the runtime.
        min_face_px: smallest face to look for.
        policy: which Face counts where there are several.
        mirror: measure with mirror averaging too.
        n_crops: measure with so many shifted Crops a face too; 1 leaves that out.
        use_cache: keep the vectors in the cache folder for the next time.
        with_images: put images of people into the report.
        command: what the user typed, for the report.
    """

    model: str = "default"
    more_models: tuple[str, ...] = ()
    detector: str = "mtcnn"
    device: str = "cpu"
    n_threads: int = 0
    min_face_px: int = 40
    policy: PrimaryPolicy = PrimaryPolicy.CENTRAL
    mirror: bool = True
    n_crops: int = 1
    use_cache: bool = False
    with_images: bool = True
    command: str = ""


@dataclass(frozen=True, slots=True)
class Tools:
    """The nets that are measured, and what there is to say about them.

    Attributes:
        options: what was asked for.
        detector: finds the Faces.
        embedder: the first model, one Crop a face.
        others: name -> another way of embedding, measured beside it.
        card: of the first model, if it is a model file.
    """

    options: EvaluateOptions
    detector: Detector
    embedder: Embedder
    others: Mapping[str, Embedder]
    card: ModelCard | None

    @classmethod
    def open(cls, options: EvaluateOptions) -> Tools:
        """Load everything that the options name."""
        pipeline = open_pipeline(
            model=options.model,
            detector=options.detector,
            device=options.device,
            n_threads=options.n_threads,
            min_face_px=options.min_face_px,
        )
        card = None if options.model in EMBEDDERS.names() else find_model(options.model)
        return cls(
            options, pipeline.detector, pipeline.embedder, _others(options, pipeline.embedder), card
        )

    @property
    def points(self) -> tuple[OperatingPoint, ...]:
        """Thresholds of the first model's card."""
        return () if self.card is None else self.card.thresholds

    @property
    def model_name(self) -> str:
        """The first model in words."""
        return self.options.model if self.card is None else f"{self.card.name} {self.card.version}"

    def costs(self) -> Mapping[str, Cost]:
        """Time all ways in turns; empty when nothing but mirror averaging was asked for."""
        if self.options.n_crops == 1 and not self.options.more_models:
            return {}
        side = self.embedder.crop_size_px
        # What the pixels show makes no difference to the time.
        crops = np.random.default_rng(0).integers(0, 256, (TIMED_CROPS, side, side, 3), np.uint8)
        return costs({PLAIN: self.embedder, **self.others}, crops)

    def acquire(
        self,
        paths: tuple[Path, ...] | list[Path],
        task: Task | None,
        watch: Watch | None = None,
    ) -> Acquired:
        """Embed the Face that counts of each image, in all ways."""
        return acquire(
            paths,
            self.detector,
            self.embedder,
            others=self.others,
            policy=self.options.policy,
            cache=self._cache(),
            watch=watch,
            task=task,
        )

    def provenance(
        self, folder: Path, acquired: Acquired, now: datetime, seconds: float
    ) -> dict[str, str]:
        """Say what was measured with, when and how long it took."""
        options, card = self.options, self.card
        several = int((acquired.n_faces > 1).sum())
        said = {
            "Command": options.command,
            "Date": now.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "Data": str(folder.resolve()),
            "Model": self.model_name,
            "Contract id": self.embedder.contract_id,
        }
        said |= {f"Contract id, {name}": one.contract_id for name, one in self.others.items()}
        if card is not None:
            said["Model file, SHA-256"] = card.files[0].sha256
            said["Training data"] = card.training_data
            said["Licence of the model"] = card.licence
        said |= {
            "Detector": f"{options.detector}, smallest face {options.min_face_px} pixels",
            "Which face": f"the most {options.policy.value} one"
            if options.policy is not PrimaryPolicy.LARGEST
            else "the largest one",
            "Several faces": f"found in {several:,} of {len(acquired.paths):,} images",
            "Device": self.embedder.device,
            "Images": f"{len(acquired.paths):,} in {seconds:.0f} s",
            "Versions": ", ".join(_versions()),
            "System": platform.platform(),
        }
        return {name: value for name, value in said.items() if value}

    def _cache(self) -> VectorCache | None:
        if not self.options.use_cache:
            return None
        options = self.options
        others = " ".join(one.contract_id for one in self.others.values())
        detector = [
            file.sha256
            for card in list_models()
            if card.task == "detect" and card.name == options.detector
            for file in card.files
        ]
        key = (
            f"{self.embedder.contract_id} {others} {options.detector} {detector} "
            f"{options.min_face_px} {options.policy} {_version('facerec')}"
        )
        return VectorCache.open(cache_dir() / "evaluate", key)


def _others(options: EvaluateOptions, first: Embedder) -> dict[str, Embedder]:
    """The other ways of embedding: each thing asked for by itself, then all of it together."""
    found: dict[str, Embedder] = {}
    if options.mirror:
        found[MIRRORED] = _opened(options, options.model, mirror=True)
    if options.n_crops > 1:
        found[f"{options.n_crops} crops a face"] = SeveralCrops(first, options.n_crops)
    more = {name: _opened(options, name, mirror=False) for name in options.more_models}
    if more:
        found |= {f"{name} alone": one for name, one in more.items()}
        found[f"{1 + len(more)} networks"] = SeveralNetworks([first, *more.values()])
    if options.mirror + (options.n_crops > 1) + bool(more) > 1:
        found[TOGETHER] = _together(options)
    return found


def _together(options: EvaluateOptions) -> Embedder:
    networks = [
        _opened(options, name, mirror=options.mirror)
        for name in (options.model, *options.more_models)
    ]
    return SeveralNetworks([SeveralCrops(network, options.n_crops) for network in networks])


def _opened(options: EvaluateOptions, model: str, *, mirror: bool) -> Embedder:
    return open_embedder(model, device=options.device, n_threads=options.n_threads, mirror=mirror)


def _versions() -> list[str]:
    found = [f"{name} {_version(name)}" for name in PACKAGES]
    return [f"Python {platform.python_version()}", *found]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
