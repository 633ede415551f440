"""The columns of the list of households: official heads, how else people write them, samples."""

from __future__ import annotations

from functools import cache

from app.core.i18n import mark, translate
from app.kernel import hooks
from app.kernel.exchange.imports.heads import plain_head
from app.kernel.hooks import ListColumn
from app.kernel.rows.household import Sex

COLUMNS = (
    ListColumn(
        "province", mark("省（自治区、直辖市）"), ("省", "省份", "省级", "省名称"), 16, "陕西省"
    ),
    ListColumn(
        "city", mark("市（州、盟）"), ("市", "地市", "市级", "州", "盟", "市名称"), 12, "西安市"
    ),
    ListColumn(
        "county",
        mark("县（市、区、旗）"),
        ("县", "区县", "县区", "县级", "县市区", "区", "县名称"),
        14,
        "蓝田县",
        required=True,
        note=mark("必须是您管辖范围内的县。"),
    ),
    ListColumn(
        "town",
        mark("乡（镇）"),
        ("乡", "镇", "乡镇", "乡镇街道", "街道", "乡级", "乡名称", "乡镇名称"),
        14,
        "灞源镇",
    ),
    ListColumn(
        "village",
        mark("村"),
        ("行政村", "村社区", "村级", "村名称", "行政村名称", "村居"),
        18,
        "秦谷村",
        note=mark("村名写法不同（村、村委会、社区）时，在所填乡镇中唯一对应即可。"),
    ),
    ListColumn(
        "village_group", mark("村民小组"), ("组", "小组", "村组", "自然村", "自然村组"), 10, "八组"
    ),
    ListColumn(
        "head_name",
        mark("户主姓名"),
        ("户主", "姓名", "户主名", "户主名称", "成员姓名", "家庭成员姓名"),
        12,
        "汪艳贵",
        required=True,
    ),
    ListColumn(
        "id_number",
        mark("身份证号"),
        ("户主身份证号", "身份证号码", "户主身份证号码", "证件号码", "公民身份号码", "身份证"),
        22,
        "610121198607050969",
        note=mark("18位，按文本填写。"),
    ),
    ListColumn("sex", mark("性别"), ("户主性别",), 6, "女", options=Sex),
    ListColumn("ethnicity", mark("民族"), ("户主民族",), 10, "汉族", options="ethnicity"),
    ListColumn(
        "phone",
        mark("联系电话"),
        ("电话", "手机", "手机号", "手机号码", "户主电话", "电话号码", "联系方式", "户主联系电话"),
        15,
        "15152251367",
    ),
    ListColumn(
        "population",
        mark("家庭户籍人口"),
        ("家庭人口", "人口", "家庭人口数", "户籍人口", "户籍人口数", "家庭户籍人数", "人数"),
        12,
        "5",
    ),
    ListColumn("exit_year", mark("脱贫年份"), ("脱贫年度", "脱贫时间", "脱贫年"), 10, "2019"),
)
PERSONS = (
    ListColumn(
        "household_number",
        mark("户编号"),
        ("户号", "家庭编号", "户编码", "家庭户编号"),
        12,
        "H0001",
    ),
    ListColumn(
        "relation",
        mark("与户主关系"),
        ("户主关系", "家庭关系", "关系", "与户主的关系", "家庭成员关系", "成员关系"),
        12,
        "配偶",
    ),
)
"""Columns of a list of persons, in which a household has several rows."""

REFERENCE = ListColumn("reference", mark("农户编号"), ("系统编号",), 36)
"""Only in what the program wrote: the household of an exported row, or the one that a flagged row of
a marked workbook became, so that any other cell of it may be missing or corrected."""

REFERENCE_WRONG = mark("农户编号与该户不符，请勿改动该列；新增的行请留空。")
"""What is said of a key that is not the row's household's."""

ETHNIC_MARK = "族"  # 汉 for 汉族
HEADS = frozenset({"户主", "本人", "户主本人", "本人(户主)", "户主(本人)"})
"""与户主关系 of the head."""

_RELATIONS = {
    "配偶": "妻 夫 妻子 丈夫 之妻 之夫 爱人 老婆 老公",
    "子女": "子 女 儿子 女儿 之子 之女 长子 次子 三子 四子 五子 长女 次女 三女 四女 五女 独生子 独生女 养子 养女 继子 继女",
    "父母": "父 母 父亲 母亲 之父 之母 爸爸 妈妈",
    "兄弟姐妹": "兄 弟 姐 妹 姊 哥哥 弟弟 姐姐 妹妹 之兄 之弟 之姐 之妹 兄弟 姐妹 兄嫂",
    "其他": "孙 孙子 孙女 之孙 之孙子 之孙女 长孙 外孙 外孙子 外孙女 儿媳 之儿媳 媳妇 女婿 之女婿 祖父 祖母 爷爷 奶奶 岳父 岳母 公公 婆婆 公婆 "
    "侄子 侄女 侄儿 外甥 外甥女 曾孙 曾孙子 曾孙女 孙媳 孙女婿 嫂子 弟媳 叔父 伯父 其它 其他亲属 非亲属",
}
RELATIONS = {word: text for text, words in _RELATIONS.items() for word in words.split()}
"""How people write a relation -> its text in the list of them."""

SEXES = {"男": Sex.MALE, "男性": Sex.MALE, "女": Sex.FEMALE, "女性": Sex.FEMALE}


@cache
def by_name() -> dict[str, ListColumn]:
    """Every column that a list may have, by its name."""
    return {
        column.name: column
        for column in (*COLUMNS, *PERSONS, *hooks.list_import_columns(), REFERENCE)
    }


@cache
def heads() -> dict[str, str]:
    """Head as :func:`plain_head` gives it -> column name."""
    return {
        plain_head(text): column.name
        for column in by_name().values()
        for text in (column.label, *column.aliases)
    }


def label_of(name: str) -> str:
    """A column's official head, in the reader's language."""
    return translate(by_name()[name].label)
