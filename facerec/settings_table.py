"""Every setting a user can change, one row each.

Command-line options, the README's table and the window's settings page are made from these rows.
The defaults live in ``facerec.config`` and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a setting's value is."""

    INTEGER = "whole number"
    NUMBER = "number"
    SWITCH = "true or false"
    TEXT = "text"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row.

    Attributes:
        key: ``section.name`` as in the settings file.
        flag: the command-line option.
        group: heading on a settings page.
        label: two or three words for a screen.
        help: one sentence.
        kind: type of the value.
        choices: the words allowed; empty when any will do.
        minimum: smallest number allowed.
        maximum: largest number allowed.
        optional: whether it may be left unset, the program then choosing.
        needs_restart: whether a running program must be started again.
    """

    key: str
    flag: str
    group: str
    label: str
    help: str
    kind: Kind
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    optional: bool = False
    needs_restart: bool = False

    @property
    def section(self) -> str:
        """Part of the key before the point."""
        return self.key.partition(".")[0]

    @property
    def name(self) -> str:
        """Part of the key after the point."""
        return self.key.partition(".")[2]

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"FACEREC__{self.section.upper()}__{self.name.upper()}"


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "store.gallery",
        "--gallery",
        "Gallery",
        "Gallery folder",
        "Folder of the gallery; when unset, the one in the user's data folder.",
        Kind.FOLDER,
        optional=True,
        needs_restart=True,
    ),
    Setting(
        "store.keep_days",
        "--keep-days",
        "Gallery",
        "Days of undo",
        "For how many days a change of the gallery can be undone; 0 keeps nothing for it.",
        Kind.INTEGER,
        minimum=0,
        maximum=3650,
    ),
    Setting(
        "store.grace_days",
        "--grace-days",
        "Gallery",
        "Days of grace",
        "How many days after people's time in the gallery is over they are erased.",
        Kind.INTEGER,
        minimum=0,
        maximum=365,
    ),
    Setting(
        "detect.detector",
        "--detector",
        "Detection",
        "Detector",
        "Name of the face detector.",
        Kind.TEXT,
        needs_restart=True,
    ),
    Setting(
        "detect.min_face_px",
        "--min-face",
        "Detection",
        "Smallest face",
        "Smallest face to look for, in pixels.",
        Kind.INTEGER,
        minimum=12,
        maximum=10_000,
    ),
    Setting(
        "embed.model",
        "--model",
        "Recognition",
        "Model",
        "Name of the recognition model; `facerec models list` shows them.",
        Kind.TEXT,
        needs_restart=True,
    ),
    Setting(
        "embed.mirror",
        "--mirror",
        "Recognition",
        "Mirror averaging",
        "Embed each face together with its mirror image: slower, slightly more exact.",
        Kind.SWITCH,
        needs_restart=True,
    ),
    Setting(
        "runtime.device",
        "--device",
        "Computing",
        "Device",
        "What to compute on: cpu, gpu (Intel) or cuda (NVIDIA); `facerec doctor` lists them.",
        Kind.TEXT,
        needs_restart=True,
    ),
    Setting(
        "runtime.n_threads",
        "--threads",
        "Computing",
        "Threads",
        "Processor threads of one inference; 0 means one per core.",
        Kind.INTEGER,
        minimum=0,
        maximum=1024,
        needs_restart=True,
    ),
    Setting(
        "match.threshold",
        "--threshold",
        "Decision",
        "Threshold",
        "Smallest score that counts as the same person; when unset, the one on the model's card.",
        Kind.NUMBER,
        minimum=-1.0,
        maximum=1.0,
        optional=True,
    ),
    Setting(
        "match.fmr",
        "--fmr",
        "Decision",
        "False match rate",
        "Take the model's threshold for at most this false match rate, for example 0.001.",
        Kind.NUMBER,
        minimum=0.0,
        maximum=1.0,
        optional=True,
    ),
    Setting(
        "match.required_margin",
        "--margin",
        "Decision",
        "Margin",
        "How much the best person's score must exceed the second person's.",
        Kind.NUMBER,
        minimum=0.0,
        maximum=2.0,
    ),
    Setting(
        "match.several_faces",
        "--faces",
        "Decision",
        "Several faces",
        "Which face counts when one is needed and several are there.",
        Kind.TEXT,
        choices=("refuse", "largest", "central", "certain"),
    ),
    Setting(
        "live.keep_history",
        "--history",
        "Camera",
        "Keep a history",
        "Note in the gallery when a camera saw whom: times and names, no faces.",
        Kind.SWITCH,
    ),
    Setting(
        "live.history_days",
        "--history-days",
        "Camera",
        "Days of history",
        "Delete what was noted longer ago than so many days.",
        Kind.INTEGER,
        minimum=1,
        maximum=3650,
    ),
    Setting(
        "live.keep_strangers",
        "--keep-strangers",
        "Camera",
        "Keep unknown faces",
        "Keep the faces of unknown people for a while, so that they can be named.",
        Kind.SWITCH,
    ),
    Setting(
        "live.strangers_hours",
        "--strangers-hours",
        "Camera",
        "Hours for unknown faces",
        "Delete kept faces of unknown people after so many hours.",
        Kind.INTEGER,
        minimum=1,
        maximum=720,
    ),
    Setting(
        "window.theme",
        "--theme",
        "Window",
        "Appearance",
        "Colours of the window: light, dark, or as the system is set.",
        Kind.TEXT,
        choices=("system", "light", "dark"),
    ),
    Setting(
        "window.language",
        "--language",
        "Window",
        "Language",
        "Language of the window: English, Chinese, or the system's.",
        Kind.TEXT,
        choices=("system", "en", "zh_CN"),
    ),
    Setting(
        "window.camera",
        "--camera",
        "Window",
        "Camera",
        "Camera that the window watches: its number, or the address of a stream.",
        Kind.TEXT,
    ),
)


def find_setting(key: str) -> Setting:
    """Return the row of ``section.name``.

    Raises:
        KeyError: there is no such row; a mistake in the program, users' keys go through ``config``.
    """
    for setting in SETTINGS:
        if setting.key == key:
            return setting
    raise KeyError(key)
