"""The commits that moving references in a list of packages stand for now."""

from __future__ import annotations

from collections.abc import Mapping

from taskyard.agent.environments import tool
from taskyard.agent.environments.addresses import anonymous


def commit(url: str, ref: str, environ: Mapping[str, str]) -> str:
    """The commit a git reference stands for now; nothing when the remote does not tell."""
    shown = anonymous(url)
    if shown != url:
        # Arguments of a process can be read by everybody on the machine, its variables cannot.
        environ = {
            **environ,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{url}.insteadOf",
            "GIT_CONFIG_VALUE_0": shown,
        }
    result = tool.capture(["git", "ls-remote", "--", shown, ref, f"{ref}^{{}}"], environ)
    found: dict[str, str] = {}
    for line in result.output.splitlines():
        identifier, _, name = line.partition("\t")
        found[name] = identifier
    names = (ref, f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}")
    return next((found[name] for name in names if name in found), "")
