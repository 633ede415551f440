"""Counters read by figure; daily counters of every division down to the county

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("counter") as batch_op:
        batch_op.drop_index("ix_counter_scope")
        batch_op.create_index("ix_counter_scope", ["register", "figure", "path", "n"])
    with op.batch_alter_table("counter_day") as batch_op:
        batch_op.drop_index("ix_counter_day_scope")
        batch_op.alter_column("county_id", new_column_name="region_id", existing_type=sa.Integer())


def downgrade() -> None:
    op.execute(
        "DELETE FROM counter_day WHERE region_id NOT IN (SELECT id FROM region WHERE level = 3)"
    )
    with op.batch_alter_table("counter_day") as batch_op:
        batch_op.alter_column("region_id", new_column_name="county_id", existing_type=sa.Integer())
        batch_op.create_index("ix_counter_day_scope", ["register", "day", "path"])
    with op.batch_alter_table("counter") as batch_op:
        batch_op.drop_index("ix_counter_scope")
        batch_op.create_index("ix_counter_scope", ["register", "path", "figure", "n"])
