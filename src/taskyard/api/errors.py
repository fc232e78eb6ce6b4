"""Everything that can go wrong, named once.

Two vocabularies live here. *Error codes* are what the wire carries: an HTTP status and a
sub-code, as clients of the protocol expect them. *Causes* say why an attempt of a task ended
badly; the retry policy, the page and the command line all speak in them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Cause(StrEnum):
    """Why an attempt ended other than well. The value is what the API and the page show."""

    USER_CODE = "user code"
    ENVIRONMENT = "environment"
    GIT = "git"
    IMAGE = "image"
    OUT_OF_MEMORY = "out of memory"
    TIME_OUT = "time-out"
    WORKER_LOST = "worker lost"
    SERVER = "server"
    AGENT = "agent"
    DISK_FULL = "disk full"
    ABORTED = "aborted"
    INTERRUPTED = "interrupted"


INFRASTRUCTURE = frozenset({Cause.WORKER_LOST, Cause.SERVER, Cause.AGENT, Cause.INTERRUPTED})
"""Causes that are nobody's code: a retry policy of ``infrastructure`` covers these."""


class TaskyardError(Exception):
    """A failure with a message that names the thing, and a hint that says what to do.

    ``what`` and ``hint`` are shown to people as they are; keep secrets out of both.
    """

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class RunError(TaskyardError):
    """An attempt cannot go on. Carries the cause class and the last words of the failing tool."""

    def __init__(self, cause: Cause, what: str, *, hint: str = "", tail: str = "") -> None:
        super().__init__(what, hint=hint)
        self.cause = cause
        self.tail = tail


class ApiError(TaskyardError):
    """An answer of the server that is not a success.

    ``code`` is the HTTP status, ``subcode`` the protocol's finer code, ``data`` what is repeated
    in ``meta.error_data``. The message follows the protocol: ``text (extra): k=v, ...``.
    """

    def __init__(
        self,
        kind: tuple[int, int, str],
        extra: str = "",
        *,
        hint: str = "",
        **data: Any,
    ) -> None:
        self.code, self.subcode, self.text = kind
        self.data = data
        message = self.text.capitalize()
        if extra:
            message += f" ({extra})"
        if data:
            message += ": " + ", ".join(f"{k}={v}" for k, v in data.items())
        super().__init__(message, hint=hint)

    @property
    def kind(self) -> tuple[int, int]:
        """Code and sub-code: what a caller compares with."""
        return self.code, self.subcode


def as_error(meta: dict[str, Any]) -> ApiError:
    """The server's refusal, from an answer's ``meta``, as the error it raised there."""
    data = dict(meta.get("error_data") or {})
    hint = str(data.pop("hint", ""))
    message = str(meta.get("result_msg", ""))
    kind = (int(meta["result_code"]), int(meta.get("result_subcode") or 0), message)
    error = ApiError(kind, hint=hint)
    error.what = message
    error.args = (message,)
    error.data = data
    return error


