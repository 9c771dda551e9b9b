"""Pictures of rows, loaded when they are first drawn and forgotten when many others were since."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage, QPixmap

# 112x112 pixels take 50 kB, so that this is 60 MB at most: some forty screens full.
_MAX_KEPT = 1200
# Asked for at a time. Those drawn last come first: who scrolls fast waits for nothing passed by.
_MAX_WANTED = 60


class PictureStore(QObject):
    """Keeps pictures by id and asks for those that are missing.

    Signals:
        wanted: ids whose pictures are to be loaded and handed to ``add``.
        arrived: ids whose pictures are there now.
    """

    wanted = Signal(list)
    arrived = Signal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[int, QPixmap | None] = OrderedDict()
        self._missing: list[int] = []
        self._loading: frozenset[int] = frozenset()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._ask)

    def get(self, item_id: int) -> QPixmap | None:
        """Return a picture, or None and ask for it."""
        if item_id in self._kept:
            self._kept.move_to_end(item_id)
            return self._kept[item_id]
        if item_id not in self._loading:
            self._missing.append(item_id)
            self._timer.start()
        return None

    def add(self, pictures: Mapping[int, QImage]) -> None:
        """Take what was asked for; ids without a picture have none and are not asked for again."""
        answered, self._loading = self._loading, frozenset()
        for item_id in answered:
            image = pictures.get(item_id)
            self._kept[item_id] = None if image is None else QPixmap.fromImage(image)
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        self.arrived.emit(sorted(answered))
        if self._missing:
            self._timer.start()

    def clear(self) -> None:
        """Forget all pictures; they may have changed."""
        self._kept.clear()
        self._missing.clear()

    def _ask(self) -> None:
        if self._loading:
            return
        latest = list(dict.fromkeys(reversed(self._missing)))[:_MAX_WANTED]
        self._missing.clear()
        if latest:
            self._loading = frozenset(latest)
            self.wanted.emit(latest)
