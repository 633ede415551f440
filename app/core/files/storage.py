"""Files behind one interface. Rows keep keys; a file is reached only through the row that owns it.

A key such as ``3f/a0/3fa0…e1.jpg`` is random, so that nothing can be guessed and no user's file
name ever reaches the store. Files lie in the folder ``STORAGE_DIR`` or, with ``STORAGE_URL``, in a
bucket of an S3-compatible store (:mod:`app.core.files.bucket`).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from flask import Flask, current_app
from psycopg.errors import DiskFull, InsufficientPrivilege, ReadOnlySqlTransaction
from sqlalchemy.exc import InterfaceError
from sqlalchemy.exc import TimeoutError as NoConnection

from app.core.errors import AnjuError, BadInput, NotFound
from app.core.i18n import mark, translate

log = logging.getLogger(__name__)

_KEY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/\1\2[0-9a-f]{28}\.[a-z0-9]{1,8}")
_BLOCK = 1024 * 1024
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_AWAY = {
    errno.EROFS, errno.EIO, errno.EACCES, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN,
    errno.ETIMEDOUT, errno.ENODEV,
}  # fmt: skip
_ABANDONED_AFTER = 24 * 3600


class StorageFull(AnjuError):
    """The store took nothing of the file: no space, or a quota is used up."""

    status, code = 507, "storage_full"


#: What people are told while the store does not answer.
AWAY = mark("文件存储暂时无法访问，这次操作没有完成，请稍后重试；一直如此时请联系管理员。")


class StorageAway(AnjuError):
    """The store does not answer, or not as it should: nothing was saved or read."""

    status, code = 503, "storage_away"


def is_full(error: BaseException) -> bool:
    """Did a disk run out of space, a file's or the database's, whatever the error was wrapped in?"""
    cause: BaseException | None = error
    while cause is not None:
        full = isinstance(cause, OSError) and cause.errno in _FULL
        code = getattr(cause, "sqlite_errorcode", None)
        if full or isinstance(cause, DiskFull) or code == sqlite3.SQLITE_FULL:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def is_away(error: BaseException) -> bool:
    """Does a disk or the database not answer, or take nothing, whatever the error was wrapped in? It
    is nobody's mistake, and the same is done again when they are back.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _AWAY:
            return True
        if isinstance(cause, InterfaceError | NoConnection):
            return True
        if isinstance(cause, ReadOnlySqlTransaction | InsufficientPrivilege):  # it may only read
            return True
        cause = cause.__cause__ or cause.__context__
    return False


class Storage(Protocol):
    """What every store can do. ``put`` is atomic and durable: after it returns the file is whole
    and survives a power cut, before that there is no file. Every method raises BadInput for what
    is no key of ours, and StorageAway.
    """

    def prepare(self) -> None:
        """Make the place where files will lie, at the deploy step and nowhere else."""

    def put(self, stream: BinaryIO, suffix: str, key: str | None = None) -> str:
        """Store all of ``stream``; gives the key. Raises StorageFull."""

    def open(self, key: str) -> BinaryIO:
        """The file for reading. Raises NotFound."""

    def size(self, key: str) -> int:
        """Bytes. Raises NotFound."""

    def copies(self, key: str, count: int) -> list[str]:
        """``count`` new keys to the same bytes; deleting one leaves the others. Raises NotFound."""

    def delete(self, key: str) -> None:
        """Remove; a file that is gone already is no error."""

    def sweep(self) -> int:
        """Remove what broken-off uploads left behind; gives how many."""


def new_key(suffix: str) -> str:
    """A fresh random key. ``suffix`` (``jpg``, ``.xlsx``) comes from our code, never from a user."""
    name = secrets.token_hex(16)
    key = f"{name[:2]}/{name[2:4]}/{name}.{suffix.lstrip('.')}"
    if not _KEY.fullmatch(key):
        raise ValueError(f"no suffix of a stored file: {suffix!r}")
    return key


