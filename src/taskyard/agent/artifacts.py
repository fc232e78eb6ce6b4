"""What a run leaves for its task beside its console: the notebook that it executed."""

from __future__ import annotations

import hashlib
import logging
import time
from pathlib import Path
from urllib.parse import quote

from taskyard.agent.run.spec import NOTEBOOK, RunSpec
from taskyard.api.errors import ApiError
from taskyard.client.session import Session

log = logging.getLogger("taskyard.agent")

KEY = "notebook"
"""Name of the artifact."""


def deliver(session: Session, folder: Path, spec: RunSpec) -> None:
    """Keep the executed notebook of an ended run, if it has one, as an artifact of its task.

    Doing it again changes nothing. Raises ServerUnreachable; a server that refuses it does not
    keep the run from ending.
    """
    try:
        content = (folder / NOTEBOOK).read_bytes()
    except FileNotFoundError:
        return
    name = spec.code.entry_point.rpartition("/")[2]
    try:
        address = session.put_file(
            f"{spec.task}/artifacts/{KEY}/{quote(name)}", content, "application/x-ipynb+json"
        )
        artifact = {
            "key": KEY,
            "type": "custom",
            "mode": "output",
            "uri": address,
            "content_size": len(content),
            "hash": hashlib.sha256(content).hexdigest(),
            "timestamp": int(time.time()),
            "type_data": {"content_type": "application/x-ipynb+json", "preview": name},
        }
        session.raw(
            "tasks.add_or_update_artifacts",
            {"task": spec.task, "artifacts": [artifact], "force": True},
        )
    except ApiError as error:
        if error.code >= 500:
            raise
        log.error("the server does not keep the notebook of task %s: %s", spec.task, error)
