"""``taskyard agent install``: an agent that systemd starts with the machine and keeps alive."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from taskyard.api.errors import TaskyardError
from taskyard.cli import agent_flags

UNIT = """\
# Made by `taskyard agent install`; made anew by the next one.
[Unit]
Description=Taskyard agent
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={command}
{environment}
# Passwords for git hosts and the like, as CLEARML_AGENT_GIT_PASS=...; readable by the owner only.
EnvironmentFile=-{secrets}
# Runs go on when their agent ends, and the next one goes on with them.
KillMode=process
Restart=on-failure
RestartSec=5
TimeoutStopSec=120

[Install]
WantedBy={target}
"""

PASSED = (
    "PATH",
    "TASKYARD_CONFIG",
    "TASKYARD_AGENT_DATA",
    "CLEARML_CONFIG_FILE",
    "CLEARML_WORKER_ID",
    "CLEARML_WORKER_NAME",
    "CLEARML_AGENT_GIT_USER",
    "CLEARML_AGENT_GIT_HOST",
)
"""Variables that the agent gets as they are now. None of them is a secret."""


class KeepsWords(argparse.ArgumentParser):
    """A parser that leaves the words it has parsed in ``words``, for a unit that repeats them."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        found, rest = super().parse_known_args(args, namespace)
        found.words = list(args or ())
        return found, rest


def install(args: argparse.Namespace) -> int:
    """Write the unit, and have systemd start it. ``args.words``: the flags as they were given."""
    from taskyard.client.config import find

    if args.git_pass:
        raise TaskyardError(
            "a password would be in the open in the unit",
            hint=f"Write CLEARML_AGENT_GIT_PASS=... to {_secrets()} instead of --git-pass.",
        )
    if find(url=args.server).origin == "environment":
        raise TaskyardError(
            "the key pair is known from variables of this shell only",
            hint="Write it to the configuration first: taskyard init",
        )
    words = [word for word in args.words if word not in {"--print", "--detached", "-d"}]
    text = unit(words, os.environ, _secrets(), for_machine=os.geteuid() == 0)
    if args.print:
        print(text, end="")
        return 0
    _start(text, f"taskyard-agent{_kind(args)}.service")
    return 0


def unit(
    words: Sequence[str], environ: Mapping[str, str], secrets: Path, *, for_machine: bool
) -> str:
    """The text of a unit that runs ``taskyard agent daemon`` with these flags."""
    command = [sys.executable, "-m", "taskyard", "agent", "daemon", *words]
    passed = [f"{name}={environ[name]}" for name in PASSED if environ.get(name)]
    return UNIT.format(
        command=" ".join(_quoted(word).replace("$", "$$") for word in command),
        environment="\n".join(f"Environment={_quoted(one)}" for one in passed),
        secrets=secrets,
        target="multi-user.target" if for_machine else "default.target",
    )


def _quoted(word: str) -> str:
    """A word as systemd reads it."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{word}"' if re.search(r"[\s\"';]", word) or not word else word


def _kind(args: argparse.Namespace) -> str:
    suffix = agent_flags.suffix(args)
    return "-" + re.sub(r"[^\w.]", "-", suffix) if suffix else ""


def _secrets() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "taskyard" / "agent.env"


def _start(text: str, name: str) -> None:
    mine = os.geteuid() != 0
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    user_units = Path(base).expanduser() / "systemd" / "user"
    file = (user_units if mine else Path("/etc/systemd/system")) / name
    if shutil.which("systemctl") is None:
        raise TaskyardError(
            "this machine has no systemd",
            hint="Have what starts programs here run: taskyard agent daemon, with the same flags.",
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    control = ["systemctl", "--user"] if mine else ["systemctl"]
    for words in (["daemon-reload"], ["enable", "--now", name]):
        done = subprocess.run([*control, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise TaskyardError(
                f"systemctl {' '.join(words)} failed: {done.stderr.strip()}",
                hint=f"The unit is in {file}.",
            )
    print(f"{name} runs; its log: journalctl {'--user ' if mine else ''}-u {name} -f")
    if mine:
        print("to have it run while you are not logged in: loginctl enable-linger")