def checked_key(key: str) -> str:
    """``key``, which :func:`new_key` made. Raises BadInput: it came from elsewhere."""
    if not _KEY.fullmatch(key):
        raise BadInput(translate("文件编号不正确。"))
    return key


class FolderStorage:
    """Files in two levels of folders below ``root``. The folder ``part`` in it, where files are written
    before they have their key, is made once: where it is gone, a disk was lost with all files, and
    nothing is kept or missed until it is back.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._parts = root / "part"

    def prepare(self) -> None:
        self._parts.mkdir(parents=True, exist_ok=True)

    def put(self, stream: BinaryIO, suffix: str, key: str | None = None) -> str:
        key = key or new_key(suffix)
        final = self._path(key)
        part = self._parts / secrets.token_hex(16)
        with self._told(), contextlib.ExitStack() as undo:
            with part.open("xb") as file:
                undo.callback(part.unlink, missing_ok=True)
                while block := stream.read(_BLOCK):
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            final.parent.mkdir(parents=True, exist_ok=True)
            part.replace(final)
            _sync_folder(final.parent)
        return key

    def open(self, key: str) -> BinaryIO:
        with self._told():
            return self._path(key).open("rb")

    def size(self, key: str) -> int:
        with self._told():
            return self._path(key).stat().st_size

    def copies(self, key: str, count: int) -> list[str]:
        self.size(key)
        suffix = key.rpartition(".")[2]
        return [self._copy(key, new_key(suffix)) for _copy in range(count)]

    def _copy(self, key: str, new: str) -> str:
        """A second name of the same file where the disk allows, which costs no space."""
        final = self._path(new)
        try:
            try:
                final.hardlink_to(self._path(key))
            except FileNotFoundError:  # the first one in its folder
                final.parent.mkdir(parents=True, exist_ok=True)
                final.hardlink_to(self._path(key))
        except OSError:  # another file system, or too many names already
            with self.open(key) as file:
                return self.put(file, new.rpartition(".")[2], new)
        return new

    def delete(self, key: str) -> None:
        with contextlib.suppress(NotFound), self._told():
            self._path(key).unlink()

    def sweep(self) -> int:
        limit, swept = time.time() - _ABANDONED_AFTER, 0
        for part in self._parts.glob("*"):
            with contextlib.suppress(NotFound), self._told():
                if part.stat().st_mtime < limit:
                    part.unlink()
                    swept += 1
        return swept

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What the disk says, in our words."""
        try:
            yield
        except OSError as error:
            if is_full(error):
                raise StorageFull(
                    translate("服务器存储空间已满，文件没有保存。请联系管理员清理空间后重试。")
                ) from error
            missing = isinstance(error, FileNotFoundError)
            if is_away(error) or (missing and not self._parts.is_dir()):
                log.exception("the file store %s is away", self.root)
                raise StorageAway(translate(AWAY)) from error
            if missing:
                raise NotFound(translate("文件不存在或已过期。")) from error
            raise


def init_storage(app: Flask) -> None:
    """Give ``app`` its store: the bucket if ``STORAGE_BUCKET`` describes one, else the folder."""
    store: Storage
    if bucket := app.config.get("STORAGE_BUCKET"):
        from app.core.files.bucket import BucketStorage  # 15 MB of client, only where it is used

        store = BucketStorage(**bucket)
    else:
        store = FolderStorage(Path(app.config["STORAGE_DIR"]))
    app.extensions["storage"] = store


def storage() -> Storage:
    """The store of the running application."""
    store: Storage = current_app.extensions["storage"]
    return store


def discard(key: str) -> None:
    """Delete a file that no row owns any more, after what was asked for is decided: a store that
    is away now fails nothing, the log keeps the key.
    """
    try:
        storage().delete(key)
    except StorageAway:
        log.warning("no row owns the file %s, and it could not be deleted", key)


def _sync_folder(folder: Path) -> None:
    """A rename is durable only when the folder is written too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
