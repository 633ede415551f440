"""PDF papers judged by their content: whole, without a password, without what runs, plays or carries other
files; links that lead out of a paper are taken out of it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import BadInput
from app.core.i18n import translate

MOST_PAGES = 100

_READER = Path(__file__).with_name("paper_reader.py")
_SECONDS = 10.0
_END = re.compile(rb"startxref\s+\d+\s+%%EOF[\s\0]*\Z")


class PaperRefused(BadInput):
    """The file is no paper that may be kept; the message says why and what to do."""

    code = "upload_refused"


@dataclass(frozen=True)
class Paper:
    """A PDF as it may be kept, its number of pages, and the first one as a small JPEG."""

    content: bytes
    pages: int
    thumb: bytes


def read_paper(data: bytes) -> Paper:
    """Judge a PDF of any origin. Raises PaperRefused."""
    if not _END.search(data[-2048:]):
        raise PaperRefused(
            translate("PDF文件不完整，或末尾夹带了其他内容，请重新扫描或导出后上传。")
        )
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_READER)],
            input=data, capture_output=True, timeout=_SECONDS, check=True,
        )  # fmt: skip
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise PaperRefused(
            translate("PDF文件损坏或过于复杂，打不开；请重新扫描或导出后上传。")
        ) from error
    line, _newline, rest = done.stdout.partition(b"\n")
    found = json.loads(line)
    match found.get("refused"):
        case "locked":
            raise PaperRefused(translate("PDF文件设有密码，请去掉密码后上传。"))
        case "active":
            raise PaperRefused(
                translate(
                    "PDF文件中含有脚本、附件、音视频或会自动执行的操作，请用“打印为PDF”另存后上传。"
                )
            )
    if found["pages"] > MOST_PAGES:
        raise PaperRefused(
            translate(
                "PDF文件有%(n)s页，最多%(most)s页；请只上传需要的部分。",
                n=found["pages"], most=MOST_PAGES,
            )
        )  # fmt: skip
    thumb, content = rest[: found["thumb"]], rest[found["thumb"] :]
    return Paper(content or data, found["pages"], thumb)
