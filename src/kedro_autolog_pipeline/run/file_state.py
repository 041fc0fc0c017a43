"""Describe a file, enough to tell later whether it still is the same."""

from __future__ import annotations

import attrs


@attrs.frozen
class FileState:
    """What a file was at one moment.

    Attributes:
        size: Bytes; None where the file system does not say.
        mtime_ns: When it was written, in nanoseconds since 1970; None for a remote file.
        ctime_ns: When it was written, renamed or linked, likewise.
        inode: Which file of its disk it is; None for a remote file.
        tag: What a remote file system says that is different for other bytes or another write (an etag, a digest, a
            generation, a time); None for a local file, and where it says nothing of the kind.
    """

    size: int | None
    mtime_ns: int | None = None
    ctime_ns: int | None = None
    inode: int | None = None
    tag: str | None = None
