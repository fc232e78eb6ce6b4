"""A real ssh server on loopback that lets one key in."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.beds.postgres import free_port
from tests.beds.waiting import until


@dataclass(frozen=True)
class Ssh:
    """A server that runs."""

    url: str
    """``ssh://user@127.0.0.1:<port>``; what follows is a path of the machine."""
    folder: Path

    def command(self, key: str = "key", known_hosts: str = "known_hosts") -> str:
        """What ``GIT_SSH_COMMAND`` is to be: nothing of the person's who runs the tests counts."""
        options = {
            "IdentityFile": self.folder / key,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.folder / known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
        }
        words = [f"-o {name}={value}" for name, value in options.items()]
        return " ".join(["ssh", "-F", "/dev/null", *words])


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Ssh]:
    """Run a server with what it needs in ``folder``: ``key`` may come in, ``other`` may not."""
    folder.mkdir(mode=0o700)
    for name in ("host", "key", "other"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
    shutil.copy(folder / "key.pub", folder / "authorized")
    port = free_port()
    host_key = (folder / "host.pub").read_text().split()[:2]
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(host_key)}\n")
    (folder / "nobody_known").touch()
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
    }
    (folder / "config").write_text("".join(f"{k} {v}\n" for k, v in settings.items()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or "sshd"
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, "-D", "-e", "-f", str(folder / "config")], stdout=log, stderr=log
        )
    try:
        _wait_for(port, server, folder / "log")
        yield Ssh(f"ssh://{getpass.getuser()}@127.0.0.1:{port}", folder)
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    def answers() -> bool:
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    until(answers, "the ssh server")
