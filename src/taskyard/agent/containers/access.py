"""What of the machine's network settings a container gets: package indexes, certificates, proxies.

A machine behind a mirror is set up for it by pip's configuration, by variables, and by a bundle
of certificates. Containers on it need the same, or nothing can be installed in them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from taskyard.agent.environments import indexes

_PASSED = re.compile(
    r"(?:UV|PIP|SSL_CERT)_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS"
    r"|(?i:https?|ftp|all|no)_(?i:proxy)"
)
_KEPT_BACK = re.compile(
    # Folders and habits of the machine, which mean nothing in a container.
    r"UV_(?:CACHE_DIR|PYTHON\w*|TOOL\w*|PROJECT\w*|INSTALL_DIR|CONFIG_FILE|NO_CACHE|LINK_MODE)"
    r"|PIP_(?:CACHE_DIR|TARGET|PREFIX|ROOT|CONFIG_FILE|USER|LOG|REQUIRE_VIRTUALENV|SRC)"
)
_FOR_PIP = ("index-url", "extra-index-url", "find-links", "trusted-host", "cert", "client-cert",
            "proxy", "timeout", "no-index")  # fmt: skip
_FILES = ("SSL_CERT_FILE", "SSL_CLIENT_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT",
          "NODE_EXTRA_CA_CERTS")  # fmt: skip


class Access(NamedTuple):
    """Variables, which may hold passwords, and folders to mount read-only where they are."""

    variables: dict[str, str]
    folders: list[Path]
    arguments: list[str]
    """What uv must be told on its command line."""
    deciding: Any
    """What of it changes which files get installed, without passwords."""


def of_machine(environ: Mapping[str, str], index_urls: Sequence[str] = ()) -> Access:
    """What containers get. ``index_urls`` are the agent's own, asked before the machine's."""
    settings = indexes.for_uv(environ, index_urls)
    told = {
        name: value
        for name, value in settings.environ.items()
        if _PASSED.fullmatch(name) and not _KEPT_BACK.fullmatch(name)
    }
    options = indexes.pip_options(environ)
    for option in _FOR_PIP:
        name = f"PIP_{option.upper().replace('-', '_')}"
        if options.get(option) and name not in told:
            told[name] = options[option]
    return Access(
        told, list(dict.fromkeys(_folders(told))), settings.arguments, settings.deciding()
    )


def _folders(variables: Mapping[str, str]) -> Iterator[Path]:
    for name, value in variables.items():
        if name == "SSL_CERT_DIR":
            yield from (Path(place) for place in value.split(os.pathsep) if os.path.isdir(place))
        elif name in _FILES:
            if os.path.isfile(value):
                yield Path(value).parent
        else:
            for word in re.split(r"[\s,]+", value):
                path = word.partition("=file://")[2] or word.removeprefix("file://")
                if path.startswith("/") and os.path.isdir(path):
                    # The pages of an index name files that lie beside it.
                    beside = "INDEX" in name and Path(path).parent != Path("/")
                    yield Path(path).parent if beside else Path(path)
