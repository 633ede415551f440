"""Files in a bucket of an S3-compatible store, under the same keys as in a folder.

A file of up to one part goes in one request, a larger one part by part and appears when the last
is in: a reader never sees half of it. Parts of an upload that was killed stay hidden in the store
until its own rule for unfinished uploads removes them, which README.md asks for.
"""

from __future__ import annotations

import io
import itertools
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from app.core.errors import NotFound
from app.core.files.storage import AWAY, StorageAway, StorageFull, checked_key, new_key
from app.core.i18n import translate

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

log = logging.getLogger(__name__)

_PART = 8 * 1024 * 1024  # S3 allows 10,000 parts: files of up to 78 GiB
_BLOCK = 1024 * 1024  # a photo is no larger and so comes in one request
_FULL = re.compile(r"\b507 |StorageFull|QuotaExceeded|InsufficientStorage")


@dataclass(frozen=True)
class BucketStorage:
    """Files in ``bucket`` of the store at ``url``, seen with the account ``key``.

    ``in_host`` asks for ``bucket.host`` instead of ``host/bucket``; ``ca`` is a file with the
    certificate of a private authority. A request may take ``patience`` seconds; one that fails is
    repeated up to ``retries`` times in as long.
    """

    url: str
    bucket: str
    region: str
    key: str
    secret: str = field(repr=False)
    in_host: bool = False
    ca: str = ""
    patience: float = 20
    retries: int = 4

    def prepare(self) -> None:
        """Whoever runs the store made the bucket."""

    def put(self, stream: BinaryIO, suffix: str, key: str | None = None) -> str:
        path = checked_key(key or new_key(suffix))
        first = _part(stream)
        with _told_of(path, lost=StorageAway):
            if len(first) < _PART:
                obstore.put(self._client, path, first, use_multipart=False)
            else:
                parts = itertools.chain([first], iter(lambda: _part(stream), b""))
                obstore.put(self._client, path, parts, chunk_size=_PART, max_concurrency=2)
        return path

    def open(self, key: str) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Blocks(self, checked_key(key))))

    def size(self, key: str) -> int:
        with _told_of(key):
            return obstore.head(self._client, checked_key(key))["size"]

    def copies(self, key: str, count: int) -> list[str]:
        self.size(key)
        return [self._copy(key, new_key(key.rpartition(".")[2])) for _copy in range(count)]

    def _copy(self, key: str, new: str) -> str:
        with _told_of(key):
            obstore.copy(self._client, key, new)  # inside the store, no byte comes here
        return new

    def delete(self, key: str) -> None:
        try:
            with _told_of(key):
                obstore.delete(self._client, checked_key(key))
        except NotFound:  # what S3 itself takes for done
            pass

    def sweep(self) -> int:
        return 0  # the store's own rule does it

    def block(self, key: str, start: int) -> tuple[bytes, int]:
        """Up to 1 MiB of the file from ``start``, and the size of the whole. Raises NotFound."""
        with _told_of(key):
            try:
                found = obstore.get(self._client, key, options={"range": (start, start + _BLOCK)})
                return bytes(found.bytes()), found.meta["size"]
            except BaseError as error:
                if "416 Range" not in str(error):
                    raise
        return b"", self.size(key)  # an empty file has no range

    @cached_property
    def _client(self) -> S3Store:
        """Made at the first use: its threads would not live through the fork of a web server."""
        scheme, host = urlsplit(self.url)[:2]
        config: S3Config = {
            "aws_endpoint_url_s3": f"{scheme}://{self.bucket}.{host}" if self.in_host else self.url,
            "region": self.region,
            "virtual_hosted_style_request": self.in_host,
            "disable_bulk_delete": True,  # not every store knows it
        }
        patience = timedelta(seconds=self.patience)
        client: ClientConfig = {
            "allow_http": scheme == "http",
            "connect_timeout": min(patience, timedelta(seconds=5)),
            "timeout": patience,
        }
        if self.ca:
            client["root_certificate"] = Path(self.ca).read_bytes()
        retry: RetryConfig = {
            "max_retries": self.retries,
            "retry_timeout": patience,
            "backoff": {
                "init_backoff": timedelta(milliseconds=200),
                "max_backoff": timedelta(seconds=2),
                "base": 2,
            },
        }
        return S3Store(
            self.bucket, config=config, client_options=client, retry_config=retry,
            credential_provider=self._credential,
        )  # fmt: skip

    def _credential(self) -> S3Credential:
        """Ours alone, so that no AWS variable of the machine mixes with it."""
        return {
            "access_key_id": self.key,
            "secret_access_key": self.secret,
            "token": None,
            "expires_at": None,
        }


class _Blocks(io.RawIOBase):
    """A file read block by block where its reader goes; nothing is held open in between."""

    def __init__(self, store: BucketStorage, key: str) -> None:
        self._store, self._key = store, key
        self._at = self._start = 0
        self._block, self._size = store.block(key, 0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"no place before the beginning: {base + offset}")
        self._at = base + offset
        return self._at

    def readinto(self, target: WriteableBuffer, /) -> int:
        if self._at >= self._size:
            return 0
        if not self._start <= self._at < self._start + len(self._block):
            self._block, _size = self._store.block(self._key, self._at)
            self._start = self._at
        room = memoryview(target).cast("B")
        first = self._at - self._start
        given = self._block[first : first + len(room)]
        room[: len(given)] = given
        self._at += len(given)
        return len(given)


def _part(stream: BinaryIO) -> bytes:
    """The next part, full unless the stream ends: a socket gives less at a time than was asked."""
    part = bytearray()
    while len(part) < _PART and (block := stream.read(_PART - len(part))):
        part += block
    return bytes(part)


@contextmanager
def _told_of(key: str, lost: type[NotFound | StorageAway] = NotFound) -> Iterator[None]:
    """What went wrong in words for a user; the log keeps the store's own.

    ``lost``: what it means that the store does not find what it is asked for.
    """
    try:
        yield
    except FileNotFoundError as error:
        if lost is NotFound and "NoSuchBucket" not in str(error):
            raise NotFound(translate("文件不存在或已过期。")) from error
        raise _away(key, error) from error
    except BaseError as error:
        if _FULL.search(str(error)):
            raise StorageFull(
                translate("服务器存储空间已满，文件没有保存。请联系管理员清理空间后重试。")
            ) from error
        raise _away(key, error) from error


def _away(key: str, error: Exception) -> StorageAway:
    log.error("the file store failed at %s: %s", key, str(error).partition("\n\n")[0])
    return StorageAway(translate(AWAY))
