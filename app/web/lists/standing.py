"""更正规则 as a page: what is corrected in records that are saved later, and how it is switched off."""

from __future__ import annotations

import uuid
from typing import Any

from flask import request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import permission_name

from app.access import policy
from app.access.actor import Actor, Capability
from app.core.clock import to_minute
from app.core.db import db
from app.core.i18n import _, translate
from app.kernel.corrections import correcting
from app.kernel.declare.register import Register
from app.kernel.rows.correction import StandingRule
from app.kernel.settings import standing_rules
from app.web.frame import shell
from app.web.frame.clicks import once
from app.web.frame.listing import Paging, page_number
from app.web.lists.corrections import PAGE, CorrectionRoutes
from app.web.register.shared import Routes


class StandingRoutes(Routes):
    """The routes of rules for later records: where records are corrected in many."""

    @classmethod
    def of(cls, register: Register) -> frozenset[str]:
        return super().of(register) if CorrectionRoutes.of(register) else frozenset()

    @expose("/standing")
    @permission_name(Capability.ENTER)
    def standing(self) -> Any:
        """The rules that hold in the area or a part of it, newest first; those that are off, too."""
        actor = policy.require(Capability.ENTER, self.register.name)
        number = page_number(request.args)
        query = standing_rules.listed(self.register).limit(PAGE + 1).offset((number - 1) * PAGE)
        rules = list(db.session.scalars(query))
        page = {
            "title": _("%(what)s的更正规则", what=self.register.label),
            "rows": [self._line(rule, actor) for rule in rules[:PAGE]],
            "back_url": f"/{self.register.name}/corrections",
            "paging": Paging.by_number(
                request.args, request.path, number, more=len(rules) > PAGE, position_text=""
            ),
        }
        shell.crumb(_("更正规则"))
        return self.render_template("lists/standing.html", page=page)

    def _line(self, rule: StandingRule, actor: Actor) -> dict[str, Any]:
        made = self.register.model.__fields__.get(rule.field)
        return {
            "field": translate(made.label) if made else rule.field,
            "old": correcting.said(made, rule.old) if made else str(rule.old),
            "new": correcting.said(made, rule.new) if made else str(rule.new),
            "reason": rule.reason,
            "who": rule.account_name,
            "when": to_minute(rule.made_at),
            "off": _(
                "%(who)s 于 %(when)s 停用",
                who=rule.off_by, when=to_minute(rule.off_at),
            ) if rule.off_at else "",
            "off_url": f"/{self.register.name}/standing/{rule.id}/off"
            if standing_rules.may_switch_off(rule, actor)
            else "",
        }  # fmt: skip

    @expose("/standing/<uuid:rule_id>/off", methods=["POST"])
    @permission_name(Capability.ENTER)
    def standing_off(self, rule_id: uuid.UUID) -> Any:
        with once() as click:
            standing_rules.switch_off(self.register, rule_id)
            click.leads_to(f"/{self.register.name}/standing", _("更正规则已停用。"))
        return click.answer()
