"""``/exchange/import/parcel`` and ``/exchange/import/prior``: what other systems know of houses, in."""

from __future__ import annotations

import io
from typing import Any

from flask import Response
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import Capability
from app.core.i18n import _
from app.modules.house_map.earlier import imports as prior_import
from app.modules.house_map.parcels import imports as parcel_import
from app.web.exchange.imports import ImportView, workbook


class ParcelImportView(ImportView):
    """房屋图斑 from GeoJSON."""

    route_base = parcel_import.PAGE
    importer = parcel_import

    def texts(self) -> dict[str, Any]:
        return {
            "title": _("房屋图斑导入"),
            "intro": _("导入灾害风险普查的房屋图斑（GeoJSON），填报时可在地图上选择。"),
            "template_url": None,
            "pick": _("选择 GeoJSON 文件"),
            "accept": ".geojson,.json",
            "hints": [
                _("坐标须为 WGS84 或 CGCS2000 经纬度；投影坐标请先转换。"),
                _("每个图斑写明“图斑编号”“行政区划代码”（12位到村），以及建筑层数、建筑面积、建筑年代、结构类型、建造方式、土地性质、房屋地址、房屋用途。"),
                _("环未闭合、自相交的图斑不导入；不能识别的属性留空并标出。"),
                _("同一文件可以重复导入：编号相同的更新，不会重复。"),
            ],
        }  # fmt: skip


class PriorImportView(ImportView):
    """以往信息 from Excel."""

    route_base = prior_import.PAGE
    importer = prior_import

    def texts(self) -> dict[str, Any]:
        return {
            "title": _("以往信息导入"),
            "intro": _("导入以往的鉴定评估、动态监测、危房改造和普查结果，填报时显示在各项旁边，点“采用”才填入。"),
            "template_url": f"{self.route_base}/template",
            "hints": [
                _("按身份证号或图斑编号对应到农户和房屋，至少填一项。"),
                _("来源、日期必填；同一来源、同一天、同一户的只保留一条，重复导入时更新。"),
                _("填错的行不导入，标在标注文件里，改好可再次导入。"),
            ],
        }  # fmt: skip

    @expose("/template")
    @permission_name(Capability.IMPORT_LIST)
    def template(self) -> Response:
        policy.require(Capability.IMPORT_LIST)
        file = io.BytesIO()
        prior_import.write_template(file)
        return workbook(file, _("以往信息模板"))
