"""``/exchange/import/objects``: a list of low-income households from Excel."""

from __future__ import annotations

import io
from typing import Any

from flask import Response
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import Capability
from app.core.i18n import _
from app.modules.low_income import imports as object_import
from app.web.exchange.imports import ImportView, workbook


class ObjectImportView(ImportView):
    """民政名单导入: a list of low-income households."""

    route_base = object_import.PAGE
    importer = object_import

    def texts(self) -> dict[str, Any]:
        return {
            "title": _("导入低收入群体名单"),
            "intro": _(
                "导入民政等部门的名单，每户列入“对象信息维护”；已在脱贫户名单中的不会重复。"
            ),
            "template_url": f"{object_import.PAGE}/template",
        }

    @expose("/template")
    @permission_name(Capability.IMPORT_LIST)
    def template(self) -> Response:
        policy.require(Capability.IMPORT_LIST)
        file = io.BytesIO()
        object_import.write_template(file)
        return workbook(file, _("低收入群体名单模板"))
