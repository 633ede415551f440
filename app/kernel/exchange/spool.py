"""What is too much for memory, in a file without a name: nothing of it outlives the process."""

from __future__ import annotations

import tempfile
import weakref
from contextlib import ExitStack
from typing import IO


def nameless(owner: object) -> IO[bytes]:
    """An empty file that goes with its ``owner``, if it is not closed before."""
    with ExitStack() as kept:
        file = kept.enter_context(tempfile.TemporaryFile())
        weakref.finalize(owner, kept.pop_all().close)
    return file
