"""What a run folder holds: the contract between agent and supervisor.

An attempt has one folder, ``<agent data>/runs/<task>.<attempt>/``. The agent writes ``spec.json``
(and ``secrets.json``, mode 0600) and never touches them again; the supervisor writes
``state.json`` and the run's output goes to ``console.log``. The keeper, the process between the
supervisor and the user's, writes ``process.json`` when it starts that one and ``exit.json`` when
that one ends. The agent asks for an end with ``stop.json``. All of them are always replaced
whole, by rename. Whoever starts later, an agent or a person, can tell from these files alone
what happened.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SPEC = "spec.json"
SECRETS = "secrets.json"
STATE = "state.json"
CONSOLE = "console.log"
PROCESS = "process.json"
CONTAINED = "container.json"
EXIT = "exit.json"
STOP = "stop.json"
NOTEBOOK = "executed.ipynb"
"""The notebook with its outputs so far, where a notebook is what the task runs."""
DELIVERED = "delivered"
"""An empty file of the agent's: the server knows all there is to know of this run."""
LOG = "supervisor.log"
"""What the supervisor has to say about itself: empty unless something is wrong with it."""

Phase = Literal["image", "source", "patch", "setup", "environment", "launch"]
"""The steps of an attempt. ``launch`` lasts as long as the user's process. ``image`` is of attempts
in containers, whose ``setup`` comes last but one: it changes the container, not the machine."""


