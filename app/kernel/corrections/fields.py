"""Which fields may be corrected in many records at once, and why the others may not."""

from __future__ import annotations

from app.core.i18n import _
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register


def offered(register: Register) -> dict[str, Field]:
    """Those that may, in the order of the form."""
    return {n: made for n, made in register.fields.items() if not why_not(register, n)}


def why_not(register: Register, name: str) -> str:
    """Why this field is not corrected in many records, in the user's language; empty where it may be."""
    made = register.fields.get(name)
    fixed = {n for section in register.sections if section.fixed for n in section.fields}
    if made is None or made.system or name in fixed:
        return _("这一项由系统确定，不能批量更正。")
    if made.computed is not None:
        return _("这一项由其他项目算出，请更正那些项目。")
    if made.masked or made.kind.names_person or name in _names(register):
        return _("姓名、证件号码和电话因人而异，请逐户核对修改。")
    if name in register.key.split():
        return _("这一项用来区分档案，请逐户修改。")
    if made.kind.counted or not made.stored:
        return _("照片、材料和多行的表格请逐户修改。")
    return ""


def _names(register: Register) -> tuple[str, str]:
    return register.name_field, register.number_field
