"""Files are whole or absent, their keys cannot be guessed or bent; in a folder as in a bucket.

``TEST_S3_URL`` (with TEST_S3_BUCKET, TEST_S3_KEY, TEST_S3_SECRET) names a real store to try as well.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.core.errors import BadInput, NotFound
from app.core.files.bucket import BucketStorage
from app.core.files.storage import (
    FolderStorage,
    Storage,
    StorageAway,
    StorageFull,
    discard,
    init_storage,
    new_key,
)
from tests.core.bucket_server import BucketServer, bucket_server

REAL = os.environ.get("TEST_S3_URL")
MIB = 1024 * 1024


@pytest.fixture
def server() -> Iterator[BucketServer]:
    with bucket_server() as running:
        yield running


@pytest.fixture
def bucket(server: BucketServer) -> BucketStorage:
    return BucketStorage(**server.settings())


@pytest.fixture
def folder(tmp_path: Path) -> FolderStorage:
    made = FolderStorage(tmp_path / "files")
    made.prepare()
    return made


@pytest.fixture(params=["folder", "bucket", *(["real"] if REAL else [])])
def store(request: pytest.FixtureRequest) -> Storage:
    if request.param != "real":
        return request.getfixturevalue(request.param)
    names = ("bucket", "key", "secret")
    account = {name: os.environ[f"TEST_S3_{name.upper()}"] for name in names}
    return BucketStorage(url=REAL or "", region="us-east-1", **account)


def files_below(store: FolderStorage) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


class Breaks(io.BytesIO):
    """An upload whose browser goes away after the first block."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 0:
            raise ConnectionError("the browser went away")
        return super().read(size)


# ---- any store -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, MIB, 3_000_000, 8 * MIB, 20 * MIB + 1])
def test_what_goes_in_comes_out(store: Storage, size: int) -> None:
    content = random.Random(size).randbytes(size)
    key = store.put(io.BytesIO(content), ".pdf")
    assert len(Path(key).parts) == 3
    with store.open(key) as file:
        assert file.read() == content
    assert store.size(key) == size
    store.delete(key)
    store.delete(key)
    with pytest.raises(NotFound):
        store.open(key)


def test_a_file_is_read_where_one_likes(store: Storage) -> None:
    content = random.Random(1).randbytes(3_000_000)
    with store.open(store.put(io.BytesIO(content), "xlsx")) as file:
        assert file.read(10) == content[:10]
        assert file.seek(-22, os.SEEK_END) == len(content) - 22  # where the list of a zip stands
        assert file.read() == content[-22:]
        for place in (0, MIB - 5, 2_500_000, 7):
            file.seek(place)
            assert file.read(MIB + 9) == content[place : place + MIB + 9]
        file.seek(5_000_000)
        assert file.read(1) == b""
        with pytest.raises((OSError, ValueError)):
            file.seek(-1)


def test_a_slow_browser_sends_all(store: Storage) -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 50_000))

    content = random.Random(2).randbytes(9_000_000)
    with store.open(store.put(Trickle(content), "xlsx")) as file:
        assert file.read() == content


def test_a_missing_file_is_not_found(store: Storage) -> None:
    key = new_key("jpg")
    with pytest.raises(NotFound):
        store.open(key)
    with pytest.raises(NotFound):
        store.size(key)


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "ab/cd/x.jpg", "", f"00/11/{'2' * 32}.jpg", "a\0b"]
)
def test_bent_keys_are_refused(store: Storage, key: str) -> None:
    for act in (store.open, store.size, store.delete):
        with pytest.raises(BadInput):
            act(key)


@pytest.mark.parametrize("suffix", ["", "../x", "JPG", "a b", "toolongsuffix"])
def test_suffixes_are_ours(suffix: str) -> None:
    with pytest.raises(ValueError, match="suffix"):
        new_key(suffix)


def test_copies_are_files_of_their_own(store: Storage) -> None:
    key = store.put(io.BytesIO(b"photo"), "jpg")
    first, second = store.copies(key, 2)
    assert len({key, first, second}) == 3
    store.delete(key)
    store.delete(first)
    assert store.open(second).read() == b"photo"
    with pytest.raises(NotFound):
        store.copies(key, 1)


# ---- a folder --------------------------------------------------------------------------------


