"""The Templates of one Person as a list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt

from facerec.gallery.templates import Template
from gui.i18n.dates import day
from gui.item_models.people import Index, Role
from gui.item_models.pictures import PictureStore


class TemplatesModel(QAbstractListModel):
    """Templates in the order they were enrolled.

    Attributes:
        pictures: their Crops.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pictures = PictureStore(self)
        self.pictures.arrived.connect(self._repaint)
        self._templates: list[Template] = []

    def set_templates(self, templates: Sequence[Template]) -> None:
        """Show others."""
        self.beginResetModel()
        self._templates = list(templates)
        self.endResetModel()

    def template(self, index: Index) -> Template:
        """Return the Template of a row."""
        return self._templates[index.row()]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008  (Qt's own)
        """How many there are."""
        return 0 if parent.isValid() else len(self._templates)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a view asks for."""
        if not index.isValid():
            return None
        template = self._templates[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._name(template)
        if role == Role.SUBTITLE:
            return self._subtitle(template)
        if role == Role.QUALITY:
            return None if template.set_aside_at is not None else template.quality
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(template)
        if role == Qt.ItemDataRole.DecorationRole:
            return self.pictures.get(template.id)
        if role == Role.IS_ASIDE:
            return template.set_aside_at is not None
        return template if role == Role.ITEM else None

    def _subtitle(self, template: Template) -> str:
        if template.set_aside_at is not None:
            return self.tr("Set aside")
        return self.tr("Quality %1").replace("%1", f"{template.quality:.0%}")

    def _name(self, template: Template) -> str:
        return template.source.source_name or self.tr("Picture without a file")

    def _tool_tip(self, template: Template) -> str:
        added = day(template.created_at)
        size = f"{template.source.width_px} x {template.source.height_px}"
        return f"{self._name(template)}\n{size}\n" + self.tr("Added %1").replace("%1", added)

    def _repaint(self, template_ids: list[int]) -> None:
        ids = set(template_ids)
        for row, template in enumerate(self._templates):
            if template.id in ids:
                index = self.index(row)
                self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])
