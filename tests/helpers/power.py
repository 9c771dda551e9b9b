"""What a disk may hold after the power failed, from a log of what a program asked the system to do.

``record`` runs a program under strace. ``Recording.after_cut`` gives the files as they may be when
the power fails at some call: what was put on the disk with fsync is there, of what was written
since any part may be missing or torn, and of names given or taken since only the first ones are.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

STRACE = shutil.which("strace")
_CALLS = "openat,write,pwrite64,fsync,fdatasync,ftruncate,unlink,rename,link"
_LINE = re.compile(r"\d+\s+(\w+)\((.*)\)\s+= (-?\d+)(?:<(.*)>)?$")
_ON_FILE = re.compile(r"(\d+)<([^>]*)>(?:, (.*))?$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_SECTOR_BYTES = 512
# Made anew from the database, or checked by their own digest: not part of what must survive.
_DERIVED = ("-shm", "vectors.index")


@dataclass(frozen=True, slots=True)
class Event:
    """One call.

    Attributes:
        kind: ``write``, ``truncate``, ``sync``, ``sync_folder``, ``link``, ``unlink`` or ``say``.
        file: number of the file; 0 for folders and what was said.
        name: path that is given or taken, or folder; or the line that was said.
        offset: of a write, or the length after truncating.
        data: that was written.
    """

    kind: str
    file: int = 0
    name: str = ""
    offset: int = 0
    data: bytes = b""


@dataclass
class Recording:
    """All calls of one run that concern one folder, in order."""

    root: str
    events: list[Event] = field(default_factory=list)
    _names: dict[str, int] = field(default_factory=dict)
    _ends: dict[int, int] = field(default_factory=dict)

    def cut_points(self) -> list[int]:
        """Positions right before something reached the disk, where most can be lost."""
        return [
            number
            for number, event in enumerate(self.events)
            if event.kind in {"sync", "sync_folder"}
        ]

    def said(self, until: int) -> list[str]:
        """Lines that were out before a position."""
        return [event.name for event in self.events[:until] if event.kind == "say"]

    def after_cut(self, until: int, folder: Path, rng: random.Random) -> None:
        """Write the files as they may be when the power fails before a call."""
        names, contents = self._names_after(until, rng), self._contents_after(until, rng)
        for name, number in names.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents.get(number, b""))

    def _names_after(self, until: int, rng: random.Random) -> dict[str, int]:
        """Names are kept in the order they were given, up to some moment after the last fsync."""
        last: dict[str, int] = {}
        for number, event in enumerate(self.events[:until]):
            if event.kind == "sync_folder":
                last[event.name] = number
        kept_until = {
            name: rng.randint(number, until) for name, number in ({".": 0} | last).items()
        }
        names: dict[str, int] = {}
        for number, event in enumerate(self.events[:until]):
            if number >= kept_until.setdefault(_parent(event.name), rng.randint(0, until)):
                continue
            if event.kind == "link":
                names[event.name] = event.file
            elif event.kind == "unlink":
                names.pop(event.name, None)
        return names

    def _contents_after(self, until: int, rng: random.Random) -> dict[int, bytes]:
        synced: dict[int, int] = {}
        for number, event in enumerate(self.events[:until]):
            if event.kind == "sync":
                synced[event.file] = number
        contents: dict[int, bytearray] = {}
        # How much gets lost differs: nothing, some, nearly all.
        share_kept = rng.choice([0.0, 0.1, 0.5, 0.9, 1.0])
        for number, event in enumerate(self.events[:until]):
            if event.kind not in {"write", "truncate"}:
                continue
            content = contents.setdefault(event.file, bytearray())
            is_safe = number < synced.get(event.file, -1)
            if not is_safe and rng.random() > share_kept:
                continue
            if event.kind == "truncate":
                _resize(content, event.offset)
                continue
            _resize(content, max(len(content), event.offset + len(event.data)))
            for start, end in _sectors(event, torn=not is_safe and rng.random() < 0.3, rng=rng):
                content[event.offset + start : event.offset + end] = event.data[start:end]
        return {number: bytes(content) for number, content in contents.items()}

    def add(self, line: str) -> None:
        """Take in one line of strace's log."""
        found = _LINE.match(line)
        if found is None or int(found[3]) < 0:
            return
        call, arguments = found[1], found[2]
        strings = [_text(text) for text in _STRING.findall(arguments)]
        if call == "openat" and "O_CREAT" in arguments:
            self._open(strings[0], truncates="O_TRUNC" in arguments)
        elif call in {"rename", "link", "unlink"}:
            self._rename(call, strings)
        elif call != "openat":
            self._on_file(call, arguments)

    def _open(self, path: str, *, truncates: bool) -> None:
        name = self._own(path)
        if name and name not in self._names:
            number = len(self._names) + len(self.events) + 1
            self._names[name] = number
            self.events.append(Event("link", number, name))
        elif name and truncates:
            self.events.append(Event("truncate", self._names[name]))
        if name:
            self._ends[self._names[name]] = 0

    def _rename(self, call: str, paths: Sequence[str]) -> None:
        names = [self._own(path) for path in paths]
        if not names[0] or names[0] not in self._names:
            return
        number = self._names[names[0]]
        if call in {"rename", "link"} and names[1]:
            self._names[names[1]] = number
            self.events.append(Event("link", number, names[1]))
        if call in {"rename", "unlink"}:
            del self._names[names[0]]
            self.events.append(Event("unlink", number, names[0]))

    def _on_file(self, call: str, arguments: str) -> None:
        found = _ON_FILE.match(arguments)
        if found is None:
            return
        descriptor, path, rest = int(found[1]), _text(found[2]), found[3] or ""
        if call == "write" and descriptor == 1:
            said = _STRING.search(rest)
            self.events.extend(
                Event("say", name=line) for line in _text(said[1] if said else "").splitlines()
            )
        name = self._own(path)
        number = self._names.get(name, 0)
        if call in {"fsync", "fdatasync"} and not number and path.startswith(self.root):
            folder = path.removeprefix(self.root).strip("/") or "."
            self.events.append(Event("sync_folder", name=folder))
        elif number and call in {"fsync", "fdatasync"}:
            self.events.append(Event("sync", number))
        elif number and call == "ftruncate":
            self.events.append(Event("truncate", number, offset=int(rest)))
        elif number and call in {"write", "pwrite64"}:
            self._write(number, call, rest)

    def _write(self, number: int, call: str, rest: str) -> None:
        string = _STRING.search(rest)
        data = bytes.fromhex(string[1].replace("\\x", "")) if string else b""
        if call == "pwrite64":
            offset = int(rest.rsplit(", ", 1)[1])
        else:
            offset = self._ends.get(number, 0)
            self._ends[number] = offset + len(data)
        self.events.append(Event("write", number, offset=offset, data=data))

    def _own(self, path: str) -> str:
        """Name below the folder; empty for files elsewhere and those that need not survive."""
        if not path.startswith(f"{self.root}/") or path.endswith(_DERIVED):
            return ""
        return path.removeprefix(f"{self.root}/")


def record(command: Sequence[str], root: Path, log: Path, *, cwd: Path) -> Recording:
    """Run a program to its end, and give what it did to a folder."""
    assert STRACE is not None
    options = ["-f", "-qq", "-y", "-xx", "-s", "100000000", "--seccomp-bpf"]
    subprocess.run(
        [STRACE, *options, "-e", f"trace={_CALLS}", "-o", str(log), *command],
        cwd=cwd,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    recording = Recording(str(root))
    with log.open(encoding="ascii") as stream:
        for line in stream:
            recording.add(line.rstrip("\n"))
    return recording


def _parent(name: str) -> str:
    return name.rpartition("/")[0] or "."


def _text(escaped: str) -> str:
    return bytes.fromhex(escaped.replace("\\x", "")).decode(errors="replace")


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def _sectors(event: Event, *, torn: bool, rng: random.Random) -> list[tuple[int, int]]:
    """Parts of a write that reached the disk."""
    size = len(event.data)
    if not torn:
        return [(0, size)]
    starts = range(0, size, _SECTOR_BYTES)
    return [(s, min(s + _SECTOR_BYTES, size)) for s in starts if rng.random() < 0.5]
