"""农户: the one list of households that every register stands on.

The model is the kernel's (:mod:`app.registry.households`), for all registers refer to it.
"""

from app.registers.household import register

__all__ = ["register"]
