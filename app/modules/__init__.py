"""The registers, one folder each, or several below a folder of what they share: a folder here is declared
with this package, and needs no other list.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path


def _packages() -> list[str]:
    here = Path(__file__).parent
    found = (file.parent.relative_to(here).parts for file in here.glob("*/**/__init__.py"))
    return sorted(f"{__name__}.{'.'.join(parts)}" for parts in found)


def load(name: str) -> None:
    """Import the file ``name`` of every folder that has it: what a register answers to the pages
    stands in its ``views``, which come after every table is declared.
    """
    for package in _packages():
        if find_spec(f"{package}.{name}") is not None:
            import_module(f"{package}.{name}")


for _package in _packages():
    import_module(_package)
