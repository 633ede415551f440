"""docs/examples/contractors.py as a module. Who imports it has its tables: no test does, the program does."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PATH = Path(__file__).resolve().parents[3] / "docs/examples/contractors.py"

_spec = importlib.util.spec_from_file_location("contractors", PATH)
assert _spec is not None
assert _spec.loader is not None
contractors = sys.modules["contractors"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(contractors)
Contractor, Contract = contractors.Contractor, contractors.Contract
