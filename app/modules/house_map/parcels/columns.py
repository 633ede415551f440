"""What the properties of a parcel are called: our labels, and the names that census exports use."""

from __future__ import annotations

from app.core.i18n import translate
from app.modules.house_map.parcels.table import Parcel

#: Property names as they come -> field; beside them every field's own name and label.
_ALIASES = {
    "number": ("编号", "图斑号", "房屋编号", "建筑编号", "tbbh", "bh", "fwbh"),
    "storeys": ("层数", "地上层数", "cs", "jzcs"),
    "floor_area": ("面积", "总建筑面积", "jzmj"),
    "year_built": ("建成年代", "建造年代", "建成年份", "建造年份", "建成时间", "jznd", "jcnf"),
    "structure": ("结构", "房屋结构", "jglx"),
    "way_built": ("建造形式", "jzfs"),
    "land_nature": ("土地权属", "tdxz"),
    "address": ("地址", "坐落", "住址", "dz"),
    "use": ("用途", "房屋类型", "yt", "fwyt"),
}
REGION_CODE = ("行政区划代码", "行政区代码", "村代码", "xzqdm", "cdm", "region_code")
TOWN = ("乡镇", "乡镇名称", "乡镇街道", "town")
VILLAGE = ("行政村", "村", "村名称", "村名", "village")


def names() -> dict[str, str]:
    """Property name in small letters -> field of a parcel, ``region_code``, ``town`` or ``village``."""
    found = {}
    for name, made in Parcel.__fields__.items():
        for alias in (name, made.label, translate(made.label), *_ALIASES[name]):
            found[alias.lower()] = name
    for name, aliases in (("region_code", REGION_CODE), ("town", TOWN), ("village", VILLAGE)):
        found |= dict.fromkeys(aliases, name)
    return found


def label_of(name: str) -> str:
    """What notes call it."""
    if name in Parcel.__fields__:
        return translate(Parcel.__fields__[name].label)
    return translate("行政区划") if name == "region_code" else translate("图形")
