"""Files are whole or absent, their keys cannot be guessed or bent."""

from __future__ import annotations

import errno
import io
import os
import time
from pathlib import Path

import pytest

from app.core.errors import BadInput, NotFound
from app.core.storage import FolderStorage, StorageFull, new_key


@pytest.fixture
def store(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "files")


def files_below(store: FolderStorage) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


def test_what_goes_in_comes_out(store: FolderStorage) -> None:
    content = os.urandom(3_000_000)
    key = store.put(io.BytesIO(content), ".pdf")
    assert store.open(key).read() == content
    assert store.size(key) == len(content)
    assert files_below(store) == [store.root / key]
    assert len(Path(key).parts) == 3
    store.delete(key)
    store.delete(key)
    assert files_below(store) == []


def test_a_missing_file_is_not_found(store: FolderStorage) -> None:
    key = new_key("jpg")
    with pytest.raises(NotFound):
        store.open(key)
    with pytest.raises(NotFound):
        store.size(key)


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "ab/cd/x.jpg", "", f"00/11/{'2' * 32}.jpg", "a\0b"]
)
def test_bent_keys_are_refused(store: FolderStorage, key: str) -> None:
    for act in (store.open, store.size, store.delete):
        with pytest.raises(BadInput):
            act(key)


@pytest.mark.parametrize("suffix", ["", "../x", "JPG", "a b", "toolongsuffix"])
def test_suffixes_are_ours(suffix: str) -> None:
    with pytest.raises(ValueError, match="suffix"):
        new_key(suffix)


def test_a_full_disk_leaves_nothing_and_says_so(
    store: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="存储空间已满") as raised:
        store.put(io.BytesIO(b"x" * 5_000_000), "jpg")
    assert raised.value.status == 507
    assert files_below(store) == []


def test_a_broken_stream_leaves_nothing(store: FolderStorage) -> None:
    class Breaks(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 0:
                raise ConnectionError("the browser went away")
            return super().read(size)

    with pytest.raises(ConnectionError):
        store.put(Breaks(b"x" * 5_000_000), "jpg")
    assert files_below(store) == []


def test_the_sweep_takes_only_old_parts(store: FolderStorage) -> None:
    kept = store.put(io.BytesIO(b"kept"), "jpg")
    parts = store.root / "part"
    (parts / "new").write_bytes(b"")
    (parts / "old").write_bytes(b"")
    os.utime(parts / "old", (time.time() - 90_000,) * 2)
    assert store.sweep() == 1
    assert {path.name for path in files_below(store)} == {"new", Path(kept).name}


def test_copies_are_files_of_their_own(store: FolderStorage) -> None:
    key = store.put(io.BytesIO(b"photo"), "jpg")
    first, second = store.copies(key, 2)
    assert len({key, first, second}) == 3
    store.delete(key)
    store.delete(first)
    assert store.open(second).read() == b"photo"
    with pytest.raises(NotFound):
        store.copies(key, 1)


def test_copies_where_the_disk_knows_no_second_names(
    store: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: Path, _target: Path) -> None:
        raise OSError(errno.EMLINK, "too many links")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    key = store.put(io.BytesIO(b"photo"), "jpg")
    (copy,) = store.copies(key, 1)
    assert store.open(copy).read() == b"photo"