class Code(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where the code comes from: the task's ``script`` section."""

    repository: str = ""
    branch: str = ""
    tag: str = ""
    commit: str = ""
    diff: str = ""
    """A git patch (text, binary and new files), or the whole script when there is no repository."""
    entry_point: str = ""
    working_dir: str = "."
    binary: str = "python"
    arguments: list[str] = []
    """The command line, already filled in with the task's parameters."""


class Environment(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the code needs installed: the task's wishes, and how its agent makes environments."""

    packages: str = ""
    """Recorded requirements, in requirements.txt form. Empty: the repository's own files decide."""
    conda_packages: str = ""
    """Recorded packages of conda, one a line: ``name == version``. Only conda reads them."""
    system_packages: list[str] = []
    """Packages of the operating system (apt)."""
    python: str = ""
    """Version asked for, such as ``3.11``; empty: the agent's own."""
    manager: str = ""
    """The package manager that the task names; empty: the agent or the project's files say."""
    setup_script: str = ""

    # What follows is the agent's own configuration.

    preferred_manager: str = ""
    index_urls: list[str] = []
    """Further indexes, asked before the machine's. They travel in the secrets."""
    offline: bool = False
    repository_first: bool = False
    """Leave recorded packages aside where the repository has a list of its own."""
    priority_packages: list[str] = []
    """Names of packages to install before the rest, where they are asked for at all."""
    post_packages: list[str] = []
    """Names of packages to install after the rest, where they are asked for at all."""
    system_site_packages: bool = False
    """Let the code see what the interpreter has installed itself."""
    python_binary: str = ""
    """Path of the interpreter, whatever version a task asks for."""
    torch_backend: str = ""
    """Which builds of PyTorch to take: ``auto``, ``cpu``, ``cu126``...; empty: the index's own."""
    pip_arguments: list[str] = []
    poetry_version: str = ""
    """As in a requirement: ``>=2,<3``."""
    poetry_arguments: list[str] = []
    conda_channels: list[str] = []
    allow_system_packages: bool = False


class Limits(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Bounds of one attempt; times in seconds."""

    grace: float = 30.0
    """Between the polite signal and the killing one; 0 kills at once."""
    time_limit: float = 0.0
    """How long the user's process may run, preparation not counted; 0: as long as it likes."""
    quiet_limit: float = 0.0
    """How long it may write nothing; 0: as long as it likes."""
    memory: int = 0
    """Bytes that the user's process and all that it starts may use; 0: no limit of its own."""


class Container(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The container in which to run."""

    image: str
    engine: str = "docker"
    """The program to ask: ``docker`` or ``podman``."""
    pull: Literal["missing", "always", "never"] = "missing"
    own_arguments: list[str] = []
    """The agent's arguments for the engine: they pass as they are."""
    arguments: str = ""
    """The task's, or its queue's; only what is harmless or allowed passes."""
    allowed: list[str] = []
    """What the agent's owner allows beyond that."""
    apart: bool = False
    """The Python packages that the image brings are not to be seen."""


class Place(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Where on its machine an attempt runs, and under which name."""

    worker: str = ""
    """The worker of its own as which it is shown; empty: the agent's."""
    gpus: tuple[str, ...] | None = None
    """Ids of the GPUs it may see; None: all there are."""
    share: int = 10_000
    """Ten-thousandths of each of them that it has: others may have the rest."""


class RunSpec(msgspec.Struct, kw_only=True, omit_defaults=True):
    """All the supervisor needs to know to run one attempt."""

    task: str
    attempt: int
    name: str = ""
    code: Code = msgspec.field(default_factory=Code)
    environment: Environment = msgspec.field(default_factory=Environment)
    variables: dict[str, str] = {}
    """Environment variables of the user's process that are no secret."""
    limits: Limits = msgspec.field(default_factory=Limits)
    place: Place = msgspec.field(default_factory=Place)
    container: Container | None = None
    """None: the attempt is a process of the machine."""
    asked_image: str = ""
    """The image that the task names, whether or not this agent runs containers."""
    cache: str
    """Folder of mirrors and environments, shared by the agents of this user on this machine."""


class OwnFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that the agent's owner wants to be there when a task starts."""

    path: str
    """``~`` and variables are filled in."""
    contents: str = ""
    mode: int = 0o600
    overwrite: bool = True


class Secrets(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Kept apart from the spec, readable by the owner only."""

    variables: dict[str, str] = {}
    """Secret environment variables of the user's process (API keys)."""
    git: dict[str, tuple[str, str]] = {}
    """User and password by host, for https remotes."""
    index_urls: list[str] = []
    """Package indexes, which may have passwords in their addresses."""
    files: list[OwnFile] = []
    """Written before the set-up script runs."""


class PhaseState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One step's times, in seconds since the epoch, and what it has to say."""

    name: Phase
    started: float
    ended: float = 0.0
    detail: str = ""


class Outcome(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How the attempt ended."""

    exit_code: int = 0
    """Of the user's process: 128 + signal when a signal ended it; -1 when it never started."""
    cause: str = ""
    """A value of :class:`taskyard.api.errors.Cause`; empty when all went well."""
    message: str = ""
    hint: str = ""


class RunState(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything the supervisor knows, rewritten at each change."""

    supervisor: int = 0
    supervisor_start: float = 0.0
    """Start time of the supervisor as the kernel reports it: tells a recycled pid apart."""
    boot_id: str = ""
    pid: int = 0
    """The user's process and its process group; 0 before launch."""
    pid_start: float = 0.0
    phases: list[PhaseState] = []
    commit: str = ""
    packages: str = ""
    conda_packages: str = ""
    python: str = ""
    environment_key: str = ""
    outcome: Outcome | None = None
    """Set once, when all is over."""


class Process(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Who runs the user's code. Start times are seconds since boot, as the kernel has them."""

    boot_id: str
    keeper: int
    keeper_start: float
    pid: int = 0
    """The user's process, leader of its own session; 0 while it is being started."""
    pid_start: float = 0.0
    console_from: int = 0
    """Size of the console when it started: what follows is its own output."""
    killed_in_group: int = 0
    """How many processes of our control group the kernel had ended for memory by then."""
    killed_in_machine: int = 0
    """The same for the whole machine."""
    memory_group: str = ""
    """Folder of the control group that holds the run's memory limit; empty: nobody but us does."""
    failure: str = ""
    """Why the process could not be started at all."""


class Contained(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The container that runs the user's code."""

    name: str
    boot_id: str
    console_from: int
    """Size of the console when it was started: what follows is its own output."""
    started: float = 0.0
    """Seconds since boot; 0 while it is being started."""
    user: int = 0
    """Number of the user in it."""
    memory: str = ""
    """The limit it has, as the engine was told; empty: none."""


class Exit(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How the user's process ended."""

    code: int = 0
    """As a shell gives it: 128 + signal when a signal ended it."""
    signal: int = 0
    """The signal that ended it; 0 when it left by itself."""
    alone: bool = False
    """Nothing that it had started was left."""
    ended: float
    """Seconds since the epoch."""


class Stop(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A wish that the attempt end. A later one replaces an earlier one."""

    grace: float
    """Seconds between the polite signal and the killing one."""
    cause: str
    """A value of :class:`taskyard.api.errors.Cause`: who wants it."""
    message: str = ""
