"""Settings: defaults < the user's TOML file < environment < command-line flags.

Read once where a program starts and passed down; library functions take values, never Settings.
Each value remembers where it came from. An unknown key is an error, never ignored.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from facerec.errors import ConfigError
from facerec.paths import config_file
from facerec.settings_table import SETTINGS, Kind, Setting

ENVIRONMENT_PREFIX = "FACEREC__"
_TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
_FALSE_WORDS = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where galleries lie, how long steps can be undone, and when the overdue are erased."""

    gallery: Path | None = None
    keep_days: int = 30
    grace_days: int = 7


@dataclass(frozen=True, slots=True)
class DetectSettings:
    """How faces are found."""

    detector: str = "mtcnn"
    min_face_px: int = 40


@dataclass(frozen=True, slots=True)
class EmbedSettings:
    """How faces become vectors."""

    model: str = "default"
    mirror: bool = False


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """What computes."""

    device: str = "cpu"
    n_threads: int = 0


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """When two faces count as one person."""

    threshold: float | None = None
    fmr: float | None = None
    required_margin: float = 0.05
    several_faces: str = "refuse"


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What a camera leaves behind."""

    keep_history: bool = True
    history_days: int = 30
    keep_strangers: bool = False
    strangers_hours: int = 24


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """How the window looks and speaks (``system`` follows the computer), and what it watches."""

    theme: str = "system"
    language: str = "system"
    camera: str = "0"


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections."""

    store: StoreSettings = field(default_factory=StoreSettings)
    detect: DetectSettings = field(default_factory=DetectSettings)
    embed: EmbedSettings = field(default_factory=EmbedSettings)
    runtime: RuntimeSettings = field(default_factory=RuntimeSettings)
    match: MatchSettings = field(default_factory=MatchSettings)
    live: LiveSettings = field(default_factory=LiveSettings)
    window: WindowSettings = field(default_factory=WindowSettings)

    def value(self, key: str) -> object:
        """Return the value of ``section.name``."""
        section, _, name = key.partition(".")
        return getattr(getattr(self, section), name)


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings and the origin of each value.

    Attributes:
        settings: the values.
        origins: ``section.name`` -> ``default``, a file, an environment variable or a flag.
    """

    settings: Settings
    origins: Mapping[str, str]


def load_settings(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> LoadedSettings:
    """Combine defaults, file, environment and flags, later ones winning.

    Args:
        flags: ``section.name`` -> value; None counts as not given.
        environ: the environment; the process's own when not given.
        file: the settings file; the user's own when not given. It need not exist.

    Raises:
        ConfigError: a key is unknown, a value has the wrong type or lies outside its range, or the
            file cannot be read.
    """
    values: dict[str, object] = {}
    origins = {setting.key: "default" for setting in SETTINGS}
    path = config_file() if file is None else file
    for key, value in _from_file(path).items():
        values[key] = _checked(_setting(key, str(path)), value, str(path))
        origins[key] = str(path)
    for variable, text in _from_environment(os.environ if environ is None else environ).items():
        setting = _setting_of_variable(variable)
        value = _value_from_text(setting, text, f"the environment variable {variable}")
        values[setting.key] = _checked(setting, value, f"the environment variable {variable}")
        origins[setting.key] = f"environment {variable}"
    for key, value in (flags or {}).items():
        if value is not None:
            setting = _setting(key, "the command line")
            values[key] = _checked(setting, value, f"the option {setting.flag}")
            origins[key] = f"option {setting.flag}"
    return LoadedSettings(_settings_from_values(values), origins)


def _settings_from_values(values: Mapping[str, object]) -> Settings:
    settings = Settings()
    for section in fields(Settings):
        changes: dict[str, Any] = {
            setting.name: values[setting.key]
            for setting in SETTINGS
            if setting.section == section.name and setting.key in values
        }
        settings = replace(
            settings, **{section.name: replace(getattr(settings, section.name), **changes)}
        )
    return settings


def _from_file(path: Path) -> dict[str, object]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise ConfigError(
            f"The settings file {path} cannot be read.", remedy=f"The system says: {exc.strerror}."
        ) from exc
    # Imported here because most starts have no settings file.
    import tomllib

    try:
        table = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(
            f"The settings file {path} is not valid TOML: {exc}.", remedy="Correct that line."
        ) from exc
    values: dict[str, object] = {}
    for section, content_of_section in table.items():
        if not isinstance(content_of_section, dict):
            raise _unknown(section, str(path), [s.key for s in SETTINGS])
        values.update({f"{section}.{name}": value for name, value in content_of_section.items()})
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environ.items() if name.startswith(ENVIRONMENT_PREFIX)}


def _setting(key: str, where: str) -> Setting:
    for setting in SETTINGS:
        if setting.key == key:
            return setting
    raise _unknown(key, where, [setting.key for setting in SETTINGS])


def _setting_of_variable(variable: str) -> Setting:
    for setting in SETTINGS:
        if setting.variable == variable:
            return setting
    raise _unknown(variable, "the environment", [setting.variable for setting in SETTINGS])


def _unknown(key: str, where: str, known: Iterable[str]) -> ConfigError:
    known = list(known)
    # A cutoff below difflib's own still names the setting meant when only its last part is right.
    close = get_close_matches(key, known, n=1, cutoff=0.4)
    remedy = f"Did you mean {close[0]!r}?" if close else "`facerec config show` lists them all."
    return ConfigError(f"There is no setting {key!r} ({where}).", remedy=remedy, key=key)


def _value_from_text(setting: Setting, text: str, where: str) -> object:
    if setting.optional and not text:
        return None
    try:
        if setting.kind is Kind.INTEGER:
            return int(text)
        if setting.kind is Kind.NUMBER:
            return float(text)
    except ValueError:
        raise _wrong(setting, text, where) from None
    if setting.kind is Kind.SWITCH and text.lower() in _TRUE_WORDS | _FALSE_WORDS:
        return text.lower() in _TRUE_WORDS
    return text


def _checked(setting: Setting, value: object, where: str) -> object:
    if value is None and setting.optional:
        return None
    converted = _converted(setting, value)
    if converted is None:
        raise _wrong(setting, value, where)
    return converted


def _converted(setting: Setting, value: object) -> object:
    """Return the value in the setting's type, or None when it does not fit."""
    if setting.kind is Kind.SWITCH:
        return value if isinstance(value, bool) else None
    if setting.kind is Kind.FOLDER:
        return Path(value).expanduser() if isinstance(value, str | Path) and str(value) else None
    if setting.kind is Kind.TEXT:
        fits = (
            isinstance(value, str) and value and (value in setting.choices or not setting.choices)
        )
        return value if fits else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if setting.kind is Kind.INTEGER and not isinstance(value, int):
        return None
    low, high = setting.minimum, setting.maximum
    # NaN fails both comparisons, so it is refused as well.
    if not ((low is None or value >= low) and (high is None or value <= high)):
        return None
    return float(value) if setting.kind is Kind.NUMBER else value


def _wrong(setting: Setting, value: object, where: str) -> ConfigError:
    wanted: str = setting.kind
    if setting.choices:
        wanted = f"one of {', '.join(setting.choices)}"
    elif setting.minimum is not None and setting.maximum is not None:
        wanted = f"{setting.kind} from {setting.minimum:g} to {setting.maximum:g}"
    return ConfigError(
        f"The setting {setting.key} cannot be {value!r} ({where}).",
        remedy=f"It takes a {wanted}." if not setting.choices else f"It takes {wanted}.",
        key=setting.key,
    )
