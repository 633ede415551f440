"""FAB's application builder, which refuses a view that would read or write past the scope."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import AppBuilder
from flask_appbuilder.charts.views import BaseChartView
from flask_appbuilder.views import CompactCRUDMixin, MasterDetailView

from app.web.crud.interface import ScopedInterface, Unplaced

#: FAB's, whose pages ours do not know.
_NOT_HERE = (BaseChartView, CompactCRUDMixin, MasterDetailView)


class Builder(AppBuilder):
    """Every view and API is added here, before it is served.

    :raises Unplaced: it takes FAB's own data model, which knows no scope.
    """

    def _check_and_init(self, baseview: Any) -> Any:
        made = baseview if isinstance(baseview, type) else type(baseview)
        if issubclass(made, _NOT_HERE):
            raise Unplaced(f"{made.__name__}: only ModelView and ModelRestApi are generated here")
        datamodel = getattr(baseview, "datamodel", None)
        if datamodel is not None and not isinstance(datamodel, ScopedInterface):
            raise Unplaced(
                f"{made.__name__} reads {datamodel.obj.__name__} past the scope: take ModelView,"
                " ModelRestApi and SQLAInterface from app.web.crud instead of flask_appbuilder"
                " (docs/for-fab-users.md)"
            )
        return super()._check_and_init(baseview)
