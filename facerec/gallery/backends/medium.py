"""What drive a folder lies on: whether it can be written, and whether a network is between."""

from __future__ import annotations

import os
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
# Kinds of file systems, as Linux names them, that several machines may share.
_NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "lustre", "ncpfs",
    "nfs", "nfs4", "ocfs2", "orangefs", "smb3", "smbfs", "virtiofs",
}  # fmt: skip
_NETWORK_FUSE = {
    "fuse.cephfs", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs",
    "fuse.sshfs",
}  # fmt: skip


def is_read_only(folder: Path) -> bool:
    """Say whether the drive a folder lies on cannot be written by anybody."""
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except (AttributeError, OSError):  # Windows, or it is not there
        return False


def network_kind(folder: Path) -> str:
    """Return the kind of network drive a folder lies on; empty when it is none, or unknown."""
    kind = _file_system(folder.resolve())
    return kind if kind in _NETWORK | _NETWORK_FUSE else ""


def _file_system(folder: Path) -> str:
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    kind, depth = "", -1
    for line in lines:
        before, _, after = line.partition(" - ")
        mounted_at = Path(before.split()[4].replace("\\040", " "))
        # A later mount over the same folder hides the earlier one.
        if len(mounted_at.parts) >= depth and folder.is_relative_to(mounted_at):
            kind, depth = after.split()[0], len(mounted_at.parts)
    return kind
