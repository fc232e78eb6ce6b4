"""Every table of the control database.

A table has columns for what is filtered, sorted or joined on, and one JSON document, ``doc``,
for the rest of what clients see. Times are microseconds since the epoch, UTC. ``company`` is
the owner; the empty company makes a row public: readable by all, writable by none.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
RowId = BigInteger().with_variant(Integer, "sqlite")

settings = Table(
    "settings",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""Facts of this installation, such as the key that signs tokens."""

users = Table(
    "users",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("email", String),
    Column("password", String),
    Column("created", BigInteger, nullable=False),
    Column("doc", Document, nullable=False),
)

credentials = Table(
    "credentials",
    metadata,
    Column("access_key", String, primary_key=True),
    Column("secret_hash", String, nullable=False),
    Column("user", String, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("label", String),
    Column("created", BigInteger, nullable=False),
    Column("last_used", BigInteger),
    Column("last_used_from", String),
)

revoked_sessions = Table(
    "revoked_sessions",
    metadata,
    Column("session", String, primary_key=True),
    Column("expires", BigInteger, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("name", String, nullable=False),
    Column("basename", String, nullable=False),
    Column("parent", String),
    Column("user", String),
    Column("created", BigInteger, nullable=False),
    Column("last_update", BigInteger),
    Column("doc", Document, nullable=False),
    UniqueConstraint("company", "name"),
    Index("projects_parent", "parent"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("name", String, nullable=False),
    Column("type", String, nullable=False),
    Column("status", String, nullable=False),
    Column("status_reason", String, nullable=False, default=""),
    Column("status_message", String, nullable=False, default=""),
    Column("user", String),
    Column("project", String),
    Column("parent", String),
    Column("queue", String),
    Column("created", BigInteger, nullable=False),
    Column("started", BigInteger),
    Column("completed", BigInteger),
    Column("published", BigInteger),
    Column("status_changed", BigInteger),
    Column("last_update", BigInteger),
    Column("last_change", BigInteger),
    Column("last_changed_by", String),
    Column("last_worker", String),
    Column("last_worker_report", BigInteger),
    Column("last_iteration", BigInteger),
    Column("active_duration", BigInteger),
    Column("hidden", Boolean, nullable=False, default=False),
    Column("archived", Boolean, nullable=False, default=False),
    Column("enqueue_status", String),
    Column("doc", Document, nullable=False),
    Index("tasks_updated", "company", "last_update"),
    Index("tasks_status", "company", "status", "last_update"),
    Index("tasks_project", "project", "last_update"),
    Index("tasks_created", "company", "created"),
    Index("tasks_name", "company", "name"),
    Index("tasks_started", "company", "started"),
    Index("tasks_parent", "parent"),
    Index("tasks_user", "user"),
    Index("tasks_type", "type"),
    Index(
        "tasks_statistics",
        *("project", "archived", "status", "hidden", "company"),
        *("active_duration", "started", "completed"),
    ),
)
"""``hidden`` and ``archived`` say whether the task has the system tag of that name."""

models = Table(
    "models",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("name", String, nullable=False),
    Column("user", String),
    Column("project", String),
    Column("task", String),
    Column("parent", String),
    Column("framework", String),
    Column("uri", String),
    Column("ready", Boolean, nullable=False, default=False),
    Column("created", BigInteger, nullable=False),
    Column("last_update", BigInteger),
    Column("last_change", BigInteger),
    Column("last_changed_by", String),
    Column("last_iteration", BigInteger),
    Column("doc", Document, nullable=False),
    Index("models_updated", "company", "last_update"),
    Index("models_project", "project"),
    Index("models_task", "task"),
)

queues = Table(
    "queues",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("name", String, nullable=False),
    Column("user", String),
    Column("created", BigInteger, nullable=False),
    Column("last_update", BigInteger),
    Column("paused", Boolean, nullable=False, default=False),
    Column("doc", Document, nullable=False),
    UniqueConstraint("company", "name"),
)

entries = Table(
    "entries",
    metadata,
    Column("queue", String, ForeignKey("queues.id", ondelete="CASCADE"), primary_key=True),
    Column("task", String, primary_key=True),
    Column("priority", Integer, nullable=False, default=0),
    Column("position", Float, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("retries", Integer, nullable=False, default=0),
    Column("due", BigInteger, nullable=False, default=0),
    Index("entries_task", "task"),
)
"""Tasks that wait, in the order of falling priority, then rising position. ``retries`` counts the
attempts that the retry policy has already spent on this wait; ``due`` is when the task may be
handed out, 0 from then on."""
Index(
    "entries_due", entries.c.due, sqlite_where=entries.c.due > 0, postgresql_where=entries.c.due > 0
)
Index(
    "entries_order",
    entries.c.queue,
    entries.c.priority.desc(),
    entries.c.position,
    entries.c.added,
    entries.c.task,
)

queue_waits = Table(
    "queue_waits",
    metadata,
    Column("queue", String, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("bucket", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Index("queue_waits_at", "at"),
)
"""How many tasks were handed out in the interval that begins at ``at``, after a wait of the length
that ``bucket`` stands for: see ``domain/waits``."""

queue_samples = Table(
    "queue_samples",
    metadata,
    Column("queue", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("length", Integer, nullable=False),
    Column("waiting", Float, nullable=False),
    Column("oldest", Float, nullable=False),
    Column("running", Integer, nullable=False),
    Index("queue_samples_at", "queue", "at"),
    Index("queue_samples_age", "at"),
)
"""A queue at each change: its length, the average and the longest waiting time (seconds) of its
entries, and how many of its tasks are run."""

attempts = Table(
    "attempts",
    metadata,
    Column("task", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("company", String, nullable=False),
    Column("worker", String, nullable=False),
    Column("queue", String),
    Column("state", String, nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("deadline", BigInteger),
    Column("taken", BigInteger, nullable=False),
    Column("started", BigInteger),
    Column("ended", BigInteger),
    Column("cause", String),
    Column("exit_code", Integer),
    Column("retries", Integer, nullable=False, default=0),
    Column("plain", Boolean, nullable=False, default=False),
    Column("doc", Document, nullable=False),
    Index("attempts_deadline", "state", "deadline"),
    Index("attempts_worker", "worker", "state"),
    Index("attempts_ended", "company", "ended"),
)
"""Each run of a task. ``deadline`` is the lease's end; ``plain`` marks a run whose agent knows
nothing of leases."""

journal = Table(
    "journal",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("company", String, nullable=False),
    Column("task", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("what", String, nullable=False),
    Column("by", String),
    Column("worker", String),
    Column("queue", String),
    Column("reason", String, nullable=False),
    Column("message", String, nullable=False),
    Index("journal_task", "task", "id"),
)
"""What happened to tasks, in this order. Ids rise with time: nothing else is needed to find the
latest lines, and those that are too old."""

workers = Table(
    "workers",
    metadata,
    Column("key", String, primary_key=True),
    Column("id", String, nullable=False),
    Column("company", String, nullable=False),
    Column("user", String, nullable=False),
    Column("ip", String),
    Column("task", String),
    Column("queue", String),
    Column("registered", BigInteger, nullable=False),
    Column("timeout", Integer, nullable=False),
    Column("last_activity", BigInteger, nullable=False),
    Column("last_report", BigInteger, nullable=False),
    Column("doc", Document, nullable=False),
    Index("workers_seen", "company", "last_activity"),
)

worker_orders = Table(
    "worker_orders",
    metadata,
    Column("company", String, nullable=False),
    Column("worker", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("by", String, nullable=False),
    Index("worker_orders_at", "company", "worker", "at"),
    Index("worker_orders_age", "at"),
)
"""What workers were told, by which user, and why. It outlives the workers."""

worker_samples = Table(
    "worker_samples",
    metadata,
    Column("company", String, nullable=False),
    Column("worker", String, nullable=False),
    Column("step", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("task", String),
    Column("data", LargeBinary, nullable=False),
    Index("worker_samples_at", "worker", "step", "at"),
    Index("worker_samples_seen", "company", "step", "at"),
    Index("worker_samples_age", "step", "at"),
)
"""What workers reported of themselves and their machines: one row a report (``step`` 0), and one
for each interval of ``step`` seconds that begins at ``at``. ``data`` is packed measurements."""

scrolls = Table(
    "scrolls",
    metadata,
    Column("id", String, primary_key=True),
    Column("expires", BigInteger, nullable=False),
    Column("doc", Document, nullable=False),
)
"""Where a paging client stands."""
