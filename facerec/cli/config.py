"""``facerec config show``: the settings in force."""

from __future__ import annotations

import click

from facerec.cli import output
from facerec.cli.options import json_option
from facerec.config import load_settings
from facerec.paths import config_file
from facerec.settings_table import SETTINGS


@click.group()
def config() -> None:
    """Show the settings and where each value came from.

    Example: facerec config show
    """


@config.command()
@json_option
def show(*, as_json: bool) -> None:
    """Print each setting, its value and where it came from.

    Example: facerec config show --json
    """
    loaded = load_settings()
    rows = []
    payload = {}
    for setting in SETTINGS:
        value = loaded.settings.value(setting.key)
        origin = loaded.origins[setting.key]
        rows.append([setting.key, "(unset)" if value is None else str(value), origin, setting.help])
        payload[setting.key] = {"value": value, "origin": origin, "variable": setting.variable}
    text = output.table(["setting", "value", "origin", "what it does"], rows)
    text += f"\n\nSettings file: {config_file()}"
    output.emit(text, {"file": config_file(), "settings": payload}, as_json=as_json)
