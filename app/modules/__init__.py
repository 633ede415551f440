"""The registers, one folder each, or several below a folder of what they share: a folder here is declared
with this package, and needs no other list.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import config

_HERE = Path(__file__).parent
#: Folders that this program leaves out.
LEFT_OUT = config.modules_without()


def _packages() -> list[str]:
    found = (file.parent.relative_to(_HERE).parts for file in _HERE.glob("*/**/__init__.py"))
    return sorted(f"{__name__}.{'.'.join(parts)}" for parts in found if parts[0] not in LEFT_OUT)


def load(name: str) -> None:
    """Import the file ``name`` of every folder that has it: what a register answers to the pages
    stands in its ``views``, which come after every table is declared.
    """
    for package in _packages():
        if find_spec(f"{package}.{name}") is not None:
            import_module(f"{package}.{name}")


def _left_out() -> None:
    """:raises ConfigError: a module that is left out does not exist, or others stand on it."""
    for name in sorted(LEFT_OUT):
        if not (_HERE / name / "__init__.py").exists():
            raise config.ConfigError(f"MODULES_WITHOUT: there is no module {name!r}")
        if f"{__name__}.{name}" in sys.modules:
            raise config.ConfigError(f"MODULES_WITHOUT: other modules stand on {name!r}")


for _package in _packages():
    import_module(_package)
_left_out()