def test_one_file_stands_for_one_key(folder: FolderStorage) -> None:
    key = folder.put(io.BytesIO(b"x" * 3_000_000), "pdf")
    assert files_below(folder) == [folder.root / key]
    folder.delete(key)
    assert files_below(folder) == []


def test_a_full_disk_leaves_nothing_and_says_so(
    folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="存储空间已满") as raised:
        folder.put(io.BytesIO(b"x" * 5_000_000), "jpg")
    assert raised.value.status == 507
    assert files_below(folder) == []


def test_a_disk_that_was_lost_is_away_and_not_made_anew(
    folder: FolderStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """Where it was mounted an empty folder is left: no file is missing, and none is kept beside it."""
    key = folder.put(io.BytesIO(b"kept"), "jpg")
    disk = folder.root.rename(folder.root.with_name("disk"))
    folder.root.mkdir()
    for use in (
        lambda: folder.put(io.BytesIO(b"x"), "jpg"), lambda: folder.open(key),
        lambda: folder.size(key), lambda: folder.copies(key, 1), lambda: folder.delete(key),
    ):  # fmt: skip
        with pytest.raises(StorageAway, match="文件存储暂时无法访问"):
            use()
    assert f"the file store {folder.root} is away" in caplog.text
    assert list(folder.root.iterdir()) == []
    folder.root.rmdir()
    disk.rename(folder.root)
    assert folder.open(key).read() == b"kept"


def test_a_disk_that_takes_no_orders_costs_nothing_that_was_saved(
    folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its errors are those of a store that is away, which :func:`discard` passes over."""

    def refuse(_self: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    key = folder.put(io.BytesIO(b"kept"), "jpg")
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StorageAway):
        folder.delete(key)
    app = Flask("discards")
    app.extensions["storage"] = folder
    with app.app_context():
        discard(key)
    assert folder.open(key).read() == b"kept"


def test_a_broken_stream_leaves_nothing_in_the_folder(folder: FolderStorage) -> None:
    with pytest.raises(ConnectionError):
        folder.put(Breaks(b"x" * 5_000_000), "jpg")
    assert files_below(folder) == []


def test_the_sweep_takes_only_old_parts(folder: FolderStorage) -> None:
    kept = folder.put(io.BytesIO(b"kept"), "jpg")
    parts = folder.root / "part"
    (parts / "new").write_bytes(b"")
    (parts / "old").write_bytes(b"")
    os.utime(parts / "old", (time.time() - 90_000,) * 2)
    assert folder.sweep() == 1
    assert {path.name for path in files_below(folder)} == {"new", Path(kept).name}


def test_copies_where_the_disk_knows_no_second_names(
    folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: Path, _target: Path) -> None:
        raise OSError(errno.EMLINK, "too many links")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    key = folder.put(io.BytesIO(b"photo"), "jpg")
    (copy,) = folder.copies(key, 1)
    assert folder.open(copy).read() == b"photo"


# ---- a bucket --------------------------------------------------------------------------------


def test_a_photo_is_one_request_each_way(server: BucketServer, bucket: BucketStorage) -> None:
    key = bucket.put(io.BytesIO(b"x" * MIB), "jpg")
    with bucket.open(key) as file:
        file.read()
    assert server.requests == [f"PUT /anju/{key}", f"GET /anju/{key}"]


def test_a_broken_stream_leaves_nothing_in_the_bucket(
    server: BucketServer, bucket: BucketStorage
) -> None:
    for size in (5 * MIB, 20 * MIB):
        with pytest.raises(ConnectionError):
            bucket.put(Breaks(b"x" * size), "jpg")
    assert (server.objects, server.uploads) == ({}, {})


@pytest.mark.parametrize("size", [1, 20 * MIB])
@pytest.mark.parametrize("status", [0, 500, 503])
def test_a_store_that_fails_keeps_nothing_and_says_so(
    server: BucketServer,
    bucket: BucketStorage,
    caplog: pytest.LogCaptureFixture,
    size: int,
    status: int,
) -> None:
    """At the first request of a small file, at the third part of a large one."""
    server.trouble = lambda method, path: (
        status if method == "PUT" and (size == 1 or "partNumber=3" in path) else None
    )
    with pytest.raises(StorageAway, match="文件存储暂时无法访问") as raised:
        bucket.put(io.BytesIO(b"x" * size), "jpg")
    assert raised.value.status == 503
    assert (server.objects, server.uploads) == ({}, {})
    assert "the file store failed at" in caplog.text
    assert "its-secret" not in caplog.text + repr(bucket)


def test_a_passing_failure_is_not_seen(server: BucketServer) -> None:
    failures = [503, 0]
    server.trouble = lambda _method, _path: failures.pop() if failures else None
    key = BucketStorage(**server.settings(retries=2)).put(io.BytesIO(b"photo"), "jpg")
    assert (failures, server.objects) == ([], {key: b"photo"})


def test_a_store_that_is_away_answers_for_every_use(
    server: BucketServer, bucket: BucketStorage
) -> None:
    key = bucket.put(io.BytesIO(b"x" * 3 * MIB), "jpg")
    with bucket.open(key) as file:
        file.read(10)
        server.trouble = lambda _method, _path: 0
        with pytest.raises(StorageAway):
            file.read()
    for use in (bucket.open, bucket.size, bucket.delete, lambda key: bucket.copies(key, 1)):
        with pytest.raises(StorageAway):
            use(key)


def test_a_store_that_hangs_is_waited_for_only_so_long(server: BucketServer) -> None:
    server.delay = 2.0
    begun = time.monotonic()
    with pytest.raises(StorageAway):
        BucketStorage(**server.settings(patience=0.2)).put(io.BytesIO(b"x"), "jpg")
    assert time.monotonic() - begun < 1.5


def test_a_full_store_leaves_nothing_and_says_so(
    server: BucketServer, bucket: BucketStorage
) -> None:
    server.trouble = lambda _method, _path: 507
    with pytest.raises(StorageFull, match="存储空间已满"):
        bucket.put(io.BytesIO(b"x"), "jpg")
    assert server.objects == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "another"},
        {"key": "nobody"},
        {"bucket": "no-such"},
        {"url": "http://127.0.0.1:9"},
    ],
)
def test_wrong_settings_are_no_missing_file(server: BucketServer, wrong: dict[str, str]) -> None:
    bucket = BucketStorage(**server.settings(**wrong))
    for use in (lambda: bucket.put(io.BytesIO(b"x"), "jpg"), lambda: bucket.open(new_key("jpg"))):
        with pytest.raises(StorageAway):
            use()
    assert server.objects == {}


def test_no_variable_of_the_machine_mixes_in(
    server: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "BUCKET", "REGION"):
        monkeypatch.setenv(f"AWS_{name}", "another")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    key = BucketStorage(**server.settings()).put(io.BytesIO(b"x"), "jpg")
    assert list(server.objects) == [key]


def test_the_bucket_may_stand_in_the_host(
    server: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.settings()["url"])  # stands for every host
    bucket = BucketStorage(**server.settings(url="http://oss.example.test", in_host=True))
    with pytest.raises(StorageAway):
        bucket.put(io.BytesIO(b"x"), "jpg")
    assert server.requests[0].startswith("PUT http://anju.oss.example.test/")


def test_the_settings_choose_the_store(server: BucketServer, tmp_path: Path) -> None:
    app = Flask("chooses")
    app.config.update(STORAGE_DIR=str(tmp_path), STORAGE_BUCKET=None)
    init_storage(app)
    assert isinstance(app.extensions["storage"], FolderStorage)
    app.config["STORAGE_BUCKET"] = server.settings()
    init_storage(app)
    assert isinstance(app.extensions["storage"], BucketStorage)
    assert server.requests == []  # an application starts while its store is away


def test_what_nobody_owns_may_stay(server: BucketServer, caplog: pytest.LogCaptureFixture) -> None:
    app = Flask("discards")
    app.config["STORAGE_BUCKET"] = server.settings()
    init_storage(app)
    with app.app_context(), caplog.at_level(logging.WARNING):
        key = app.extensions["storage"].put(io.BytesIO(b"x"), "jpg")
        server.trouble = lambda _method, _path: 503
        discard(key)
        assert f"no row owns the file {key}" in caplog.text
        server.trouble = lambda _method, _path: None
        discard(key)
    assert server.objects == {}
