"""What a training run needs: a recipe, a pack, a folder; and the buttons that start and stop it."""

from __future__ import annotations

import shlex

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from facerec.paths import data_dir
from gui.theme import SIZES
from gui.widgets.path_field import PathField
from gui.widgets.text import button, label
from gui.workers.run_log import RunState, shipped_recipes


class TrainingForm(QFrame):
    """The fields, and one button that starts or continues.

    Signals:
        changed: what stands in a field.
        started: the run shall start or go on.
        stopped: it shall stop.
    """

    changed = Signal()
    started = Signal()
    stopped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._recipes = shipped_recipes()
        self._make_fields()
        self.start_button = button(self.tr("Start"), self.started.emit, kind="primary")
        self.stop_button = button(self.tr("Stop"), self.stopped.emit, kind="danger")
        grid = QGridLayout()
        grid.setHorizontalSpacing(SIZES.space_l)
        grid.setVerticalSpacing(SIZES.space_m)
        for place, (name, field) in enumerate(
            (
                (self.tr("Recipe"), self.recipe),
                (self.tr("Pack of crops"), self.pack),
                (self.tr("Folder of the run"), self.run_dir),
                (self.tr("Changes to the recipe (optional)"), self.overrides),
                (self.tr("Begin with these weights (optional)"), self.start_from),
            )
        ):
            grid.addLayout(_named(name, field), place // 3, place % 3)
        buttons = QHBoxLayout()
        buttons.setSpacing(SIZES.space_s)
        buttons.addStretch(1)
        buttons.addWidget(self.stop_button)
        buttons.addWidget(self.start_button)
        below = QVBoxLayout()
        below.addStretch(1)
        below.addLayout(buttons)
        grid.addLayout(below, 1, 2)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        self._about = label("", "small", wrap=True)
        column_of_all = QVBoxLayout(self)
        column_of_all.setContentsMargins(SIZES.space_l, SIZES.space_m, SIZES.space_l, SIZES.space_m)
        column_of_all.setSpacing(SIZES.space_m)
        column_of_all.addLayout(grid)
        column_of_all.addWidget(self._about)
        self._recipe_changed()

    def arguments(self, *, resume: bool) -> list[str]:
        """Return what stands behind ``facerec train run``, but for the folder of the run.

        Raises:
            ValueError: a quotation mark in the changes is left open.
        """
        found = [self.recipe.currentText().strip(), *shlex.split(self.overrides.text())]
        found += ["--pack", str(self.pack.path)]
        if resume:
            return [*found, "--resume"]
        start_from = self.start_from.path
        return found if start_from is None else [*found, "--from", str(start_from)]

    def show_state(self, state: RunState, *, is_running: bool, is_stopping: bool) -> None:
        """Offer what can be done now."""
        self.start_button.setText(self.tr("Continue") if state.has_checkpoint else self.tr("Start"))
        is_filled = self.pack.path is not None and self.run_dir.path is not None
        self.start_button.setEnabled(is_filled and not is_running and not state.is_complete)
        self.stop_button.setEnabled(is_running and not is_stopping)
        self.stop_button.setText(self.tr("Stopping…") if is_stopping else self.tr("Stop"))
        for field in (self.recipe, self.pack, self.run_dir, self.overrides, self.start_from):
            field.setEnabled(not is_running)
        # (a run that goes on has its weights)
        self.start_from.setEnabled(not is_running and not state.has_checkpoint)
        if self.pack.path is None and state.pack is not None:
            self.pack.show_path(state.pack)

    def _make_fields(self) -> None:
        self.recipe = QComboBox()
        self.recipe.setAccessibleName(self.tr("Recipe"))
        # A recipe of one's own is a file: its path may be typed.
        self.recipe.setEditable(True)
        self.recipe.addItems(list(self._recipes))
        self.recipe.setCurrentText("lean-arcface")
        self.recipe.currentTextChanged.connect(lambda _: self._recipe_changed())
        self.pack = PathField(self.tr("Pack of crops"))
        self.run_dir = PathField(self.tr("Folder of the run"))
        self.run_dir.show_path(data_dir() / "runs" / "first")
        self.start_from = PathField(self.tr("Begin with these weights (optional)"), is_file=True)
        self.overrides = QLineEdit()
        self.overrides.setPlaceholderText("loop.steps=3000 loop.batch_size=64")
        self.overrides.setAccessibleName(self.tr("Changes to the recipe (optional)"))
        for field in (self.pack, self.run_dir, self.start_from):
            field.changed.connect(self.changed)

    def _recipe_changed(self) -> None:
        about = self._recipes.get(self.recipe.currentText(), "")
        self._about.setText(about or self.tr("A recipe file of your own."))
        self.changed.emit()


def _named(name: str, field: QWidget) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(SIZES.space_xs)
    column.addWidget(label(name, "small"))
    column.addWidget(field)
    return column
