"""Files that an import is given: kept in the store until their job has read them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from app.access.actor import Actor
from app.core.errors import BadInput, NotFound
from app.core.files.storage import discard, storage
from app.core.i18n import _
from app.core.jobs.table import Job, JobContext, Owner, enqueue
from app.kernel.exchange.reader import MAX_BYTES
from app.kernel.exchange.writer import MEDIA_TYPE


def begin(
    kind: str, actor: Actor, stream: BinaryIO, name: str, args: dict[str, Any], suffix: str = ""
) -> Job:
    """Take a file in and queue its import for the actor; the caller commits.

    :raises BadInput: it is empty or too large.
    """
    file = keep(stream, name, suffix)
    owner = Owner(actor.account_id, actor.name, actor.path)
    return enqueue(kind, args, owner=owner, subject=file["name"], inputs=[file])


def again(
    kind: str, checked: Job, start: Callable[..., Job], choices: Sequence[str] = ("whole",)
) -> Job:
    """Import what a dry run only checked: the same file, the same choices; the caller commits.

    :raises NotFound: the job is of another kind, or the file has expired.
    """
    (file,) = checked.files_of("input") or [{"key": "", "name": ""}]
    if checked.kind != kind or not file["key"]:
        raise NotFound(_("文件不存在或已过期。"))
    with storage().open(file["key"]) as stream:
        chosen = {name: checked.args[name] for name in choices}
        return start(stream, file["name"], dry_run=False, **chosen)


@contextmanager
def local_copy(job: JobContext) -> Iterator[Path]:
    """What the job was given, as a file of this machine while it is read."""
    with tempfile.NamedTemporaryFile() as file:
        with job.input() as stored:
            shutil.copyfileobj(stored, file)
        file.flush()
        yield Path(file.name)


def keep(stream: BinaryIO, name: str, suffix: str = "") -> dict[str, str]:
    """Store the file, a workbook or csv unless ``suffix`` says else; what a job's ``inputs`` say of it.

    :raises BadInput: it is empty or too large; nothing is kept.
    """
    sheet = "csv" if name.lower().endswith((".csv", ".txt")) else "xlsx"
    key = storage().put(stream, suffix or sheet)
    size = storage().size(key)
    if not 0 < size <= MAX_BYTES:
        discard(key)
        raise BadInput(
            _("文件超过40 MB，请拆分后分别导入。")
            if size
            else _("文件是空的（0字节），请重新选择。")
        )
    plain = "".join(c for c in Path(name).name if c.isprintable())[:120]  # it comes back in headers
    return {"key": key, "name": plain, "media_type": MEDIA_TYPE}
