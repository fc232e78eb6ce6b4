"""Recognising the person who started the server, at the same machine.

A fresh local start needs no sign-in: a connection over loopback belongs to a process, and the
kernel says whose it is. Only the user that runs the server is let in this way.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def from_own_user(
    client: tuple[str, int] | None, server: tuple[str, int] | None, host: str
) -> bool:
    """Whether the connection from ``client`` to ``server`` is of this process's own user.

    ``host`` is the request's Host header: a page of another name is not let in, whatever
    address its name was made to point to. False where the kernel does not tell.
    """
    if client is None or server is None:
        return False
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name not in LOCAL_NAMES or not ipaddress.ip_address(client[0]).is_loopback:
        return False
    return any(
        owner_of(table.read_text(), client[1], server[1]) == os.getuid()
        for table in TABLES
        if table.exists()
    )


def owner_of(table: str, local_port: int, remote_port: int) -> int | None:
    """The user of the established connection between two ports, from the kernel's table."""
    wanted = (f":{local_port:04X}", f":{remote_port:04X}")
    for line in table.splitlines()[1:]:
        fields = line.split()
        established = fields[3] == "01"
        if established and fields[1].endswith(wanted[0]) and fields[2].endswith(wanted[1]):
            return int(fields[7])
    return None