# One line a code. Numbers are the public protocol's; words are ours.
BAD_VERSION = (400, 2, "the path has an invalid version")
BAD_IMPERSONATION_HEADERS = (400, 5, "bad impersonation headers")
IMPERSONATION_FAILED = (400, 6, "impersonation is not possible")
INVALID_ID = (400, 10, "invalid id")
MISSING_FIELDS = (400, 11, "missing required fields")
VALIDATION = (400, 12, "validation error")
FIELDS_NOT_ALLOWED = (400, 13, "fields not allowed for role")
UNKNOWN_FIELD = (400, 14, "invalid fields")
CONFLICTING_FIELDS = (400, 15, "conflicting fields")
BAD_VALUE = (400, 16, "invalid value for fields")
EMPTY_BATCH = (400, 17, "batch contains no items")
BAD_BATCH = (400, 18, "batch item is not valid")
BAD_TYPE = (400, 20, "invalid type for fields")
BAD_REGEX = (400, 21, "invalid regular expression")
TASK_ERROR = (400, 100, "general task error")
INVALID_TASK_ID = (400, 101, "invalid task id")
TASK_VALIDATION = (400, 102, "task validation error")
INVALID_TASK_STATUS = (400, 110, "invalid task status")
TASK_NOT_STARTED = (400, 111, "task not started (invalid task status)")
INVALID_TASK_INPUT = (400, 112, "invalid task input")
TASK_PUBLISH_IN_PROGRESS = (400, 113, "task publish in progress")
TASK_HAS_CHILDREN = (400, 114, "task has child tasks")
STATUS_CHANGED = (400, 121, "task status was changed by someone else")
TASK_MISSING_FIELDS = (400, 122, "task is missing required fields")
TASK_CANNOT_BE_DELETED = (400, 123, "task cannot be deleted")
STALE_ATTEMPT = (400, 140, "this attempt is no longer the task's current one")
NO_EVENTS_ADDED = (400, 131, "no event was accepted")
MODEL_ERROR = (400, 200, "general model error")
INVALID_MODEL_ID = (400, 201, "invalid model id")
MODEL_NOT_READY = (400, 202, "model is not ready")
MODEL_IS_READY = (400, 203, "model is already published")
INVALID_MODEL_URI = (400, 204, "invalid model uri")
MODEL_IN_USE = (400, 205, "model is used by tasks")
MODEL_CREATING_TASK_EXISTS = (400, 206, "the task that made the model exists")
INVALID_USER = (400, 300, "invalid user")
INVALID_USER_ID = (400, 301, "invalid user id")
USER_ID_EXISTS = (400, 302, "user id exists")
INVALID_PREFERENCES = (400, 305, "malformed preferences update")
PROJECT_ERROR = (400, 400, "general project error")
INVALID_PROJECT_ID = (400, 401, "invalid project id")
PROJECT_HAS_TASKS = (400, 402, "project has associated tasks")
PROJECT_NOT_FOUND = (400, 403, "project not found")
PROJECT_HAS_MODELS = (400, 405, "project has associated models")
PROJECT_HAS_DATASETS = (400, 406, "project has associated datasets")
INVALID_PROJECT_NAME = (400, 407, "invalid project name")
CANNOT_UPDATE_LOCATION = (400, 408, "cannot update project location, use projects.move")
PROJECT_PATH_TOO_DEEP = (400, 409, "project path exceeds the allowed depth")
SOURCE_AND_DESTINATION_EQUAL = (400, 410, "project has the same source and destination")
CANNOT_MERGE_INTO_CHILD = (400, 411, "project cannot be merged into its own child")
PROJECT_HAS_PIPELINES = (400, 413, "project has associated pipelines")
CANNOT_MOVE_INTO_ITSELF = (400, 414, "project cannot be moved under itself")
INVALID_QUEUE_ID = (400, 701, "invalid queue id")
QUEUE_NOT_EMPTY = (400, 702, "queue is not empty")
TASK_NOT_IN_QUEUE = (400, 703, "task is not in the queue")
REPOSITION_FAILED = (400, 704, "moving the task in the queue failed")
FAILED_ADDING_TO_QUEUE = (400, 705, "adding the task to the queue failed")
TASK_ALREADY_QUEUED = (400, 706, "task is already queued")
NO_DEFAULT_QUEUE = (400, 707, "there is no default queue")
SEVERAL_DEFAULT_QUEUES = (400, 708, "there are several default queues")
DATA_VALIDATION = (400, 800, "data validation error")
NOT_UNIQUE = (400, 801, "value must be unique")
INVALID_WORKER_ID = (400, 1001, "invalid worker id")
WORKER_REGISTRATION_FAILED = (400, 1002, "worker registration failed")
WORKER_REGISTERED = (400, 1003, "worker is already registered")
WORKER_NOT_REGISTERED = (400, 1004, "worker is not registered")
NO_WORKER_STATS = (400, 1005, "worker statistics not found")
INVALID_SCROLL_ID = (400, 1104, "invalid scroll id")
UNAUTHORIZED = (401, 1, "unauthorized")
NO_CREDENTIALS = (401, 20, "no credentials were given")
BAD_CREDENTIALS = (401, 21, "malformed credentials")
INVALID_CREDENTIALS = (401, 22, "invalid credentials")
INVALID_TOKEN = (401, 30, "invalid token")
FORBIDDEN = (403, 20, "the role does not allow this")
READ_ONLY = (403, 21, "public objects are read-only")
NO_SUCH_ENDPOINT = (404, 0, "unknown endpoint or version")
TOO_LARGE = (413, 0, "request is too large")
UNSUPPORTED_ENCODING = (415, 0, "content encoding is not supported")
TOO_MANY_REQUESTS = (429, 0, "too many requests")
SERVER_FAULT = (500, 0, "server error")
INSUFFICIENT_STORAGE = (503, 1, "the server's disk is full")
STORE_UNAVAILABLE = (503, 2, "the database does not answer")
STOPPING = (503, 3, "the server is stopping")
FILES_UNAVAILABLE = (503, 4, "the store of files does not answer")
RETIRED = (301, 1, "this endpoint is retired for this version")
