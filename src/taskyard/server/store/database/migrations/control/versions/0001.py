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
        "attempts",
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=True),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("plain", sa.Boolean(), nullable=False),
        sa.Column(
            "doc",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("task", "number"),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index("attempts_deadline", ["state", "deadline"], unique=False)
        batch_op.create_index("attempts_ended", ["company", "ended"], unique=False)
        batch_op.create_index("attempts_worker", ["worker", "state"], unique=False)

    op.create_table(
        "journal",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("queue", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index("journal_task", ["task", "id"], unique=False)

    op.create_table(
        "models",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=True),
        sa.Column("project", sa.String(), nullable=True),
        sa.Column("task", sa.String(), nullable=True),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("framework", sa.String(), nullable=True),
        sa.Column("uri", sa.String(), nullable=True),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("last_update", sa.BigInteger(), nullable=True),
        sa.Column("last_change", sa.BigInteger(), nullable=True),
        sa.Column("last_changed_by", sa.String(), nullable=True),
        sa.Column("last_iteration", sa.BigInteger(), nullable=True),
        sa.Column(
            "doc",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.create_index("models_project", ["project"], unique=False)
        batch_op.create_index("models_task", ["task"], unique=False)
        batch_op.create_index("models_updated", ["company", "last_update"], unique=False)

    op.create_table(
        "projects",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("basename", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("user", sa.String(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("last_update", sa.BigInteger(), nullable=True),
        sa.Column(
            "doc",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("company", "name"),
    )
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.create_index("projects_parent", ["parent"], unique=False)

    op.create_table(
        "queue_samples",
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Float(), nullable=False),
        sa.Column("oldest", sa.Float(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
    )
    with op.batch_alter_table("queue_samples", schema=None) as batch_op:
        batch_op.create_index("queue_samples_age", ["at"], unique=False)
        batch_op.create_index("queue_samples_at", ["queue", "at"], unique=False)

    op.create_table(
        "queue_waits",
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "at", "bucket"),
    )
    with op.batch_alter_table("queue_waits", schema=None) as batch_op:
        batch_op.create_index("queue_waits_at", ["at"], unique=False)

    op.create_table(
        "queues",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("last_update", sa.BigInteger(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column(
            "doc",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("company", "name"),
    )
    op.create_table(
        "revoked_sessions",
        sa.Column("session", sa.String(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session"),
    )
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
        "settings",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_reason", sa.String(), nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=True),
        sa.Column("project", sa.String(), nullable=True),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("queue", sa.String(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=True),
        sa.Column("completed", sa.BigInteger(), nullable=True),
        sa.Column("published", sa.BigInteger(), nullable=True),
        sa.Column("status_changed", sa.BigInteger(), nullable=True),
        sa.Column("last_update", sa.BigInteger(), nullable=True),
        sa.Column("last_change", sa.BigInteger(), nullable=True),
        sa.Column("last_changed_by", sa.String(), nullable=True),
        sa.Column("last_worker", sa.String(), nullable=True),
        sa.Column("last_worker_report", sa.BigInteger(), nullable=True),
        sa.Column("last_iteration", sa.BigInteger(), nullable=True),
        sa.Column("active_duration", sa.BigInteger(), nullable=True),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("enqueue_status", sa.String(), nullable=True),
        sa.Column(
            "doc",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.create_index("tasks_created", ["company", "created"], unique=False)
        batch_op.create_index("tasks_name", ["company", "name"], unique=False)
        batch_op.create_index("tasks_parent", ["parent"], unique=False)
        batch_op.create_index("tasks_project", ["project", "last_update"], unique=False)
        batch_op.create_index("tasks_started", ["company", "started"], unique=False)
        batch_op.create_index(
            "tasks_statistics",
            [
                "project",
                "archived",
                "status",
                "hidden",
                "company",
                "active_duration",
                "started",
                "completed",
            ],
            unique=False,
        )
        batch_op.create_index("tasks_status", ["company", "status", "last_update"], unique=False)
        batch_op.create_index("tasks_type", ["type"], unique=False)
        batch_op.create_index("tasks_updated", ["company", "last_update"], unique=False)
        batch_op.create_index("tasks_user", ["user"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("password", sa.String(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
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
        "worker_orders",
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
    )
    with op.batch_alter_table("worker_orders", schema=None) as batch_op:
        batch_op.create_index("worker_orders_age", ["at"], unique=False)
        batch_op.create_index("worker_orders_at", ["company", "worker", "at"], unique=False)

    op.create_table(
        "worker_samples",
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.String(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    with op.batch_alter_table("worker_samples", schema=None) as batch_op:
        batch_op.create_index("worker_samples_age", ["step", "at"], unique=False)
        batch_op.create_index("worker_samples_at", ["worker", "step", "at"], unique=False)
        batch_op.create_index("worker_samples_seen", ["company", "step", "at"], unique=False)

    op.create_table(
        "workers",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("task", sa.String(), nullable=True),
        sa.Column("queue", sa.String(), nullable=True),
        sa.Column("registered", sa.BigInteger(), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=False),
        sa.Column("last_activity", sa.BigInteger(), nullable=False),
        sa.Column("last_report", sa.BigInteger(), nullable=False),
        sa.Column(
            "doc",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True), "postgresql"
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.create_index("workers_seen", ["company", "last_activity"], unique=False)

    op.create_table(
        "credentials",
        sa.Column("access_key", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("last_used", sa.BigInteger(), nullable=True),
        sa.Column("last_used_from", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("access_key"),
    )
    op.create_table(
        "entries",
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("position", sa.Float(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["queue"], ["queues.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("queue", "task"),
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index(
            "entries_due",
            ["due"],
            unique=False,
            sqlite_where=sa.text("due > 0"),
            postgresql_where=sa.text("due > 0"),
        )
        batch_op.create_index(
            "entries_order",
            ["queue", sa.literal_column("priority DESC"), "position", "added", "task"],
            unique=False,
        )
        batch_op.create_index("entries_task", ["task"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_index("entries_task")
        batch_op.drop_index("entries_order")
        batch_op.drop_index(
            "entries_due", sqlite_where=sa.text("due > 0"), postgresql_where=sa.text("due > 0")
        )

    op.drop_table("entries")
    op.drop_table("credentials")
    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.drop_index("workers_seen")

    op.drop_table("workers")
    with op.batch_alter_table("worker_samples", schema=None) as batch_op:
        batch_op.drop_index("worker_samples_seen")
        batch_op.drop_index("worker_samples_at")
        batch_op.drop_index("worker_samples_age")

    op.drop_table("worker_samples")
    with op.batch_alter_table("worker_orders", schema=None) as batch_op:
        batch_op.drop_index("worker_orders_at")
        batch_op.drop_index("worker_orders_age")

    op.drop_table("worker_orders")
    op.drop_table("users")
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_index("tasks_user")
        batch_op.drop_index("tasks_updated")
        batch_op.drop_index("tasks_type")
        batch_op.drop_index("tasks_status")
        batch_op.drop_index("tasks_statistics")
        batch_op.drop_index("tasks_started")
        batch_op.drop_index("tasks_project")
        batch_op.drop_index("tasks_parent")
        batch_op.drop_index("tasks_name")
        batch_op.drop_index("tasks_created")

    op.drop_table("tasks")
    op.drop_table("settings")
    op.drop_table("scrolls")
    op.drop_table("revoked_sessions")
    op.drop_table("queues")
    with op.batch_alter_table("queue_waits", schema=None) as batch_op:
        batch_op.drop_index("queue_waits_at")

    op.drop_table("queue_waits")
    with op.batch_alter_table("queue_samples", schema=None) as batch_op:
        batch_op.drop_index("queue_samples_at")
        batch_op.drop_index("queue_samples_age")

    op.drop_table("queue_samples")
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.drop_index("projects_parent")

    op.drop_table("projects")
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.drop_index("models_updated")
        batch_op.drop_index("models_task")
        batch_op.drop_index("models_project")

    op.drop_table("models")
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.drop_index("journal_task")

    op.drop_table("journal")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index("attempts_worker")
        batch_op.drop_index("attempts_ended")
        batch_op.drop_index("attempts_deadline")

    op.drop_table("attempts")
