"""Blacking secrets out of what people read."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from taskyard.agent.run.spec import Secrets

SHORTEST = 6
"""Characters. Shorter values are settings rather than secrets, and occur in innocent text."""


def hidden_texts(secrets: Secrets) -> list[str]:
    """Return what must not be read anywhere, longest first."""
    texts = {*secrets.variables.values(), *(password for _, password in secrets.git.values())}
    texts |= {urlsplit(url).password or "" for url in secrets.index_urls}
    return sorted((text for text in texts if len(text) >= SHORTEST), key=len, reverse=True)


def redact(text: str, hidden: Sequence[str]) -> str:
    """Replace each hidden text by asterisks."""
    for secret in hidden:
        text = text.replace(secret, "***")
    return text
