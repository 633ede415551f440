"""All tables

The squashed chain of everything before the first release; CONTRIBUTING.md says how the next ones are made.

Revision ID: 0030
Revises:
Create Date: 2026-11-29 23:50:00
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

from app.core import types

revision = "0030"
down_revision = None
branch_labels = None
depends_on = None

#: The audit log is only added to; the path of a place may follow the place.
KEPT = "id, at, act, account_id, account_name, address, register, record_id, detail"

POSTGRESQL = (
    """
    CREATE FUNCTION audit_entry_keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$
    """,
    f"""
    CREATE TRIGGER audit_entry_keep BEFORE DELETE OR UPDATE OF {KEPT} ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_keep()
    """,
    """
    CREATE TRIGGER audit_entry_keep_all BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_keep()
    """,
)
SQLITE = (
    f"""
    CREATE TRIGGER audit_entry_no_update BEFORE UPDATE OF {KEPT} ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END
    """,
    """
    CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END
    """,
    # INSERT OR REPLACE deletes without asking the trigger above
    """
    CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON audit_entry
    WHEN EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END
    """,
)


def only(condition):
    """Keyword arguments of an index over the rows that ``condition`` names."""
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    tables()
    for statement in POSTGRESQL if op.get_context().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)
    version = sa.table(
        "list_version", sa.column("id", sa.Integer), sa.column("value", types.UuidType)
    )
    op.bulk_insert(version, [{"id": 1, "value": uuid.uuid4()}])


def tables() -> None:
    op.create_table(
        "ab_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=150)),
        sa.Column("description", sa.String(length=512)),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )

    op.create_table(
        "ab_permission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )

    op.create_table(
        "ab_register_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256)),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("registration_date", sa.DateTime()),
        sa.Column("registration_hash", sa.String(length=256)),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
    )

    op.create_table(
        "ab_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )

    op.create_table(
        "ab_view_menu",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )

    op.create_table(
        "audit_entry",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("account_id", types.UuidType()),
        sa.Column("account_name", types.NfcText(128)),
        sa.Column("path", types.PathType()),
        sa.Column("address", sa.String(length=64)),
        sa.Column("register", sa.String(length=32)),
        sa.Column("record_id", types.UuidType()),
        sa.Column("detail", sa.JSON()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_audit_entry_account", "audit_entry", ["account_id", "at"])
    op.create_index("ix_audit_entry_act", "audit_entry", ["act", "at", "id"])
    op.create_index(
        "ix_audit_entry_area_11", "audit_entry", [sa.text("substr(path, 1, 11)"), "act", "at", "id"]
    )
    op.create_index(
        "ix_audit_entry_area_5", "audit_entry", [sa.text("substr(path, 1, 5)"), "act", "at", "id"]
    )
    op.create_index(
        "ix_audit_entry_area_8", "audit_entry", [sa.text("substr(path, 1, 8)"), "act", "at", "id"]
    )
    op.create_index("ix_audit_entry_place", "audit_entry", ["path", "at"])
    op.create_index("ix_audit_entry_record", "audit_entry", ["record_id", "at"])
    op.create_index("ix_audit_entry_register", "audit_entry", ["register", "act", "at", "id"])

    op.create_table(
        "counter",
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("figure", sa.String(length=48), nullable=False),
        sa.Column("county_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("register", "figure", "county_id"),
    )
    op.create_index("ix_counter_scope", "counter", ["register", "figure", "path", "n"])

    op.create_table(
        "counter_day",
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("figure", sa.String(length=48), nullable=False),
        sa.Column("region_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("register", "figure", "region_id", "day"),
    )

    op.create_table(
        "draft",
        sa.Column("account_id", types.UuidType(), nullable=False),
        sa.Column("record_id", types.UuidType(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("saved_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "record_id"),
    )

    op.create_table(
        "habit",
        sa.Column("account_id", types.UuidType(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "register"),
    )

    op.create_table(
        "job",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", types.NfcText(200), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.Column("account_id", types.UuidType()),
        sa.Column("account_name", types.NfcText(128)),
        sa.Column("path", types.PathType()),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("heartbeat", types.UtcDateTime()),
        sa.Column("worker", sa.String(length=128)),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("checkpoint", sa.JSON(none_as_null=True)),
        sa.Column("result", sa.JSON(none_as_null=True)),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("created", types.UtcDateTime(), nullable=False),
        sa.Column("started", types.UtcDateTime()),
        sa.Column("finished", types.UtcDateTime()),
        sa.Column("expires", types.UtcDateTime()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_job_claim", "job", ["state", "created"])
    op.create_index("ix_job_expires", "job", ["expires"])
    op.create_index("ix_job_owner", "job", ["account_id", "created"])

    op.create_table(
        "limit_count",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("since", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", "key"),
    )

    op.create_table(
        "list_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list", types.NfcText(32), nullable=False),
        sa.Column("code", types.NfcText(32), nullable=False),
        sa.Column("text", types.NfcText(100), nullable=False),
        sa.Column("sort", sa.SmallInteger(), nullable=False),
        sa.Column("valid_from", sa.Date()),
        sa.Column("valid_to", sa.Date()),
        sa.Column("english", types.NfcText(200)),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("list", "code", name="uq_list_item_code"),
    )
    op.create_index("ix_list_item_list", "list_item", ["list", "sort"])

    op.create_table(
        "list_text",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list", types.NfcText(32), nullable=False),
        sa.Column("code", types.NfcText(32), nullable=False),
        sa.Column("text", types.NfcText(100), nullable=False),
        sa.Column("english", types.NfcText(200)),
        sa.Column("since", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("list", "code", "since", name="uq_list_text_since"),
    )

    op.create_table(
        "list_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", types.UuidType(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )

    op.create_table(
        "person_number",
        sa.Column("number", sa.String(length=18), nullable=False),
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_person_number_household", "person_number", ["household_id"])

    op.create_table(
        "region",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer()),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("code", types.NfcText(12), nullable=False),
        sa.Column("national_code", types.NfcText(12), nullable=False),
        sa.Column("name", types.NfcText(60), nullable=False),
        sa.Column("full_name", types.NfcText(200), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("initials", types.NfcText(60), nullable=False),
        sa.Column("structural", sa.Boolean(), nullable=False),
        sa.Column("department", types.NfcText(40), nullable=False),
        sa.Column("county_id", sa.Integer()),
        sa.Column("province_id", sa.Integer()),
        sa.Column("last_label", sa.Integer()),
        sa.ForeignKeyConstraint(["parent_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("level", "code", name="uq_region_level_code"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_region_initials", "region", ["level", "initials", "path"])
    op.create_index("ix_region_name", "region", ["level", "name", "path"])
    op.create_index("ix_region_parent", "region", ["parent_id", "sort"])
    op.create_index("ix_region_path", "region", ["path"])

    op.create_table(
        "region_change",
        sa.Column("region_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.Column("code", types.NfcText(12), nullable=False),
        sa.Column("national_code", types.NfcText(12), nullable=False),
        sa.Column("name", types.NfcText(60), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("department", types.NfcText(40), nullable=False),
        sa.Column("into_id", sa.Integer()),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("made_at", types.UtcDateTime(), nullable=False),
        sa.Column("made_by", types.UuidType(), nullable=False),
        sa.Column("made_by_name", types.NfcText(128), nullable=False),
        sa.PrimaryKeyConstraint("region_id"),
    )
    op.create_index("ix_region_change_code", "region_change", ["level", "code"])
    op.create_index("ix_region_change_into", "region_change", ["into_id"])
    op.create_index("ix_region_change_parent", "region_change", ["parent_id"])
    op.create_index("ix_region_change_place", "region_change", ["path", "level"])

    op.create_table(
        "region_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("into_id", sa.Integer()),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("parent_id", sa.Integer()),
        sa.Column("code", types.NfcText(12), nullable=False),
        sa.Column("name", types.NfcText(60), nullable=False),
        sa.Column("full_name", types.NfcText(200), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("account_id", types.UuidType()),
        sa.Column("account_name", types.NfcText(128)),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_region_history_code", "region_history", ["code"])
    op.create_index("ix_region_history_into", "region_history", ["into_id"])
    op.create_index("ix_region_history_name", "region_history", ["name"])
    op.create_index("ix_region_history_parent", "region_history", ["parent_id"])
    op.create_index("ix_region_history_region", "region_history", ["region_id", "at"])

    op.create_table(
        "region_seed",
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("nodes", sa.Integer(), nullable=False),
        sa.Column("loaded_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("prefix"),
    )

    op.create_table(
        "repeat",
        sa.Column("account_id", types.UuidType(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("status", sa.SmallInteger()),
        sa.Column("result", types.UuidType()),
        sa.PrimaryKeyConstraint("account_id", "key"),
    )

    op.create_table(
        "result_row",
        sa.Column("search_id", types.UuidType(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_id", types.UuidType(), nullable=False),
        sa.PrimaryKeyConstraint("search_id", "position"),
    )
    op.create_index("ix_result_row_record", "result_row", ["search_id", "record_id"], unique=True)

    op.create_table(
        "saved_filter",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("account_id", types.UuidType(), nullable=False),
        sa.Column("account_name", types.NfcText(128), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("menu", sa.String(length=32), nullable=False),
        sa.Column("name", types.NfcText(30), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("path", types.PathType()),
        sa.Column("saved_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "register", "menu", "name", name="uq_saved_filter_name"),
    )
    op.create_index("ix_saved_filter_shared", "saved_filter", ["path", "register", "menu"])

    op.create_table(
        "ab_group_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer()),
        sa.Column("role_id", sa.Integer()),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("group_id", "role_id"),
    )
    op.create_index("idx_group_id", "ab_group_role", ["group_id"])
    op.create_index("idx_group_role_id", "ab_group_role", ["role_id"])

    op.create_table(
        "ab_permission_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_id", sa.Integer(), nullable=False),
        sa.Column("view_menu_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["permission_id"], ["ab_permission.id"]),
        sa.ForeignKeyConstraint(["view_menu_id"], ["ab_view_menu.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("permission_id", "view_menu_id"),
    )
    op.create_index("idx_permission_id", "ab_permission_view", ["permission_id"])
    op.create_index("idx_view_menu_id", "ab_permission_view", ["view_menu_id"])

    op.create_table(
        "ab_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256)),
        sa.Column("active", sa.Boolean()),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("last_login", sa.DateTime()),
        sa.Column("login_count", sa.Integer()),
        sa.Column("fail_login_count", sa.Integer()),
        sa.Column("created_on", sa.DateTime()),
        sa.Column("changed_on", sa.DateTime()),
        sa.Column("created_by_fk", sa.Integer()),
        sa.Column("changed_by_fk", sa.Integer()),
        sa.Column("uuid", types.UuidType(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("region_id", sa.Integer()),
        sa.Column("path", types.PathType()),
        sa.Column("phone", types.NfcText(32)),
        sa.Column("department", types.NfcText(32)),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("contact_name", types.NfcText(64)),
        sa.Column("contact_phone", types.NfcText(32)),
        sa.Column("locked_at", types.UtcDateTime()),
        sa.Column("lock_reason", types.NfcText(200)),
        sa.Column("entry_person", types.NfcText(64)),
        sa.Column("review_person", types.NfcText(64)),
        sa.Column("registers", sa.JSON(none_as_null=True)),
        sa.Column("list_columns", sa.JSON(none_as_null=True)),
        sa.ForeignKeyConstraint(["changed_by_fk"], ["ab_user.id"]),
        sa.ForeignKeyConstraint(["created_by_fk"], ["ab_user.id"]),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
    )
    op.create_index("ix_ab_user_locked", "ab_user", ["path"], **only("locked_at IS NOT NULL"))
    op.create_index("ix_ab_user_path", "ab_user", ["path"])
    op.create_index("ix_ab_user_place", "ab_user", ["path", "id"])
    op.create_index("ix_ab_user_uuid", "ab_user", ["uuid"], unique=True)

    op.create_table(
        "application",
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("basis", sa.String(length=32), nullable=False),
        sa.Column("checker", types.NfcText(64)),
        sa.Column("checker_phone", types.NfcText(32)),
        sa.Column("checked_on", sa.Date()),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("survey_register", sa.String(length=32), nullable=False),
        sa.Column("survey_id", types.UuidType(), nullable=False),
        sa.Column("surveyed_at", types.UtcDateTime(), nullable=False),
        sa.Column("no_house", sa.Boolean()),
        sa.Column("grade", sa.String(length=32)),
        sa.Column("kind", sa.String(length=32)),
        sa.Column("energy_saving", sa.Boolean()),
        sa.Column("barrier_free", sa.Boolean()),
        sa.Column("way", sa.String(length=32)),
        sa.Column("plan_year", sa.SmallInteger()),
        sa.Column("sex", sa.String(length=32)),
        sa.Column("population", sa.Integer()),
        sa.Column("ethnicity", types.NfcText(32)),
        sa.Column("phone", types.NfcText(32)),
        sa.Column("priority", sa.Boolean()),
        sa.Column("hardship", sa.String(length=400)),
        sa.Column("veteran", sa.Boolean()),
        sa.Column("disabled", sa.Boolean()),
        sa.Column("elder", sa.Boolean()),
        sa.Column("child", sa.Boolean()),
        sa.Column("minority", sa.Boolean()),
        sa.Column("applied_on", sa.Date()),
        sa.Column("published", sa.Boolean()),
        sa.Column("judged_by", types.NfcText(100)),
        sa.Column("judged_by_code", types.NfcText(18)),
        sa.Column("judged_on", sa.Date()),
        sa.Column("head_name", types.NfcText(64), nullable=False),
        sa.Column("head_id", types.NfcText(32)),
        sa.Column("former_head", types.NfcText(64)),
        sa.Column("standing", sa.String(length=32)),
        sa.Column("submitted_by", types.UuidType()),
        sa.Column("submitted_at", types.UtcDateTime()),
        sa.Column("decided_at", types.UtcDateTime()),
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_application_changed", "application", ["changed_at", "id"])
    op.create_index(
        "ix_application_changed_county", "application", ["county_id", "changed_at", "id"]
    )
    op.create_index(
        "ix_application_changed_province", "application", ["province_id", "changed_at", "id"]
    )
    op.create_index(
        "ix_application_doubted", "application", ["path", "id"], **only("basis = 'doubted'")
    )
    op.create_index(
        "ix_application_household", "application", ["household_id", "number"], unique=True
    )
    op.create_index("ix_application_place", "application", ["path", "id"])
    op.create_index("ix_application_state", "application", ["state", "path", "id"])
    op.create_index(
        "ix_application_waiting", "application", ["plan_year", "id"], **only("basis = 'waiting'")
    )
    op.create_index("ix_application_year", "application", ["plan_year", "path", "id"])

    op.create_table(
        "attachment",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("record_id", types.UuidType(), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", types.NfcText(200), nullable=False),
        sa.Column("mime", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("added_by", types.UuidType(), nullable=False),
        sa.Column("added_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("thumb_key", sa.String(length=80)),
        sa.Column("sent_key", types.UuidType()),
        sa.Column("width", sa.SmallInteger()),
        sa.Column("height", sa.SmallInteger()),
        sa.Column("pages", sa.SmallInteger()),
        sa.Column("taken_at", sa.DateTime()),
        sa.Column("latitude", sa.Double()),
        sa.Column("longitude", sa.Double()),
        sa.Column("device", types.NfcText(60)),
        sa.Column("turned", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_attachment_owner", "attachment", ["record_id", "field", "position"])
    op.create_index("uq_attachment_sent", "attachment", ["record_id", "sent_key"], unique=True)

    op.create_table(
        "craftsman",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("entered_by", types.UuidType()),
        sa.Column("entered_name", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=64)),
        sa.Column("id_number", sa.String(length=18)),
        sa.Column("phone", sa.String(length=32)),
        sa.Column("village_group", sa.String(length=40)),
        sa.Column("lead", sa.Boolean()),
        sa.Column("qualified", sa.Boolean()),
        sa.Column("trades", sa.String(length=400)),
        sa.Column("person_kinds", sa.String(length=400)),
        sa.Column("notes", sa.String(length=500)),
        sa.Column("certificates", sa.JSON()),
        sa.Column("trainings", sa.JSON()),
        sa.Column("works", sa.JSON()),
        sa.Column("certified", sa.Boolean(), nullable=False),
        sa.Column("certificates_hold", sa.String(length=32), nullable=False),
        sa.Column("certified_until", sa.Date()),
        sa.Column("training_years", sa.String(length=400)),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_craftsman_certificates", "craftsman", ["certificates_hold", "path", "id"])
    op.create_index("ix_craftsman_changed", "craftsman", ["changed_at", "id"])
    op.create_index("ix_craftsman_changed_county", "craftsman", ["county_id", "changed_at", "id"])
    op.create_index(
        "ix_craftsman_changed_province", "craftsman", ["province_id", "changed_at", "id"]
    )
    op.create_index("ix_craftsman_name", "craftsman", ["name", "id"])
    op.create_index("ix_craftsman_name_county", "craftsman", ["county_id", "name", "id"])
    op.create_index("ix_craftsman_place", "craftsman", ["path", "id"])
    op.create_index(
        "ix_craftsman_runs_out",
        "craftsman",
        ["certified_until"],
        **only("certified_until IS NOT NULL"),
    )
    op.create_index("uq_craftsman_number", "craftsman", ["id_number"], unique=True)

    op.create_table(
        "dossier",
        sa.Column("plan_year", sa.SmallInteger()),
        sa.Column("kind", sa.String(length=32)),
        sa.Column("way", sa.String(length=32)),
        sa.Column("grade", sa.String(length=32)),
        sa.Column("applied_on", sa.Date()),
        sa.Column("stage", sa.String(length=32)),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("started_on", sa.Date()),
        sa.Column("builder", sa.String(length=32)),
        sa.Column("craftsman", types.NfcText(64)),
        sa.Column("craftsman_id", types.NfcText(18)),
        sa.Column("firm", types.NfcText(100)),
        sa.Column("firm_code", types.NfcText(18)),
        sa.Column("completed_on", sa.Date()),
        sa.Column("days", sa.Integer()),
        sa.Column("accepted", sa.Boolean()),
        sa.Column("accepted_on", sa.Date()),
        sa.Column("accepted_by", types.NfcText(100)),
        sa.Column("structure", types.NfcText(32)),
        sa.Column("storeys", sa.Integer()),
        sa.Column("floor_area", sa.Numeric(precision=12, scale=2)),
        sa.Column("tenure", sa.String(length=32)),
        sa.Column("central_subsidy", sa.Numeric(precision=14, scale=2)),
        sa.Column("province_subsidy", sa.Numeric(precision=14, scale=2)),
        sa.Column("city_subsidy", sa.Numeric(precision=14, scale=2)),
        sa.Column("county_subsidy", sa.Numeric(precision=14, scale=2)),
        sa.Column("granted", sa.Numeric(precision=14, scale=2)),
        sa.Column("loan", sa.Numeric(precision=14, scale=2)),
        sa.Column("own_funds", sa.Numeric(precision=14, scale=2)),
        sa.Column("other_funds", sa.Numeric(precision=14, scale=2)),
        sa.Column("total", sa.Numeric(precision=14, scale=2)),
        sa.Column("payments", sa.JSON()),
        sa.Column("paid", sa.Numeric(precision=14, scale=2)),
        sa.Column("paid_in_full", sa.Boolean()),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("head_name", types.NfcText(64), nullable=False),
        sa.Column("head_id", types.NfcText(32)),
        sa.Column("former_head", types.NfcText(64)),
        sa.Column("standing", sa.String(length=32)),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("submitted_by", types.UuidType()),
        sa.Column("submitted_at", types.UtcDateTime()),
        sa.Column("decided_at", types.UtcDateTime()),
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("source_id", types.UuidType(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_dossier_changed", "dossier", ["changed_at", "id"])
    op.create_index("ix_dossier_changed_county", "dossier", ["county_id", "changed_at", "id"])
    op.create_index("ix_dossier_changed_province", "dossier", ["province_id", "changed_at", "id"])
    op.create_index(
        "ix_dossier_craftsman", "dossier", ["craftsman_id"], **only("craftsman_id IS NOT NULL")
    )
    op.create_index("ix_dossier_head", "dossier", ["head_id"])
    op.create_index("ix_dossier_household", "dossier", ["household_id"])
    op.create_index("ix_dossier_overdue", "dossier", ["path", "id"], **only("overdue"))
    op.create_index("ix_dossier_place", "dossier", ["path", "id"])
    op.create_index("ix_dossier_source", "dossier", ["source_id"], unique=True)
    op.create_index("ix_dossier_stage", "dossier", ["stage", "path", "id"])
    op.create_index("ix_dossier_state", "dossier", ["state", "path", "id"])
    op.create_index("ix_dossier_unfinished", "dossier", ["started_on"], **only("stage = 'started'"))
    op.create_index("ix_dossier_year", "dossier", ["plan_year", "path", "id"])

    op.create_table(
        "handover",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("record_id", types.UuidType(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("from_region_id", sa.Integer(), nullable=False),
        sa.Column("from_path", types.PathType(), nullable=False),
        sa.Column("to_region_id", sa.Integer(), nullable=False),
        sa.Column("to_path", types.PathType(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("asked_at", types.UtcDateTime(), nullable=False),
        sa.Column("asked_by", types.UuidType(), nullable=False),
        sa.Column("asked_name", sa.String(length=128), nullable=False),
        sa.Column("asked_person", sa.String(length=64), nullable=False),
        sa.Column("asked_phone", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("answered_at", types.UtcDateTime()),
        sa.Column("answered_name", sa.String(length=128)),
        sa.Column("answered_person", sa.String(length=64)),
        sa.Column("answered_phone", sa.String(length=32)),
        sa.Column("answer", sa.String(length=500)),
        sa.ForeignKeyConstraint(["from_region_id"], ["region.id"]),
        sa.ForeignKeyConstraint(["to_region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_handover_from", "handover", ["from_path", "asked_at"])
    op.create_index("ix_handover_to", "handover", ["to_path", "asked_at"])
    op.create_index(
        "uq_handover_waiting", "handover", ["record_id"], unique=True, **only("state = 'waiting'")
    )

    op.create_table(
        "history_entry",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("record_id", types.UuidType(), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("label", types.NfcText(32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("account_id", types.UuidType(), nullable=False),
        sa.Column("account_name", types.NfcText(128), nullable=False),
        sa.Column("person", types.NfcText(64), nullable=False),
        sa.Column("phone", types.NfcText(32), nullable=False),
        sa.Column("opinion", types.NfcText(1000)),
        sa.Column("reasons", sa.String(length=400)),
        sa.Column("snapshot", sa.JSON(none_as_null=True)),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=32)),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_history_entry_record", "history_entry", ["record_id", "at"])

    op.create_table(
        "household",
        sa.Column("issued_name", types.NfcText(64), nullable=False),
        sa.Column("issued_id", types.NfcText(32)),
        sa.Column("corrected_id", types.NfcText(18)),
        sa.Column("head_name", types.NfcText(64)),
        sa.Column("head_id", types.NfcText(32)),
        sa.Column("sex", sa.String(length=32)),
        sa.Column("ethnicity", types.NfcText(32)),
        sa.Column("phone", types.NfcText(32)),
        sa.Column("population", sa.Integer()),
        sa.Column("village_group", types.NfcText(40)),
        sa.Column("exit_year", sa.SmallInteger()),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("findings", sa.String(length=400)),
        sa.Column("poverty_exit", sa.Boolean(), nullable=False),
        sa.Column("match_key", sa.String(length=64), nullable=False),
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("place_written", types.NfcText(120)),
        sa.Column("standing", sa.String(length=32)),
        sa.Column("parent_id", types.UuidType()),
        sa.Column("low_income", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("own_house", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_household_changed", "household", ["changed_at", "id"])
    op.create_index("ix_household_changed_county", "household", ["county_id", "changed_at", "id"])
    op.create_index(
        "ix_household_changed_province", "household", ["province_id", "changed_at", "id"]
    )
    op.create_index("ix_household_match", "household", ["match_key"], unique=True)
    op.create_index(
        "ix_household_parent", "household", ["parent_id"], **only("parent_id IS NOT NULL")
    )
    op.create_index("ix_household_place", "household", ["path", "id"])

    op.create_table(
        "household_member",
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.Column("name", types.NfcText(64)),
        sa.Column("id_number", types.NfcText(32)),
        sa.Column("sex", sa.String(length=32)),
        sa.Column("phone", types.NfcText(32)),
        sa.Column("relation", types.NfcText(32)),
        sa.Column("low_income", sa.Boolean(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("household_was", types.UuidType()),
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_household_member_household", "household_member", ["household_id", "id"])
    op.create_index("ix_household_member_place", "household_member", ["path", "id"])
    op.create_index(
        "ix_household_member_was",
        "household_member",
        ["household_was"],
        **only("household_was IS NOT NULL"),
    )

    op.create_table(
        "import_note",
        sa.Column("job_id", types.UuidType(), nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rejected", sa.Boolean(), nullable=False),
        sa.Column("name", types.NfcText(64), nullable=False),
        sa.Column("household_id", types.UuidType()),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"]),
        sa.PrimaryKeyConstraint("job_id", "row"),
    )

    op.create_table(
        "lookback",
        sa.Column("sex", sa.String(length=32)),
        sa.Column("ethnicity", types.NfcText(32)),
        sa.Column("population", sa.Integer()),
        sa.Column("phone", types.NfcText(32)),
        sa.Column("village_group", types.NfcText(40)),
        sa.Column("died", sa.Boolean()),
        sa.Column("head_changed", sa.Boolean()),
        sa.Column("new_head_name", types.NfcText(64)),
        sa.Column("new_head_id", types.NfcText(18)),
        sa.Column("new_head_phone", types.NfcText(32)),
        sa.Column("new_head_relation", types.NfcText(32)),
        sa.Column("split", sa.Boolean()),
        sa.Column("split_heads", sa.JSON()),
        sa.Column("living", sa.String(length=32)),
        sa.Column("other_home", sa.String(length=32)),
        sa.Column("other_home_text", types.NfcText(200)),
        sa.Column("surveyor", types.NfcText(64)),
        sa.Column("surveyed_on", sa.Date()),
        sa.Column("secured", sa.Boolean()),
        sa.Column("measure", sa.String(length=32)),
        sa.Column("measure_year", sa.SmallInteger()),
        sa.Column("interim_measure", types.NfcText(500)),
        sa.Column("judged", sa.String(length=32)),
        sa.Column("judged_on", sa.Date()),
        sa.Column("grade", sa.String(length=32)),
        sa.Column("judged_by", types.NfcText(100)),
        sa.Column("judged_by_code", types.NfcText(18)),
        sa.Column("risky_parts", sa.String(length=400)),
        sa.Column("seismic_judged", sa.Boolean()),
        sa.Column("seismic_judged_on", sa.Date()),
        sa.Column("seismic_result", sa.String(length=32)),
        sa.Column("seismic_judged_by", types.NfcText(100)),
        sa.Column("geological_hazard", sa.Boolean()),
        sa.Column("hazard_kinds", sa.String(length=400)),
        sa.Column("seismic_design", sa.Boolean()),
        sa.Column("seismic_built", sa.Boolean()),
        sa.Column("seismic_kinds", sa.String(length=400)),
        sa.Column("strengthened", sa.Boolean()),
        sa.Column("strengthened_on", sa.Date()),
        sa.Column("damage_then", sa.String(length=400)),
        sa.Column("altered", sa.Boolean()),
        sa.Column("altered_times", sa.Integer()),
        sa.Column("altered_what", sa.String(length=400)),
        sa.Column("business", sa.Boolean()),
        sa.Column("business_approved", sa.Boolean()),
        sa.Column("business_kind", types.NfcText(32)),
        sa.Column("heating", types.NfcText(32)),
        sa.Column("cooking", types.NfcText(32)),
        sa.Column("policy_enjoyed", sa.Boolean()),
        sa.Column("policies", sa.String(length=400)),
        sa.Column("parcel_state", sa.String(length=32)),
        sa.Column("parcel_number", types.NfcText(40)),
        sa.Column("residence_type", types.NfcText(32)),
        sa.Column("address", types.NfcText(200)),
        sa.Column("storeys", sa.Integer()),
        sa.Column("floor_area", sa.Numeric(precision=12, scale=2)),
        sa.Column("year_built", types.NfcText(32)),
        sa.Column("structure", types.NfcText(32)),
        sa.Column("way_built", types.NfcText(32)),
        sa.Column("land_nature", types.NfcText(32)),
        sa.Column("planning_permit", sa.Boolean()),
        sa.Column("planning_number", types.NfcText(60)),
        sa.Column("planning_date", sa.Date()),
        sa.Column("planning_issuer", types.NfcText(100)),
        sa.Column("homestead_permit", sa.Boolean()),
        sa.Column("homestead_number", types.NfcText(60)),
        sa.Column("homestead_date", sa.Date()),
        sa.Column("homestead_issuer", types.NfcText(100)),
        sa.Column("property_certificate", sa.Boolean()),
        sa.Column("property_number", types.NfcText(60)),
        sa.Column("property_date", sa.Date()),
        sa.Column("property_issuer", types.NfcText(100)),
        sa.Column("owners", sa.JSON()),
        sa.Column("occupants", sa.JSON()),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("head_name", types.NfcText(64), nullable=False),
        sa.Column("head_id", types.NfcText(32)),
        sa.Column("former_head", types.NfcText(64)),
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.Column("submitted_by", types.UuidType()),
        sa.Column("submitted_at", types.UtcDateTime()),
        sa.Column("decided_at", types.UtcDateTime()),
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("corrected_id", types.NfcText(18)),
        sa.Column("standing", sa.String(length=32)),
        sa.Column("moved", sa.Boolean()),
        sa.Column("new_place", sa.Integer()),
        sa.ForeignKeyConstraint(["new_place"], ["region.id"]),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_lookback_changed", "lookback", ["changed_at", "id"])
    op.create_index("ix_lookback_changed_county", "lookback", ["county_id", "changed_at", "id"])
    op.create_index("ix_lookback_changed_province", "lookback", ["province_id", "changed_at", "id"])
    op.create_index("ix_lookback_grade", "lookback", ["grade", "path", "id"])
    op.create_index("ix_lookback_household", "lookback", ["household_id"], unique=True)
    op.create_index(
        "ix_lookback_new_place", "lookback", ["new_place"], **only("new_place IS NOT NULL")
    )
    op.create_index("ix_lookback_parcel", "lookback", ["parcel_number"])
    op.create_index("ix_lookback_parcel_state", "lookback", ["parcel_state", "path", "id"])
    op.create_index("ix_lookback_place", "lookback", ["path", "id"])
    op.create_index("ix_lookback_split", "lookback", ["path", "id"], **only("standing IS NOT NULL"))
    op.create_index("ix_lookback_state", "lookback", ["state", "path", "id"])

    op.create_table(
        "low_income",
        sa.Column("head_name", types.NfcText(64)),
        sa.Column("head_id", types.NfcText(32)),
        sa.Column("former_head", types.NfcText(64)),
        sa.Column("standing", sa.String(length=32)),
        sa.Column("sex", sa.String(length=32)),
        sa.Column("phone", types.NfcText(32)),
        sa.Column("groups", sa.String(length=400)),
        sa.Column("housing", types.NfcText(32)),
        sa.Column("condition", sa.String(length=32)),
        sa.Column("low_income", sa.Boolean(), nullable=False),
        sa.Column("unplaced", sa.Boolean()),
        sa.Column("head_low_income", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.String(length=32), nullable=False),
        sa.Column("upkeep", sa.String(length=32), nullable=False),
        sa.Column("added_on", sa.Date()),
        sa.Column("left_on", sa.Date()),
        sa.Column("left_reason", sa.String(length=32)),
        sa.Column("left_note", types.NfcText(200)),
        sa.Column("left_to", types.UuidType()),
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_low_income_added_on", "low_income", ["path", "id"], **only("added_on IS NOT NULL")
    )
    op.create_index("ix_low_income_changed", "low_income", ["changed_at", "id"])
    op.create_index("ix_low_income_changed_county", "low_income", ["county_id", "changed_at", "id"])
    op.create_index(
        "ix_low_income_changed_province", "low_income", ["province_id", "changed_at", "id"]
    )
    op.create_index("ix_low_income_household", "low_income", ["household_id"], unique=True)
    op.create_index(
        "ix_low_income_left_on", "low_income", ["path", "id"], **only("left_on IS NOT NULL")
    )
    op.create_index("ix_low_income_place", "low_income", ["path", "id"])
    op.create_index(
        "ix_low_income_unplaced", "low_income", ["path", "id"], **only("unplaced IS NOT NULL")
    )
    op.create_index("ix_low_income_upkeep", "low_income", ["upkeep", "path", "id"])

    op.create_table(
        "monitoring",
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("low_income", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.String(length=32)),
        sa.Column("groups", sa.String(length=400)),
        sa.Column("living", sa.String(length=32)),
        sa.Column("has_house", sa.Boolean()),
        sa.Column("other_home", sa.String(length=32)),
        sa.Column("other_home_text", types.NfcText(200)),
        sa.Column("corrected_id", types.NfcText(18)),
        sa.Column("sex", sa.String(length=32)),
        sa.Column("ethnicity", types.NfcText(32)),
        sa.Column("population", sa.Integer()),
        sa.Column("phone", types.NfcText(32)),
        sa.Column("village_group", types.NfcText(40)),
        sa.Column("died", sa.Boolean()),
        sa.Column("head_changed", sa.Boolean()),
        sa.Column("new_head_name", types.NfcText(64)),
        sa.Column("new_head_id", types.NfcText(18)),
        sa.Column("new_head_phone", types.NfcText(32)),
        sa.Column("new_head_relation", types.NfcText(32)),
        sa.Column("split", sa.Boolean()),
        sa.Column("split_heads", sa.JSON()),
        sa.Column("moved", sa.Boolean()),
        sa.Column("new_place", sa.Integer()),
        sa.Column("surveyor", types.NfcText(64)),
        sa.Column("surveyed_on", sa.Date()),
        sa.Column("secured", sa.Boolean()),
        sa.Column("measure", sa.String(length=32)),
        sa.Column("measure_year", sa.SmallInteger()),
        sa.Column("interim_measure", types.NfcText(500)),
        sa.Column("judged", sa.String(length=32)),
        sa.Column("judged_on", sa.Date()),
        sa.Column("grade", sa.String(length=32)),
        sa.Column("judged_by", types.NfcText(100)),
        sa.Column("judged_by_code", types.NfcText(18)),
        sa.Column("risky_parts", sa.String(length=400)),
        sa.Column("seismic_judged", sa.Boolean()),
        sa.Column("seismic_judged_on", sa.Date()),
        sa.Column("seismic_result", sa.String(length=32)),
        sa.Column("seismic_judged_by", types.NfcText(100)),
        sa.Column("geological_hazard", sa.Boolean()),
        sa.Column("hazard_kinds", sa.String(length=400)),
        sa.Column("seismic_design", sa.Boolean()),
        sa.Column("seismic_built", sa.Boolean()),
        sa.Column("seismic_kinds", sa.String(length=400)),
        sa.Column("strengthened", sa.Boolean()),
        sa.Column("strengthened_on", sa.Date()),
        sa.Column("damage_then", sa.String(length=400)),
        sa.Column("altered", sa.Boolean()),
        sa.Column("altered_times", sa.Integer()),
        sa.Column("altered_what", sa.String(length=400)),
        sa.Column("business", sa.Boolean()),
        sa.Column("business_approved", sa.Boolean()),
        sa.Column("business_kind", types.NfcText(32)),
        sa.Column("heating", types.NfcText(32)),
        sa.Column("cooking", types.NfcText(32)),
        sa.Column("policy_enjoyed", sa.Boolean()),
        sa.Column("policies", sa.String(length=400)),
        sa.Column("parcel_state", sa.String(length=32)),
        sa.Column("parcel_number", types.NfcText(40)),
        sa.Column("residence_type", types.NfcText(32)),
        sa.Column("address", types.NfcText(200)),
        sa.Column("storeys", sa.Integer()),
        sa.Column("floor_area", sa.Numeric(precision=12, scale=2)),
        sa.Column("year_built", types.NfcText(32)),
        sa.Column("structure", types.NfcText(32)),
        sa.Column("way_built", types.NfcText(32)),
        sa.Column("land_nature", types.NfcText(32)),
        sa.Column("planning_permit", sa.Boolean()),
        sa.Column("planning_number", types.NfcText(60)),
        sa.Column("planning_date", sa.Date()),
        sa.Column("planning_issuer", types.NfcText(100)),
        sa.Column("homestead_permit", sa.Boolean()),
        sa.Column("homestead_number", types.NfcText(60)),
        sa.Column("homestead_date", sa.Date()),
        sa.Column("homestead_issuer", types.NfcText(100)),
        sa.Column("property_certificate", sa.Boolean()),
        sa.Column("property_number", types.NfcText(60)),
        sa.Column("property_date", sa.Date()),
        sa.Column("property_issuer", types.NfcText(100)),
        sa.Column("owners", sa.JSON()),
        sa.Column("occupants", sa.JSON()),
        sa.Column("head_name", types.NfcText(64), nullable=False),
        sa.Column("head_id", types.NfcText(32)),
        sa.Column("former_head", types.NfcText(64)),
        sa.Column("standing", sa.String(length=32)),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("year", sa.SmallInteger()),
        sa.Column("newest_of_year", sa.Boolean(), nullable=False),
        sa.Column("predecessor_id", types.UuidType()),
        sa.Column("submitted_by", types.UuidType()),
        sa.Column("submitted_at", types.UtcDateTime()),
        sa.Column("decided_at", types.UtcDateTime()),
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["new_place"], ["region.id"]),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_monitoring_blank",
        "monitoring",
        ["household_id"],
        unique=True,
        **only("NOT \"current\" AND state = 'missing'"),
    )
    op.create_index("ix_monitoring_changed", "monitoring", ["changed_at", "id"])
    op.create_index("ix_monitoring_changed_county", "monitoring", ["county_id", "changed_at", "id"])
    op.create_index(
        "ix_monitoring_changed_province", "monitoring", ["province_id", "changed_at", "id"]
    )
    op.create_index(
        "ix_monitoring_current", "monitoring", ["household_id"], unique=True, **only('"current"')
    )
    op.create_index("ix_monitoring_grade", "monitoring", ["grade", "path", "id"])
    op.create_index("ix_monitoring_household", "monitoring", ["household_id", "id"])
    op.create_index(
        "ix_monitoring_new_place", "monitoring", ["new_place"], **only("new_place IS NOT NULL")
    )
    op.create_index("ix_monitoring_parcel", "monitoring", ["parcel_number"])
    op.create_index("ix_monitoring_place", "monitoring", ["path", "id"])
    op.create_index("ix_monitoring_state", "monitoring", ["state", "path", "id"])

    op.create_table(
        "notice",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("url", sa.String(length=200), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("seen_at", types.UtcDateTime()),
        sa.Column("seen_by", types.UuidType()),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notice_region", "notice", ["region_id", "seen_at", "at"])

    op.create_table(
        "officer",
        sa.Column("region_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("post", sa.String(length=32), nullable=False),
        sa.Column("name", types.NfcText(64), nullable=False),
        sa.Column("employer", types.NfcText(100)),
        sa.Column("position", types.NfcText(64)),
        sa.Column("office_phone", types.NfcText(32)),
        sa.Column("fax", types.NfcText(32)),
        sa.Column("mobile", types.NfcText(32)),
        sa.Column("email", types.NfcText(100)),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_by", types.UuidType()),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("region_id", "post"),
    )

    op.create_table(
        "paid_account",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("dossier_id", types.UuidType(), nullable=False),
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.Column("account", sa.String(length=30), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_paid_account_account", "paid_account", ["account"])
    op.create_index("ix_paid_account_dossier", "paid_account", ["dossier_id"])

    op.create_table(
        "parcel",
        sa.Column("number", types.NfcText(40)),
        sa.Column("storeys", sa.Integer()),
        sa.Column("floor_area", sa.Numeric(precision=12, scale=2)),
        sa.Column("year_built", types.NfcText(32)),
        sa.Column("structure", types.NfcText(32)),
        sa.Column("way_built", types.NfcText(32)),
        sa.Column("land_nature", types.NfcText(32)),
        sa.Column("address", types.NfcText(200)),
        sa.Column("use", types.NfcText(40)),
        sa.Column("outline", sa.Text(), nullable=False),
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("west", sa.Float(), nullable=False),
        sa.Column("south", sa.Float(), nullable=False),
        sa.Column("east", sa.Float(), nullable=False),
        sa.Column("north", sa.Float(), nullable=False),
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_parcel_cell", "parcel", ["cell", "path"])
    op.create_index("ix_parcel_number", "parcel", ["number"], unique=True)
    op.create_index("ix_parcel_place", "parcel", ["path", "number"])

    op.create_table(
        "prior_fact",
        sa.Column("kind", sa.String(length=32)),
        sa.Column("found_on", sa.Date()),
        sa.Column("head_name", types.NfcText(64)),
        sa.Column("id_number", types.NfcText(18)),
        sa.Column("parcel_number", types.NfcText(40)),
        sa.Column("judged", sa.String(length=32)),
        sa.Column("grade", sa.String(length=32)),
        sa.Column("judged_by", types.NfcText(100)),
        sa.Column("judged_by_code", types.NfcText(18)),
        sa.Column("seismic_result", sa.String(length=32)),
        sa.Column("storeys", sa.Integer()),
        sa.Column("floor_area", sa.Numeric(precision=12, scale=2)),
        sa.Column("year_built", types.NfcText(32)),
        sa.Column("structure", types.NfcText(32)),
        sa.Column("way_built", types.NfcText(32)),
        sa.Column("land_nature", types.NfcText(32)),
        sa.Column("address", types.NfcText(200)),
        sa.Column("match_key", sa.String(length=64), nullable=False),
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_prior_fact_key", "prior_fact", ["match_key"], unique=True)
    op.create_index("ix_prior_fact_number", "prior_fact", ["id_number"])
    op.create_index("ix_prior_fact_parcel", "prior_fact", ["parcel_number"])

    op.create_table(
        "risk",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.Column("head_name", types.NfcText(64), nullable=False),
        sa.Column("head_id", types.NfcText(32)),
        sa.Column("former_head", types.NfcText(64)),
        sa.Column("standing", sa.String(length=32)),
        sa.Column("poverty_exit", sa.Boolean()),
        sa.Column("low_income", sa.Boolean()),
        sa.Column("grade", sa.String(length=32)),
        sa.Column("secured", sa.Boolean()),
        sa.Column("measure", sa.String(length=32)),
        sa.Column("measure_year", sa.SmallInteger()),
        sa.Column("interim_measure", types.NfcText(500)),
        sa.Column("told_by", sa.String(length=32)),
        sa.Column("surveyed_on", sa.Date()),
        sa.Column("survey_of", sa.String(length=32)),
        sa.Column("survey_id", types.UuidType()),
        sa.Column("decided_at", types.UtcDateTime()),
        sa.Column("application", sa.String(length=32)),
        sa.Column("dossier", sa.String(length=32)),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_risk_changed", "risk", ["changed_at", "id"])
    op.create_index("ix_risk_changed_county", "risk", ["county_id", "changed_at", "id"])
    op.create_index("ix_risk_changed_province", "risk", ["province_id", "changed_at", "id"])
    op.create_index("ix_risk_grade", "risk", ["grade", "path", "id"])
    op.create_index("ix_risk_household", "risk", ["household_id"], unique=True)
    op.create_index("ix_risk_place", "risk", ["path", "id"])
    op.create_index("ix_risk_secured", "risk", ["secured", "path", "id"])

    op.create_table(
        "search_key",
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.Column("value", types.NfcText(64), nullable=False),
        sa.Column("path", types.PathType(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("province_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("household_id", "value"),
    )
    op.create_index("ix_search_key_county", "search_key", ["county_id", "value", "household_id"])
    op.create_index("ix_search_key_value", "search_key", ["value", "household_id"])

    op.create_table(
        "setting",
        sa.Column("region_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("set_at", types.UtcDateTime(), nullable=False),
        sa.Column("set_by", types.UuidType()),
        sa.Column("set_by_name", types.NfcText(128)),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("region_id", "name"),
    )

    op.create_table(
        "transfer",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("register", sa.String(length=32), nullable=False),
        sa.Column("record_id", types.UuidType(), nullable=False),
        sa.Column("household_id", types.UuidType(), nullable=False),
        sa.Column("from_region_id", sa.Integer(), nullable=False),
        sa.Column("from_path", types.PathType(), nullable=False),
        sa.Column("to_region_id", sa.Integer(), nullable=False),
        sa.Column("to_path", types.PathType(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("asked_at", types.UtcDateTime(), nullable=False),
        sa.Column("asked_by", types.UuidType(), nullable=False),
        sa.Column("from_agreed_at", types.UtcDateTime()),
        sa.Column("to_agreed_at", types.UtcDateTime()),
        sa.Column("ended_at", types.UtcDateTime()),
        sa.Column("ended_by", sa.String(length=32)),
        sa.Column("kept", sa.JSON(), nullable=False),
        sa.Column("asked_side", sa.String(length=32), nullable=False, server_default="from"),
        sa.Column("member_id", types.UuidType()),
        sa.ForeignKeyConstraint(["from_region_id"], ["region.id"]),
        sa.ForeignKeyConstraint(["to_region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_transfer_from", "transfer", ["from_path", "asked_at"])
    op.create_index("ix_transfer_household", "transfer", ["household_id", "asked_at"])
    op.create_index("ix_transfer_state", "transfer", ["state", "asked_at", "id"])
    op.create_index("ix_transfer_to", "transfer", ["to_path", "asked_at"])
    op.create_index(
        "ix_transfer_waiting",
        "transfer",
        ["household_id"],
        unique=True,
        **only("state = 'waiting'"),
    )

    op.create_table(
        "ab_api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("key_hash", sa.String(length=256), nullable=False),
        sa.Column("lookup_hash", sa.String(length=256)),
        sa.Column("key_prefix", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_on", sa.DateTime()),
        sa.Column("expires_on", sa.DateTime()),
        sa.Column("revoked_on", sa.DateTime()),
        sa.Column("last_used_on", sa.DateTime()),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lookup_hash"),
        sa.UniqueConstraint("uuid"),
    )
    op.create_index("idx_api_key_lookup_hash", "ab_api_key", ["lookup_hash"], unique=True)
    op.create_index("idx_api_key_prefix", "ab_api_key", ["key_prefix"])
    op.create_index("idx_api_key_user_id", "ab_api_key", ["user_id"])

    op.create_table(
        "ab_permission_view_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_view_id", sa.Integer()),
        sa.Column("role_id", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["permission_view_id"], ["ab_permission_view.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("permission_view_id", "role_id"),
    )
    op.create_index("idx_permission_view_id", "ab_permission_view_role", ["permission_view_id"])
    op.create_index("idx_role_id", "ab_permission_view_role", ["role_id"])

    op.create_table(
        "ab_user_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer()),
        sa.Column("group_id", sa.Integer()),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "group_id"),
    )
    op.create_index("idx_user_group_id", "ab_user_group", ["group_id"])
    op.create_index("idx_user_id", "ab_user_group", ["user_id"])

    op.create_table(
        "ab_user_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer()),
        sa.Column("role_id", sa.Integer()),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "role_id"),
    )

    op.create_table(
        "access_token",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("name", types.NfcText(60), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=8), nullable=False),
        sa.Column("registers", sa.JSON(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("created_by", types.UuidType()),
        sa.Column("created_by_name", types.NfcText(128)),
        sa.Column("used_at", types.UtcDateTime()),
        sa.Column("used_from", sa.String(length=64)),
        sa.Column("revoked_at", types.UtcDateTime()),
        sa.ForeignKeyConstraint(["account_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index("ix_access_token_account_id", "access_token", ["account_id"])
    op.create_index("ix_access_token_region_id", "access_token", ["region_id"])

    op.create_table(
        "account_grant",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("capability", sa.String(length=32), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("reason", types.NfcText(200), nullable=False),
        sa.Column("granted_at", types.UtcDateTime(), nullable=False),
        sa.Column("granted_by", types.UuidType()),
        sa.Column("granted_by_name", types.NfcText(128)),
        sa.Column("revoked_at", types.UtcDateTime()),
        sa.ForeignKeyConstraint(["account_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_account_grant_account_id", "account_grant", ["account_id"])

    op.create_table(
        "open_session",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("since", types.UtcDateTime(), nullable=False),
        sa.Column("seen", types.UtcDateTime(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("device", types.NfcText(64), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_open_session_account_id", "open_session", ["account_id"])

    op.create_table(
        "transfer_word",
        sa.Column("id", types.UuidType(), nullable=False),
        sa.Column("transfer_id", types.UuidType(), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("word", sa.String(length=32), nullable=False),
        sa.Column("side", sa.String(length=32), nullable=False),
        sa.Column("account_id", types.UuidType(), nullable=False),
        sa.Column("account_name", types.NfcText(128), nullable=False),
        sa.Column("person", types.NfcText(64), nullable=False),
        sa.Column("phone", types.NfcText(32), nullable=False),
        sa.Column("opinion", types.NfcText(1000)),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_transfer_word_transfer", "transfer_word", ["transfer_id", "at"])


def downgrade() -> None:
    raise NotImplementedError("nothing lies before the first tables")
