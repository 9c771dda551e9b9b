"""The page Train with a stand-in for the training process, and once with the real one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gui.pages import PageEntry
from gui.pages.train import INSTALL_COMMAND, TrainPage
from gui.pages.training_process import TrainingProcess
from gui.workers.run_log import RunFolder, RunState, shipped_recipes
from tests.helpers import fake_training

# Never reached on a machine that does nothing else.
WAIT_MS = 120_000


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    program = [sys.executable, fake_training.__file__]
    monkeypatch.setattr("gui.workers.command.command_line", lambda: program)


@pytest.fixture
def page(context, qtbot, tmp_path: Path) -> Iterator[TrainPage]:
    made = TrainPage(context)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.form.pack.show_path(tmp_path / "pack")
    made.form.run_dir.show_path(tmp_path / "run")
    made.shown()
    yield made
    made.left()
    made.process.kill()
    made.export.command.kill()


def _run(page: TrainPage, qtbot, changes: str = "") -> int:
    page.form.overrides.setText(changes)
    with qtbot.waitSignal(page.process.ended, timeout=WAIT_MS) as ended:
        page.form.start_button.click()
        assert page.process.is_running
        assert not page.form.start_button.isEnabled()
    return int(ended.args[0])


def _until_step(page: TrainPage, qtbot, step: int) -> None:
    qtbot.waitUntil(lambda: page.state.step >= step, timeout=WAIT_MS)


@pytest.mark.usefixtures("stand_in")
def test_run_is_started_followed_and_complete(page: TrainPage, qtbot) -> None:
    assert page.view.isHidden()
    assert _run(page, qtbot, "steps=4") == 0

    assert page.state.is_complete
    assert page.view.loss.series[0].ys == [1, 1 / 2, 1 / 3, 1 / 4]
    assert [one.name for one in page.view.found.series] == ["toy"]
    assert page.view.found.series[0].ys == [0.1, 0.2, 0.3, 0.4]
    same, different = page.view.scores.series
    assert (same.name, different.name) == ("same person", "different people")
    assert same.xs == pytest.approx([-0.225, 0.125, 0.475, 0.825])
    assert same.ys == pytest.approx([0.0, 0.1, 0.8, 0.1])  # (those of the last step)
    assert different.ys == pytest.approx([0.6, 0.4, 0.0, 0.0])
    assert page.view.sentence.text() == "That was all."
    assert page.view.bar.value() == page.view.bar.maximum() == 4
    assert "step 4" in page.output.toPlainText()
    assert not page.form.start_button.isEnabled()
    assert not page.form.stop_button.isEnabled()


@pytest.mark.usefixtures("stand_in")
def test_stopped_run_goes_on_where_it_was(page: TrainPage, qtbot) -> None:
    page.form.overrides.setText("steps=500 pause=0.05")
    page.form.start_button.click()
    _until_step(page, qtbot, 2)
    assert "left" in page.view.numbers.text()
    with qtbot.waitSignal(page.process.ended, timeout=WAIT_MS) as ended:
        page.form.stop_button.click()
        assert not page.form.stop_button.isEnabled()
    assert ended.args == [130]
    assert page.banner.text == ""
    assert page.form.start_button.text() == "Continue"
    stopped_at = page.state.step
    assert 2 <= stopped_at < 500

    assert _run(page, qtbot, f"steps={stopped_at + 2}") == 0
    steps = [entry["step"] for entry in page.state.of("progress")]
    assert steps == list(range(1, stopped_at + 3))


@pytest.mark.usefixtures("stand_in")
def test_known_error_is_said_in_the_banner(page: TrainPage, qtbot) -> None:
    assert _run(page, qtbot, "'fail=There is no pack there. Make one.'") == 1

    assert page.banner.text.startswith("There is no pack there. Make one.")
    assert page.form.start_button.isEnabled()


def test_histogram_of_two_data_sets_and_of_an_older_log(page: TrainPage, tmp_path: Path) -> None:
    entries = [
        {"event": "progress", "step": 5, "loss": 1, "learning_rate": 1, "images_per_s": 1},
        *(
            {
                "event": "scores", "step": 5, "source": source, "range": [-0.4, 1.0],
                "mated": [0, 4], "non_mated": [3, 1],
            }
            for source in ("b", "a")
        ),
    ]  # fmt: skip
    log = tmp_path / "run" / "log.jsonl"
    log.parent.mkdir()
    for shown, names in (
        (entries, ["a: same person", "a: different people", "b: same person"]),
        (entries[:1], []),
    ):
        log.write_text("".join(json.dumps(entry) + "\n" for entry in shown))
        page.view.show_state(_read(log.parent), is_running=False)
        assert [one.name for one in page.view.scores.series][:3] == names


def _read(folder: Path) -> RunState:
    run = RunFolder(folder)
    run.read()
    return run.state


def test_open_quotation_mark_is_refused_before_anything_runs(page: TrainPage) -> None:
    page.form.overrides.setText("net.settings='x")
    page.start()

    assert "quotation mark" in page.banner.text
    assert not page.process.is_running


@pytest.mark.usefixtures("stand_in")
def test_net_is_exported_and_used(page: TrainPage, qtbot) -> None:
    _run(page, qtbot)
    changed: list[frozenset[str]] = []
    page.context.settings_changed.connect(changed.append)
    page.export.name.setText("Not A Name")
    assert not page.export.button.isEnabled()
    page.export.name.setText("mine")
    with qtbot.waitSignal(page.export.used, timeout=WAIT_MS) as used:
        page.export.button.click()

    assert used.args == ["mine"]
    text = page.export.output.toPlainText()
    assert text.index("did export model") < text.index("did models use")
    assert page.context.settings.embed.model == "mine"
    assert changed == [frozenset({"embed.model"})]


@pytest.mark.usefixtures("stand_in")
def test_export_that_fails_changes_nothing(page: TrainPage, qtbot) -> None:
    _run(page, qtbot)
    page.export.name.setText("broken")
    with qtbot.waitSignal(page.export.failed, timeout=WAIT_MS):
        page.export.button.click()

    assert "did export model" in page.banner.text
    assert "models use" not in page.export.output.toPlainText()
    assert page.context.settings.embed.model == "default"


@pytest.mark.usefixtures("stand_in")
def test_model_that_is_worse_on_ones_people_is_not_used(page: TrainPage, qtbot) -> None:
    _run(page, qtbot)
    page.export.name.setText("worse")
    with qtbot.waitSignal(page.export.failed, timeout=WAIT_MS):
        page.export.button.click()

    assert "more errors on your people" in page.banner.text
    assert page.context.settings.embed.model == "default"


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("agreed", [False, True])
def test_window_asks_before_it_closes_on_a_run(
    make_window, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agreed: bool
) -> None:
    window = make_window(PageEntry("train", "Train", "gui.pages.train:TrainPage"))
    page = window.page("train")
    page.form.pack.show_path(tmp_path / "pack")
    page.form.run_dir.show_path(tmp_path / "run")
    page.form.overrides.setText("steps=500 pause=0.05")
    page.form.start_button.click()
    _until_step(page, qtbot, 1)
    monkeypatch.setattr(TrainingProcess, "ask_to_stop", lambda self: agreed)

    window.close()

    if agreed:
        qtbot.waitUntil(lambda: not page.process.is_running, timeout=WAIT_MS)
        assert (tmp_path / "run" / "last.pt").is_file()
    else:
        assert not page.process.is_stopping
        assert page.process.is_running
        page.process.kill()


@pytest.mark.usefixtures("stand_in")
def test_run_outlives_the_page(page: TrainPage, context, qtbot, tmp_path: Path) -> None:
    page.form.overrides.setText("steps=500 pause=0.05")
    page.form.start_button.click()
    _until_step(page, qtbot, 1)
    page.abandon()

    later = TrainPage(context)
    qtbot.addWidget(later)

    assert later.process is page.process
    assert later.form.run_dir.path == tmp_path / "run"
    assert later.form.stop_button.isEnabled()


def test_page_says_how_to_install_training(
    context, qtbot, monkeypatch: pytest.MonkeyPatch, qapp
) -> None:
    monkeypatch.setattr("gui.pages.train.training_is_installed", lambda: False)
    page = TrainPage(context)
    qtbot.addWidget(page)
    page.shown()
    page._copy_command()

    assert qapp.clipboard().text() == INSTALL_COMMAND
    page.left()


def test_recipes_are_offered_without_importing_training() -> None:
    recipes = shipped_recipes()

    assert "lean-arcface" in recipes
    assert recipes["lean-arcface"].startswith("The lean net learns people")


def test_log_is_read_whatever_state_it_is_in(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert not folder.read()
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"event": "progress", "step": 5}) + '\n{"event": "pro')
    assert folder.read()
    assert not folder.read()
    assert (folder.state.step, folder.state.n_steps, folder.state.has_checkpoint) == (5, 0, False)

    log.unlink()
    assert folder.read()
    assert folder.state.entries == ()


@pytest.mark.slow  # (seconds for torch to be loaded)
def test_real_run_is_followed(page: TrainPage, qtbot, tmp_path: Path) -> None:
    from tests.helpers.training_packs import write_toy_pack, write_toy_recipe

    write_toy_pack(tmp_path / "pack")
    page.form.recipe.setCurrentText(str(write_toy_recipe(tmp_path / "toy.toml")))
    page.form.overrides.setText("loop.steps=4")
    with qtbot.waitSignal(page.process.ended, timeout=WAIT_MS) as ended:
        page.form.start_button.click()

    assert ended.args == [0], page.process.lines
    assert page.state.is_complete
    assert page.state.has_checkpoint
    assert page.state.sources() == ["toy"]
    assert len(page.view.loss.series[0].ys) == 2
