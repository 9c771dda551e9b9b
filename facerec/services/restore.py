"""Put a backup into a gallery's place, and keep what was there."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from facerec.errors import DatabaseCorruptError, InputError, StoreError
from facerec.gallery.backends import sqlite_replace
from facerec.gallery.backends.sqlcipher import DatabaseKey
from facerec.gallery.backends.sqlite import connect, unlock
from facerec.gallery.backends.sqlite_backup import (
    Holdings,
    Manifest,
    copy_database,
    holdings,
    opened_backup,
    verify_backup,
)
from facerec.gallery.backends.sqlite_file import DATABASE_NAME, make_file
from facerec.gallery.session import DEFAULT_BUSY_TIMEOUT_S
from facerec.services.backup import back_up
from facerec.services.gallery import open_gallery
from facerec.services.keys import find_secret
from facerec.services.reindex import ReindexReport, reindex


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What restoring a backup would change.

    Attributes:
        backup: what the backup holds.
        n_people, n_templates: in the gallery now; None when it is damaged.
        leaving: who is enrolled now and was not then.
        returning: who was enrolled then and is not now.
        changing: whose Templates are others now than then.
    """

    backup: Manifest
    n_people: int | None
    n_templates: int | None
    leaving: tuple[str, ...]
    returning: tuple[str, ...]
    changing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was restored.

    Attributes:
        plan: what it changed.
        kept: where the gallery is that was replaced: a backup, or a folder when it was damaged;
            None when there was none, or it was not to be kept.
        index: made anew.
    """

    plan: RestorePlan
    kept: Path | None
    index: ReindexReport


def plan_restore(folder: Path, backup: Path) -> RestorePlan:
    """Verify a backup and find out what restoring it would change; nothing is changed.

    Args:
        folder: of the gallery.
        backup: the file.

    Raises:
        InputError: there is no such backup, or it is damaged.
        DatabaseTooNewError: a newer program made it.
    """
    key = key_of_backup(backup)
    manifest = verify_backup(backup, key)
    with opened_backup(backup, key) as connection:
        then = holdings(connection)
    now = _holdings_now(folder)
    if now is None:
        return RestorePlan(manifest, None, None, (), tuple(sorted(then)), ())
    return RestorePlan(
        manifest,
        len(now),
        sum(map(len, now.values())),
        leaving=tuple(sorted(set(now) - set(then))),
        returning=tuple(sorted(set(then) - set(now))),
        changing=tuple(sorted(name for name in set(now) & set(then) if now[name] != then[name])),
    )


def restore(folder: Path, backup: Path, *, keep: bool = True) -> RestoreReport:
    """Put a backup into the place of a gallery, as a whole or not at all.

    Nothing of the two is mixed. Other programs that have the gallery open see the restored one from
    their next look on. Numbers of people and Templates that were given since are not given again.

    Args:
        folder: of the gallery, which need not be there.
        backup: the file.
        keep: keep the gallery that is replaced, as a backup in its folder. A damaged one is kept
            always.

    Raises:
        InputError: there is no such backup, or it is damaged.
        DatabaseTooNewError: a newer program made it.
        DatabaseBusyError: another program held the gallery for too long.
        StoreError: it cannot be written. In every case nothing was changed.
    """
    plan = plan_restore(folder, backup)
    path = folder / DATABASE_NAME
    folder.mkdir(parents=True, exist_ok=True)
    key = key_of_backup(backup)
    if plan.n_people is not None and path.exists() and unlock(path, find_secret) != key:
        raise StoreError(
            "The gallery and the backup are not encrypted alike.",
            remedy="Restore into a new folder: facerec gallery restore FILE --gallery FOLDER.",
        )

    def fill(making: Path) -> None:
        with (
            opened_backup(backup, key) as source,
            contextlib.closing(connect(making, DEFAULT_BUSY_TIMEOUT_S, key)) as target,
        ):
            copy_database(source, target, DEFAULT_BUSY_TIMEOUT_S)
        # (also what was kept a moment ago)
        carried = sqlite_replace.carried_over(path, DEFAULT_BUSY_TIMEOUT_S, key)
        sqlite_replace.make_ready(making, carried, DEFAULT_BUSY_TIMEOUT_S, key)

    kept: Path | None = None
    if not path.exists():
        kept = sqlite_replace.set_log_aside(path, folder / f"damaged-{moment()}")
        make_file(path, fill)
    elif plan.n_people is None:
        kept = folder / f"damaged-{moment()}"
        with sqlite_replace.new_database(path, fill) as new:
            sqlite_replace.swap(path, new, kept)
    else:
        if keep:
            kept = folder / f"replaced-{moment()}.backup"
            with open_gallery(folder, create=False, keep_days=None) as gallery:
                back_up(gallery, kept)
        with sqlite_replace.new_database(path, fill) as new:
            sqlite_replace.overwrite(path, new, DEFAULT_BUSY_TIMEOUT_S, key)
    with open_gallery(folder, create=False, keep_days=None) as gallery:
        return RestoreReport(plan, kept, reindex(gallery))


def key_of_backup(backup: Path) -> DatabaseKey | None:
    """Return the key of an encrypted backup; None for a plain one.

    Raises:
        InputError: there is no such backup.
        GalleryLockedError: it is encrypted, and there is no passphrase.
    """
    if not backup.is_file():
        raise InputError(f"There is no backup {backup}.", remedy="Check the name.")
    return unlock(backup, find_secret)


def moment() -> str:
    """Return the time, UTC, as names of kept files end in it."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"


def _holdings_now(folder: Path) -> Holdings | None:
    """What the gallery holds now; None when it is damaged."""
    path = folder / DATABASE_NAME
    if not path.exists():
        return {}
    try:
        with open_gallery(folder, create=False, keep_days=None) as gallery:
            gallery.store.check()
            with contextlib.closing(
                connect(path, DEFAULT_BUSY_TIMEOUT_S, gallery.store.key)
            ) as connection:
                return holdings(connection)
    except DatabaseCorruptError:
        return None
