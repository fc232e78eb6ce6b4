"""The peers: in a virtual environment of their own, pinned by requirements/bench.txt."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.beds.postgres import free_port

from benchmarks.stage import Failed, Stage, plain_environment, program, wait_for

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".cache" / "peers"
PINNED = ROOT / "requirements" / "bench.txt"
PROGRAMS = Path(__file__).resolve().parent / "programs"

Secrets = Mapping[str, str] | None


def install() -> Path:
    """Make the environment when it is missing or out of date; gives its interpreter."""
    stamp = HOME / ".installed"
    wanted = hashlib.sha256(PINNED.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        print("installing the peers", file=sys.stderr, flush=True)
        shutil.rmtree(HOME, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        pip = [str(HOME / "bin" / "pip"), "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(PINNED)], check=True)
        stamp.write_text(wanted)
    return HOME / "bin" / "python"


class Driver:
    """A small program that does one thing a line, and answers by a line."""

    def __init__(
        self, name: str, arguments: Sequence[str], folder: Path, python: Path, secrets: Secrets
    ) -> None:
        self.name = name
        self._log = (folder / f"{name}.log").open("ab")
        self._process = subprocess.Popen(
            [str(python), str(PROGRAMS / f"{name}.py"), *arguments],
            env={**plain_environment(), **(secrets or {})},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            bufsize=1,
        )

    def ask(self, line: str) -> str:
        """Raises Failed when the program dies instead of answering."""
        self.tell(line)
        return self.hear()

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n")

    def hear(self) -> str:
        assert self._process.stdout is not None
        if answer := self._process.stdout.readline().strip():
            return answer
        last = Path(self._log.name).read_text(errors="replace")[-1500:]
        raise Failed(f"{self.name} died\n{last}")

    def close(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


@contextlib.contextmanager
def driver(
    name: str,
    *arguments: str,
    folder: Path,
    python: Path | None = None,
    secrets: Secrets = None,
) -> Iterator[Driver]:
    """Run ``programs/<name>.py`` for the length of the block, in the peers' environment unless
    another ``python`` is given. ``secrets`` are variables for it."""
    found = Driver(name, arguments, folder, python or install(), secrets)
    try:
        yield found
    finally:
        found.close()


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis that flushes every write; gives the address of its database. Raises Failed."""
    if shutil.which("redis-server") is None:
        raise Failed("there is no redis-server: run scripts/setup-bench")
    port = free_port()
    kept = folder / "redis"
    kept.mkdir()
    words = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(kept), "--save", ""]
    words += ["--appendonly", "yes", "--appendfsync", "always"]

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as made:
            made.sendall(b"PING\r\n")
            return made.recv(16).startswith(b"+PONG")
        return False

    with program(["redis-server", *words], plain_environment(), folder / "redis.log"):
        wait_for("redis", answers)
        yield f"redis://127.0.0.1:{port}/0"


def prepare_procrastinate(database: str) -> None:
    """Make Procrastinate's tables in a database."""
    code = (
        "import sys, procrastinate as p; a = p.App(connector=p.SyncPsycopgConnector("
        "conninfo=sys.argv[1])); a.open(); a.schema_manager.apply_schema(); a.close()"
    )
    subprocess.run([str(install()), "-c", code, database], check=True)


@contextlib.contextmanager
def clearml_agent(stage: Stage, queue: str, *, environments: bool = True) -> Iterator[None]:
    """Run a ``clearml-agent`` for one queue of our server, its cache of environments on.

    Without ``environments`` it uses the interpreter as it is and installs nothing.
    """
    home = stage.folder / "clearml-agent"
    home.mkdir()
    keys = stage.profile
    settings = home / "clearml.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f"""
api {{
  api_server: "{keys.url}", web_server: "{keys.url}", files_server: "{keys.url}/files"
  credentials {{ access_key: "{keys.access_key}", secret_key: "{keys.secret_key}" }}
}}
agent {{
  worker_name: "bench", worker_id: "bench:clearml"
  venvs_dir: "{home}/venvs-builds"
  venvs_cache {{ max_entries: 10, free_space_threshold_gb: 0.5, path: "{home}/venvs-cache" }}
  vcs_cache {{ enabled: true, path: "{home}/vcs-cache" }}
  pip_download_cache {{ enabled: true, path: "{home}/pip-cache" }}
}}
"""
    )
    interpreter = install()
    environment = {
        **plain_environment(),
        "HOME": str(home),
        "CLEARML_CONFIG_FILE": str(settings),
        "CLEARML_CACHE_DIR": str(home / "cache"),
        "PATH": f"{interpreter.parent}:{plain_environment().get('PATH', '')}",
    }
    if not environments:
        environment["CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL"] = "1"
    command = [str(interpreter.parent / "clearml-agent"), "daemon", "--foreground"]
    with program([*command, "--queue", queue, "--create-queue"], environment, home / "agent.log"):
        stage.wait_for_worker(queue)
        yield
