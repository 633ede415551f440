"""The registers, one folder each: a folder here is declared with this package, and needs no other list.

Menus stand in the order of declaration: first those named here, as the ministry's manuals order their
modules, then any other by name.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

ORDER = (
    "household",
    "lookback",
    "low_income",
    "monitoring",
    "application",
    "dossier",
    "risk",
    "craftsman",
)


def _position(name: str) -> tuple[int, str]:
    return ORDER.index(name) if name in ORDER else len(ORDER), name


def load(name: str) -> None:
    """Import the file ``name`` of every folder that has it: what a register answers to the pages
    stands in its ``views``, which come after every table is declared.
    """
    for found in iter_modules(__path__):
        if find_spec(f"{__name__}.{found.name}.{name}") is not None:
            import_module(f"{__name__}.{found.name}.{name}")


for _name in sorted((found.name for found in iter_modules(__path__)), key=_position):
    import_module(f"{__name__}.{_name}")
