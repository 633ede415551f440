"""农户: the one list of households that every register stands on.

The model is the kernel's (:mod:`app.kernel.rows.household`), for all registers refer to it.
"""

from app.kernel.households import names, register, taking_back

__all__ = ["names", "register", "taking_back"]
