"""Commands as somebody sees them who runs them on a terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess

from tests.beds.agent import TASKYARD, Site


def on_terminal(site: Site, *words: str, ctrl_c_after: str = "") -> tuple[int, str]:
    """The exit code of a command and what it prints; with Ctrl-C after a text, if one is given."""
    ours, theirs = pty.openpty()
    environment = {**site.environment, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([*TASKYARD, *words], env=environment, stdout=theirs)
    os.close(theirs)
    text = b""
    while True:
        try:
            text += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if ctrl_c_after and ctrl_c_after.encode() in text:
            process.send_signal(signal.SIGINT)
            ctrl_c_after = ""
    os.close(ours)
    return process.wait(), text.decode()
