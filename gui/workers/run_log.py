"""What a training run's folder tells: its recipe, its log, whether there is a checkpoint."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# The names that ``training`` gives its files; it is never imported here.
LOG_NAME, RECIPE_NAME, CHECKPOINT_NAME = "log.jsonl", "recipe.json", "last.pt"


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as its folder shows it.

    Attributes:
        entries: lines of the log.
        n_steps: of the whole run; 0 when not known.
        has_checkpoint: whether it can go on and be exported.
    """

    entries: tuple[dict[str, Any], ...] = ()
    n_steps: int = 0
    has_checkpoint: bool = False

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of one kind."""
        return [entry for entry in self.entries if entry.get("event") == event]

    @property
    def step(self) -> int:
        """The step of the last checkpoint, which is logged with progress."""
        return max((int(entry["step"]) for entry in self.of("progress")), default=0)

    @property
    def is_complete(self) -> bool:
        """Whether all steps are done."""
        return 0 < self.n_steps <= self.step

    @property
    def sentence(self) -> str:
        """What the run said last: a warning or a remark."""
        said = [str(entry["sentence"]) for entry in self.entries if "sentence" in entry]
        return said[-1] if said else ""

    @property
    def pack(self) -> Path | None:
        """The pack it was last started with."""
        packs = [entry["pack"] for entry in self.of("start") if "pack" in entry]
        return Path(packs[-1]) if packs else None

    def sources(self) -> list[str]:
        """Return the data sets whose held-out people were judged."""
        return sorted({str(entry["source"]) for entry in self.of("held_out")})


class RunFolder:
    """Reads a run's folder again whenever its log has changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: tuple[float, int, bool] | None = None
        self.state = RunState()

    def read(self) -> bool:
        """Read what is new; tell whether there was something."""
        log, checkpoint = self.folder / LOG_NAME, self.folder / CHECKPOINT_NAME
        try:
            status = log.stat()
        except OSError:
            changed = self._seen is not None
            self._seen, self.state = None, RunState()
            return changed
        seen = (status.st_mtime, status.st_size, checkpoint.is_file())
        if seen == self._seen:
            return False
        self._seen = seen
        text = log.read_text(encoding="utf-8", errors="replace")
        self.state = RunState(tuple(_entries(text.splitlines())), self._n_steps(), seen[2])
        return True

    def _n_steps(self) -> int:
        try:
            recipe = json.loads((self.folder / RECIPE_NAME).read_text(encoding="utf-8"))
            return int(recipe["loop"]["steps"])
        except (OSError, ValueError, LookupError, TypeError):
            return 0


def _entries(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    """Read JSON lines; one that is being written just now is left out."""
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            yield entry


def training_is_installed() -> bool:
    """Whether runs can be started here; looks for the packages without importing them."""
    return all(find_spec(name) is not None for name in ("training", "torch"))


def shipped_recipes() -> dict[str, str]:
    """Return name -> first comment line of each recipe that comes with ``training``."""
    spec = find_spec("training")
    found: dict[str, str] = {}
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder, "recipes").glob("*.toml")):
            text = path.read_text(encoding="utf-8")
            comment = text.splitlines()[0].removeprefix("#").strip() if text[:1] == "#" else ""
            found[str(tomllib.loads(text).get("name", path.stem))] = comment
    return found
