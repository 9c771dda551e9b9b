"""Identity cards written: the tables of a models folder's manifest."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from facerec.zoo import MANIFEST_NAME, read_manifest


def file_entry(path: Path) -> dict[str, object]:
    """Return a file's name, digest and size, as a card has them."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"file": path.name, "sha256": digest, "bytes": len(content)}


def write_manifest_entry(folder: Path, entry: dict[str, object]) -> None:
    """Put a model's table into ``folder/manifest.toml``, in place of one of the same name.

    Args:
        folder: the models folder.
        entry: keys of ``facerec.zoo.ModelCard`` as TOML values; ``files`` and ``thresholds`` are
            lists of tables.
    """
    path = folder / MANIFEST_NAME
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    head, *blocks = old.split("[[model]]\n")
    kept = [b for b in blocks if f'name = "{entry["name"]}"\n' not in b]
    body = "".join(f"{key} = {_toml(value)}\n" for key, value in entry.items())
    text = head + "".join(f"[[model]]\n{block.rstrip()}\n\n" for block in [*kept, body])
    write_atomically(path, (text.rstrip() + "\n").encode())
    read_manifest(folder)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        inner = [_toml(item) for item in value]
        if value and isinstance(value[0], dict):
            return "[\n" + "".join(f"  {item},\n" for item in inner) + "]"
        return "[" + ", ".join(inner) + "]"
    return json.dumps(value, ensure_ascii=False)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, readable as the user's files are."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
