"""The program with the views of docs/examples/contractors.py, as one who knows FAB adds them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from flask import Flask

from app import create_app as create
from app.access import roles
from app.core.db import Model, db
from app.core.transactions import transaction
from app.kernel.declare.register import all_registers

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/examples/contractors.py"


def example() -> Any:
    """The module of the example, loaded once."""
    if "contractors" not in sys.modules:
        spec = importlib.util.spec_from_file_location("contractors", EXAMPLE)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules["contractors"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["contractors"]


def create_app() -> Flask:
    """The application; what a deploy would do for the example is done as it starts."""
    made = example()  # which listens for the builder, as a module does
    app = create()
    with app.app_context():
        Model.metadata.create_all(db.engine, [made.Contractor.__table__, made.Contract.__table__])
        with transaction():
            roles.sync(db.session(), [r.name for r in all_registers()])
    return app
