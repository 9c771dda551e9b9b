"""The log: no step twice, no torn line, sentences where it cannot be written, TensorBoard."""

import errno
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

from facerec.errors import Cancelled, DependencyError
from tests.helpers.stop_at import StopAt
from tests.helpers.training_packs import TOY_RECIPE, write_toy_pack
from training.errors import TrainingError
from training.recipe import Recipe, recipe_from_table
from training.run_log import RunLog, Speaker, pack_of_run, read_log
from training.train import train


def recipe(**loop: Any) -> Recipe:
    return recipe_from_table(TOY_RECIPE | {"loop": TOY_RECIPE["loop"] | loop})


def test_what_came_after_the_checkpoint_is_cut_off(tmp_path: Path) -> None:
    with RunLog(tmp_path, recipe(), 0) as log:
        for step in range(5):
            log.write("progress", step, loss=1.0)
    with (tmp_path / "log.jsonl").open("a") as stream:
        stream.write('{"event": "progress", "st')  # (a kill in the middle of a line)

    with RunLog(tmp_path, recipe(), 2) as log:
        log.write("progress", 3, loss=2.0)

    found = [(entry["step"], entry["loss"]) for entry in read_log(tmp_path)]
    assert found == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 2.0)]
    assert json.loads((tmp_path / "recipe.json").read_text())["name"] == "toy"


def test_progress_tells_rate_speed_and_time_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("training.run_log.time.perf_counter", lambda: now[0])
    said: list[str] = []
    with RunLog(tmp_path, recipe(), 10) as log:
        speaker = Speaker(log, said.append, n_steps=40, first_step=10)
        for loss in (1.0, 3.0):
            now[0] += 2
            speaker.took_step(loss, n_crops=8)
        speaker.progress(12, 0.5)
        now[0] += 1000  # (an evaluation)
        speaker.held_out(12, [])
        now[0] += 1
        speaker.took_step(5.0, n_crops=8)
        speaker.progress(13, 0.25)

    first, second = read_log(tmp_path)
    assert first == {
        "event": "progress",
        "step": 12,
        "loss": 2.0,
        "learning_rate": 0.5,
        "images_per_s": 4.0,  # 16 crops in 4 s
        "seconds_left": 56.0,  # 28 steps at 2 s
    }
    assert (second["loss"], second["images_per_s"]) == (5.0, 8.0)
    assert said == ["step 12 of 40, loss 2.0000, 3:54:16 left"]


def test_full_disk_is_a_sentence(tmp_path: Path) -> None:
    class Full:
        def write(self, text: str) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None: ...

    with RunLog(tmp_path, recipe(), 0) as log:
        log._stream.close()
        log._stream = Full()
        with pytest.raises(TrainingError, match="No space left on device") as caught:
            log.write("progress", 1)

    assert "--resume" in caught.value.remedy


def test_a_run_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(TrainingError, match="cannot be written"):
        RunLog(tmp_path / "file" / "run", recipe(), 0)


def test_run_tells_its_pack(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder
    assert pack_of_run(tmp_path) is None

    train(recipe(steps=1), pack, tmp_path / "run")

    assert pack_of_run(tmp_path / "run") == pack


@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is not None, reason="TensorBoard is installed."
)
def test_absent_tensorboard_is_said_before_anything_is_written(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack").folder

    with pytest.raises(DependencyError, match="pip install tensorboard"):
        train(recipe(tensorboard=True), pack, tmp_path / "run")

    assert not (tmp_path / "run").exists()


class Writer:
    """What the log uses of torch's SummaryWriter."""

    made: ClassVar["list[Writer]"] = []

    def __init__(self, folder: str, purge_step: int) -> None:
        self.folder, self.purge_step = Path(folder), purge_step
        self.points: list[tuple[str, float, int]] = []
        self.is_open = True
        Writer.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.points.append((name, value, step))

    def close(self) -> None:
        self.is_open = False


def test_tensorboard_receives_every_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(Writer, "made", [])
    pack = write_toy_pack(tmp_path / "pack").folder

    train(recipe(tensorboard=True), pack, tmp_path / "run")

    (writer,) = Writer.made
    assert (writer.folder, writer.purge_step) == (tmp_path / "run/tensorboard", 1)
    assert not writer.is_open
    log = read_log(tmp_path / "run")
    losses = [("progress/loss", e["loss"], e["step"]) for e in log if e["event"] == "progress"]
    tars = [("held_out/toy/tar", e["tar"], e["step"]) for e in log if e["event"] == "held_out"]
    assert len(losses) == 3
    assert len(tars) == 2
    assert set(losses + tars) <= set(writer.points)


def test_tensorboard_reads_back_what_the_log_says(tmp_path: Path) -> None:
    reason = "TensorBoard is not installed."
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason=reason
    )
    pack = write_toy_pack(tmp_path / "pack").folder
    chosen = recipe(tensorboard=True)
    # Stopped after an evaluation that the last checkpoint (step 2) does not know of.
    with pytest.raises(Cancelled):
        train(chosen, pack, tmp_path / "run", task=StopAt(4))
    train(chosen, pack, tmp_path / "run", resume=True)

    board = reader.EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()

    expected: dict[str, list[tuple[int, float]]] = {}
    for entry in read_log(tmp_path / "run"):
        group = "/".join(str(entry[key]) for key in ("event", "source") if key in entry)
        for name, value in entry.items():
            if name != "step" and isinstance(value, int | float):
                expected.setdefault(f"{group}/{name}", []).append((entry["step"], value))
    found = {
        name: [(point.step, point.value) for point in board.Scalars(name)]
        for name in board.Tags()["scalars"]
    }
    assert [step for step, _ in found["held_out/toy/tar"]] == [3, 6]
    assert {"progress/loss", "progress/learning_rate", "progress/images_per_s"} <= set(found)
    assert set(found) == set(expected)
    for name, points in expected.items():
        np.testing.assert_allclose(found[name], points, rtol=1e-6, err_msg=name)
