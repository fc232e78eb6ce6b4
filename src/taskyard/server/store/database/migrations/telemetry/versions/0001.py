"""The first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_chunks",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("packed", sa.Boolean(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("last_time", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("breaks", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("log_chunks", schema=None) as batch_op:
        batch_op.create_index("log_chunks_first", ["task", "first_time", "id"], unique=False)
        batch_op.create_index(
            "log_chunks_last", ["task", "last_time", "id", "first_time", "lines"], unique=False
        )
        batch_op.create_index(
            "log_chunks_loose",
            ["task"],
            unique=False,
            sqlite_where=sa.text("packed = 0"),
            postgresql_where=sa.text("NOT packed"),
        )

    op.create_table(
        "outputs",
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("first_line", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("task", "attempt"),
    )
    op.create_table(
        "samples",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("series", sa.BigInteger(), nullable=False),
        sa.Column("iter", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("source", sa.BigInteger(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task", "series", "iter", "key"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("samples", schema=None) as batch_op:
        batch_op.create_index("samples_source", ["task", "series", "source"], unique=False)

    op.create_table(
        "scalar_chunks",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("series", sa.BigInteger(), nullable=False),
        sa.Column("packed", sa.Boolean(), nullable=False),
        sa.Column("first_iter", sa.BigInteger(), nullable=False),
        sa.Column("last_iter", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("rollup", sa.LargeBinary(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("scalar_chunks", schema=None) as batch_op:
        batch_op.create_index(
            "scalar_chunks_loose",
            ["task", "series"],
            unique=False,
            sqlite_where=sa.text("packed = 0"),
            postgresql_where=sa.text("NOT packed"),
        )
        batch_op.create_index("scalar_chunks_series", ["task", "series"], unique=False)

    op.create_table(
        "scrolls",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column(
            "doc",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "series",
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("series", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("task", "series"),
    )


def downgrade() -> None:
    op.drop_table("series")
    op.drop_table("scrolls")
    with op.batch_alter_table("scalar_chunks", schema=None) as batch_op:
        batch_op.drop_index("scalar_chunks_series")
        batch_op.drop_index(
            "scalar_chunks_loose",
            sqlite_where=sa.text("packed = 0"),
            postgresql_where=sa.text("NOT packed"),
        )

    op.drop_table("scalar_chunks")
    with op.batch_alter_table("samples", schema=None) as batch_op:
        batch_op.drop_index("samples_source")

    op.drop_table("samples")
    op.drop_table("outputs")
    with op.batch_alter_table("log_chunks", schema=None) as batch_op:
        batch_op.drop_index(
            "log_chunks_loose",
            sqlite_where=sa.text("packed = 0"),
            postgresql_where=sa.text("NOT packed"),
        )
        batch_op.drop_index("log_chunks_last")
        batch_op.drop_index("log_chunks_first")

    op.drop_table("log_chunks")
