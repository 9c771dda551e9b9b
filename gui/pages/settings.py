"""Settings: how the window looks, which model and how strict, the camera, privacy and storage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QLocale, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QWidget,
)

from facerec.errors import FacerecError
from facerec.imaging.frames import list_cameras
from facerec.progress import Task
from facerec.services.from_settings import gallery_folder
from facerec.services.storage import StorageFigures, measure_storage
from facerec.services.use_model import needs_change
from facerec.zoo import find_model, list_models
from gui.context import Context
from gui.i18n.catalogue import LANGUAGES
from gui.pages.calibration import CalibrationKeeper
from gui.pages.model_change import ModelChangeCard
from gui.pages.page import Page
from gui.theme import SIZES
from gui.widgets.alarm_choice import AlarmChoice
from gui.widgets.page_scroll import PageScroll
from gui.widgets.settings_card import ChoiceBox, SettingsCard
from gui.widgets.text import button, label

_WIDTH_PX = 820


class SettingsPage(Page):
    """Everything a user can choose, in cards; each change counts at once."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.add_header(self.tr("Settings"), self.tr("Changes count at once."))
        self.calibration = CalibrationKeeper(self)
        self.calibration.read.connect(self._show_model)
        self.calibration.made.connect(self._use_calibration)
        scroll = PageScroll(width_px=_WIDTH_PX)
        for made in (
            self._appearance(), self._recognition(), self.calibration.card, self._change(),
            self._camera(),
            self._storage(), self._privacy(),
        ):  # fmt: skip
            scroll.column.addWidget(made)
        scroll.column.addStretch(1)
        scroll.column.addSpacing(SIZES.space_xl)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.addWidget(scroll, 1)
        context.settings_changed.connect(self._settings_changed)
        self._show_model()

    def shown(self) -> None:
        """Measure the storage, read the calibration and look for cameras again."""
        runners = self.context.runners
        self.calibration.look()
        self.run(runners.disk, lambda task: measure_storage(self.context.gallery()), self._measured)
        self.run(runners.disk, lambda task: list_cameras(), self._show_cameras)
        self.change.look()

    def left(self) -> None:
        """Look no more how far a change of model is; it goes on."""
        self.change.leave()

    def abandon(self) -> None:
        """See ``Page.abandon``; what is being prepared ends with the page, and can go on later."""
        super().abandon()
        self.change.command.kill()

    def _appearance(self) -> SettingsCard:
        window = self.context.settings.window
        made = SettingsCard(self.tr("Appearance"))
        self.theme = ChoiceBox(
            (
                ("system", self.tr("Like the system")),
                ("light", self.tr("Light")),
                ("dark", self.tr("Dark")),
            ),
            window.theme,
        )
        self.theme.activated.connect(lambda: self._set({"window.theme": self.theme.value}))
        made.add_row(self.tr("Colours"), self.theme)
        languages = (("system", self.tr("Like the system")), *LANGUAGES.items())
        self.language = ChoiceBox(languages, window.language)
        self.language.activated.connect(lambda: self._set({"window.language": self.language.value}))
        made.add_row(self.tr("Language"), self.language)
        return made

    def _recognition(self) -> SettingsCard:
        made = SettingsCard(self.tr("Recognition"))
        cards = [card for card in list_models() if card.task == "embed"]
        names = tuple((card.name, card.name) for card in cards)
        self.model = ChoiceBox(names, self._card_name())
        self.model.activated.connect(self._choose_model)
        made.add_row(self.tr("Model"), self.model)
        self._licence = label("", "strong", wrap=True)
        self._training = label("", "muted", wrap=True)
        made.add_row(self.tr("Licence of the model"), self._licence)
        made.add_row(self.tr("Trained on"), self._training)
        made.add_line()
        self.alarms = AlarmChoice()
        self.alarms.chosen.connect(
            lambda fmr: self._set({"match.fmr": fmr, "match.threshold": None})
        )
        self.alarms.own_chosen.connect(self._use_calibration)
        made.add_row(self.tr("False alarms, at most"), self.alarms)
        return made

    def _change(self) -> ModelChangeCard:
        self.change = ModelChangeCard(self)
        self.change.used.connect(self._use)
        self.change.failed.connect(self._change_failed)
        return self.change

    def _camera(self) -> SettingsCard:
        made = SettingsCard(
            self.tr("Camera"), self.tr("Only needed for live recognition; all else works without.")
        )
        self.camera = ChoiceBox((), "")
        self.camera.activated.connect(lambda: self._set({"window.camera": self.camera.value}))
        made.add_row(self.tr("Camera"), self.camera)
        self._show_cameras({})
        return made

    def _storage(self) -> SettingsCard:
        made = SettingsCard(self.tr("Storage"))
        self._folder = label("", wrap=True)
        self._folder.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._folder.setText(str(gallery_folder(self.context.settings)))
        self._size = label("", wrap=True)
        made.add_row(self.tr("Folder of the gallery"), self._folder)
        made.add_row(self.tr("Size"), self._size)
        buttons = QWidget()
        row = QHBoxLayout(buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(button(self.tr("Open folder"), self._open_folder, icon_name="folder"))
        row.addWidget(button(self.tr("Use another folder…"), self._choose_folder))
        row.addStretch(1)
        made.add_wide(buttons)
        return made

    def _privacy(self) -> SettingsCard:
        made = SettingsCard(self.tr("Privacy"))
        for sentence in (
            self.tr("Everything stays on this computer. The program never goes online."),
            self.tr(
                "For each picture enrolled, the gallery keeps the face cut from it, 512 numbers "
                "that describe it, and the name of the file. The picture itself is not kept."
            ),
            self._of_removal(),
            self.tr("Face data is biometric data: storing it usually needs the person's consent."),
        ):
            made.add_wide(label(sentence, wrap=True))
        return made

    def _of_removal(self) -> str:
        n_days = self.context.settings.store.keep_days
        if not n_days:
            return self.tr("Removing a person takes all of this from the gallery at once.")
        return self.tr(
            "Removing a person can be undone for %n days; then all of this goes from the gallery.",
            "", n_days,
        )  # fmt: skip

    def _choose_model(self) -> None:
        """Use a model at once where nobody is enrolled with another; else prepare it first."""
        name, mirror = self.model.value, self.context.settings.embed.mirror

        def look(task: Task) -> tuple[Path, bool]:
            del task
            gallery = self.context.gallery()
            return gallery.folder, needs_change(gallery, name, mirror=mirror)

        def go_on(found: tuple[Path, bool]) -> None:
            folder, is_needed = found
            if is_needed:
                self.model.choose(self._card_name())
                self.change.prepare(folder, name)
            else:
                self._set({"embed.model": name})

        self.run(self.context.runners.disk, look, go_on)

    def _use(self, name: str) -> None:
        self._set({"embed.model": name})
        self.model.choose(self._card_name())
        self.context.gallery_was_changed()
        self.context.say(self.tr("%1 is in use from now on.").replace("%1", name))

    def _change_failed(self, sentence: str) -> None:
        self.banner.show_text(
            sentence or self.tr("The process was ended from outside."),
            self.tr("The model in use before stays in use."),
            kind="bad",
        )

    def _set(self, changes: Mapping[str, object]) -> None:
        self.banner.hide()
        try:
            self.context.change_settings(changes)
        except (FacerecError, OSError) as error:
            self.show_error(error)

    def _use_calibration(self) -> None:
        """Let the gallery's own Threshold count again, where another was chosen before."""
        match = self.context.settings.match
        if match.fmr is not None or match.threshold is not None:
            self._set({"match.fmr": None, "match.threshold": None})

    def _settings_changed(self, keys: frozenset[str]) -> None:
        self._show_model()
        if any(key.startswith("match.") for key in keys):
            self.calibration.look()

    def _card_name(self) -> str:
        try:
            return find_model(self.context.settings.embed.model).name
        except FacerecError:
            return ""

    def _show_model(self) -> None:
        try:
            card = find_model(self.context.settings.embed.model)
        except FacerecError as error:
            self.show_error(error)
            return
        self._licence.setText(card.licence)
        self._training.setText(card.training_data)
        self.alarms.show_card(card, self.context.settings.match, self.calibration.found)

    def _show_cameras(self, cameras: dict[int, str]) -> None:
        chosen = self.context.settings.window.camera
        choices = {str(number): name for number, name in cameras.items()}
        if not choices:
            choices = {chosen: self.tr("No camera was found")}
        choices.setdefault(chosen, self.tr("Camera %1 (not connected)").replace("%1", chosen))
        self.camera.offer(tuple(choices.items()), chosen)
        self.camera.setEnabled(bool(cameras))

    def _measured(self, figures: StorageFigures) -> None:
        self._folder.setText(str(figures.folder))
        size = QLocale().formattedDataSize(figures.n_bytes)
        people = self.tr("%n people", "", figures.n_people)
        pictures = self.tr("%n picture(s)", "", figures.n_templates)
        self._size.setText(f"{size} · {people} · {pictures}")

    def _open_folder(self) -> None:
        folder = gallery_folder(self.context.settings)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _choose_folder(self) -> None:
        start = str(gallery_folder(self.context.settings).parent)
        folder = QFileDialog.getExistingDirectory(self, self.tr("Folder of the gallery"), start)
        if folder:
            self._set({"store.gallery": Path(folder)})
            self.context.say(self.tr("The other gallery is opened at the next start."))
