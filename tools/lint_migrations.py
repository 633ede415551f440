"""The PostgreSQL statements of each migration, judged by squawk: what would lock or rewrite a table.

    .venv/bin/python tools/lint_migrations.py

Each migration becomes a file of SQL, made without a database. ``.squawk.toml`` names the rules that
are left out, each with its reason.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory

ROOT = Path(__file__).resolve().parent.parent
SQUAWK = Path(sys.executable).with_name("squawk")


def sql(script: Script) -> str:
    """What this migration sends to PostgreSQL."""
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written}
    )
    with Operations.context(context), context.begin_transaction():
        script.module.upgrade()
    return written.getvalue()


def judge(migrations: Path) -> int:
    """Squawk's exit code for all migrations of a folder; what it found goes to its own output."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for script in ScriptDirectory(str(migrations)).walk_revisions():
            files.append(Path(folder) / f"{Path(script.path).stem}.sql")
            files[-1].write_text(sql(script), encoding="utf-8")
        return subprocess.call([SQUAWK, "--config", ROOT / ".squawk.toml", *files])


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # migrations name the column types of the program
    sys.exit(judge(ROOT / "migrations"))
