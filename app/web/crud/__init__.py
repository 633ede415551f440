"""Views that Flask-AppBuilder generates, inside the scope, asked of the policy, in our frame.

``from app.web.crud import ModelRestApi, ModelView, SQLAInterface`` instead of FAB's three names; all
else of a FAB view stays as FAB's documentation says (docs/for-fab-users.md).
"""

from app.web.crud.api import CrudApi as ModelRestApi
from app.web.crud.interface import ScopedInterface as SQLAInterface
from app.web.crud.registers import RegisterInterface
from app.web.crud.views import CrudView as ModelView

__all__ = ["ModelRestApi", "ModelView", "RegisterInterface", "SQLAInterface"]
