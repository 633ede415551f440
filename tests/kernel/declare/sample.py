"""A small made-up register that uses every kind of field and every kind of expression.

It has its own metadata, so that neither Alembic nor the real registers see it.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.core.choices import Choices
from app.core.clock import uuid7
from app.core.types import UuidType
from app.kernel.declare import fields as f
from app.kernel.declare.expressions import NEVER, Compare, Given
from app.kernel.declare.rules import RuleSet
from app.kernel.declare.terms import Between, Const, Ref, Sum


class Base(DeclarativeBase):
    pass


class Way(Choices):
    OWN = "own", "自有"
    OTHER = "other", "其他"


class Letter(Choices):
    """Codes that differ by case, prefix and signs of LIKE."""

    A = "a", "小甲"
    CAPITAL_A = "A", "大甲"
    AB = "ab", "甲乙"
    PERCENT = "%", "百分"
    UNDERSCORE = "_", "下划"


class Sample(f.Declared, Base):
    __tablename__ = "sample_of_rules"

    id: Mapped[uuid.UUID] = mapped_column(UuidType, primary_key=True, default=uuid7)

    # A chain of visibility, declared against its order: `deep` stands first and shows last.
    deep = f.text("最深", 20, shown=Given(Ref("middle")))
    gate = f.yes_no("总开关")
    way = f.choice("方式", Way, shown=gate.yes)
    middle = f.text("中间", 20, shown=way.is_(Way.OWN), required=False)
    otherwise = f.text("否则", 20, shown=~way.is_(Way.OWN), required=False)

    letter = f.choice("字母", Letter, required=False)
    letters = f.many("多选字母", Letter, shown=way.in_(Way.OWN, Way.OTHER), required=False)
    lines = f.long_text("多行", 50, shown=letters.has(Letter.A) | letters.has(Letter.PERCENT))
    listing = f.listed("能源", "energy", shown=~letters.given & gate.given)
    several = f.many("多选能源", "energy")
    never = f.text("从不", shown=NEVER)

    whole = f.integer("整数", 1, 30, shown=~gate.no)
    exact = f.decimal("小数", 1, 9999, required=False)
    cost = f.money("金额", required=False)
    built = f.year("年份", shown=whole.compare("ge", 5) | exact.compare("lt", whole.ref.plus(2)))

    seen = f.date("看房日期", not_after=f.Today(), required=False)
    judged = f.date(
        "鉴定日期", not_before=dt.date(2021, 1, 1), not_after=seen, shown=seen.given, required=False
    )

    number = f.id_number("身份证号", required=False)
    mobile = f.phone("电话", shown=number.valid)
    code = f.uscc("信用代码", shown=~number.valid, required=False)

    bank = f.account("账号", shown=code.given, required=False)

    people = f.children(
        "人员",
        f.row("name", f.text("姓名", 20)),
        f.row("id_number", f.id_number("身份证号", required=False)),
        f.row("way", f.choice("方式", Way, required=False)),
        f.row("since", f.date("起始", not_before=dt.date(2021, 1, 1), required=False)),
        f.row("paid", f.money("金额", required=False)),
        shown=gate.given,
        required=False,
        high=2,
    )
    spent = f.computed(
        f.money("合计", shown=~gate.no), f.Total(fields=(cost, exact), rows=((people, "paid"),))
    )
    balanced = f.computed(f.yes_no("相等"), spent.compare("eq", cost) & cost.compare("gt", 0))
    rest = f.text("余下", 20, shown=balanced.yes | spent.compare("gt", 10))
    home = f.region("地区", shown=~gate.no)
    pictures = f.photos("照片", 2, 3, shown=people.compare("ge", 1))
    proofs = f.papers("材料", 1, 2, shown=pictures.given & way.given, required=False)

    whole.checks += [
        f.Check("few_people", whole.compare("lt", people), "整数小于人数。"),
        f.Check("five", whole.is_(5), "不能是五。", severity=f.Severity.QUESTIONABLE),
        f.Check("unlike_cost", ~whole.compare("eq", cost), "应与金额相等。"),
    ]
    exact.checks += [
        f.Check("double", exact.compare("gt", whole.ref.times(2)), "超过整数的两倍。"),
        f.Check("all", exact.compare("lt", Sum((cost.ref, whole.ref))), "少于合计。"),
        f.Check("sooner", Compare("lt", Between(seen.ref, judged.ref), Const(30)), "不到一个月。"),
    ]
    spent.checks.append(f.Check("much", spent.compare("gt", cost), "超过金额。"))
    exact.checks.append(f.Check("half", exact.in_(1, 9999) | exact.is_(1.5), "不能是一点五。"))
    built.checks += [
        f.Check("early", built.compare("lt", seen.year), "早于看房年度。"),
        f.Check("late", built.compare("gt", seen.year.plus(1)), "晚于次年。"),
        f.Check("not_that", built.in_(2023, 2024) & ~judged.given, "需要鉴定日期。"),
    ]
    seen.checks.append(f.Check("that_day", seen.is_(dt.date(2024, 9, 7)), "不能是那天。"))
    middle.checks.append(f.Check("same", middle.compare("eq", deep), "不能与最深相同。"))
    letter.checks.append(
        f.Check("clash", letter.is_(Letter.A) & letters.has(Letter.CAPITAL_A), "大小写冲突。")
    )
    home.checks += [
        f.Check("second", home.is_(2), "不能是第二个。"),
        f.Check("moved", ~home.given & gate.yes & way.is_(Way.OTHER), "需要地区。"),
    ]
    letters.checks += [
        f.Check("ab", letters.has(Letter.AB), "不能是甲乙。"),
        f.Check("low", letters.has(Letter.UNDERSCORE) & ~gate.no, "不能是下划。"),
    ]
    several.checks.append(f.Check("coal", several.has("01") & ~listing.is_("02"), "不能是煤炭。"))
    mobile.checks.append(f.Check("not_land", ~mobile.is_("029-86964499"), "只能是那部座机。"))
    pictures.checks.append(f.Check("more", pictures.compare("gt", proofs), "材料不少于照片。"))


RULES = RuleSet(Sample.__fields__.values(), {"several": ~Sample.__fields__["gate"].no})
