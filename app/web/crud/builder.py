"""FAB's application builder, which refuses a view that would read or write past the scope."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import AppBuilder, ModelRestApi
from flask_appbuilder.baseviews import BaseCRUDView
from flask_appbuilder.charts.views import BaseChartView
from flask_appbuilder.views import CompactCRUDMixin, MasterDetailView, MultipleView

from app.web.crud.interface import ScopedInterface, Unplaced

#: FAB's, whose pages ours do not know.
_NOT_HERE = (BaseChartView, CompactCRUDMixin, MasterDetailView, MultipleView)


class Builder(AppBuilder):
    """Every view and API is added here, before it is served.

    :raises Unplaced: it is FAB's own or takes FAB's data model, which know no scope and ask no policy.
    """

    def _check_and_init(self, baseview: Any) -> Any:
        made = baseview if isinstance(baseview, type) else type(baseview)
        if issubclass(made, _NOT_HERE):
            raise Unplaced(f"{made.__name__}: only ModelView and ModelRestApi are generated here")
        datamodel = getattr(baseview, "datamodel", None)
        generated = issubclass(made, BaseCRUDView | ModelRestApi)
        open_routes = generated and not getattr(made, "gated", False)
        if open_routes or not isinstance(datamodel, ScopedInterface | None):
            raise Unplaced(
                f"{made.__name__} would read and write past the scope: take ModelView,"
                " ModelRestApi and SQLAInterface from app.web.crud instead of flask_appbuilder"
                " (docs/for-fab-users.md)"
            )
        return super()._check_and_init(baseview)
