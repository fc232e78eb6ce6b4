"""One attempt in a container: its steps, its start, and what is cleared away after it."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from taskyard.agent.containers import access, arguments, environment, image, inside, script
from taskyard.agent.containers.arguments import Arguments, Port
from taskyard.agent.containers.builder import Builder
from taskyard.agent.containers.engine import RUN_LABEL, Engine, NoSuchObject, mounts, options
from taskyard.agent.containers.environment import Ready, Wish
from taskyard.agent.containers.image import Facts, Image
from taskyard.agent.containers.ownership import open_to, take_back
from taskyard.agent.containers.watching import Watcher
from taskyard.agent.machine import processes
from taskyard.agent.run import environment as plain
from taskyard.agent.run import folder as folders
from taskyard.agent.run import launch
from taskyard.agent.run import spec as contract
from taskyard.agent.run.signals import Ear
from taskyard.agent.run.spec import NOTEBOOK, Contained, Container, Outcome, RunSpec
from taskyard.agent.run.steps import PRIVATE, Run
from taskyard.api.errors import RunError

TASK_LABEL = "taskyard.task"
PORT_TRIES = 5
_NVIDIA = "/dev/nvidiactl"


def name(folder: Path) -> str:
    """What the container of a run is called."""
    return f"taskyard-{folder.name}"


class Attempt:
    """Carries what one step of an attempt leaves for the next."""

    def __init__(self, run: Run, wanted: Container) -> None:
        self.run, self.wanted = run, wanted
        self.engine = Engine(wanted.engine)
        spec = run.spec.environment
        self.preparation = script.preparation(spec.setup_script, spec.system_packages)
        self._image: Image | None = None
        self._facts: Facts | None = None
        self._arguments = Arguments()
        self._ready: Ready | None = None

    @property
    def prepares(self) -> bool:
        """Whether something is done in the container before the task's own process starts."""
        return bool(self.preparation or (self._ready and self._ready.installs))

    # Steps

    def bring(self, _: Run) -> str:
        """Read the container's arguments, and bring the image here."""
        wanted = self.wanted
        self._arguments = arguments.read(wanted.own_arguments, wanted.arguments, wanted.allowed)
        self._image = image.bring(self.engine, wanted, Path(self.run.spec.cache), self.run.say)
        return f"{wanted.image} ({self._image.id.removeprefix('sha256:')[:12]})"

    def furnish(self, _: Run) -> str:
        """Find or build the Python environment."""
        run, spec = self.run, self.run.spec
        assert self._image is not None
        told = script.create(run.folder)[0]
        settings = access.of_machine(os.environ, run.secrets.index_urls)
        script.write(told / script.PREPARE, self.preparation)
        self._write_variables(settings.variables)
        request, manager = plain.ask(
            msgspec.structs.replace(spec.environment, index_urls=run.secrets.index_urls),
            tree=run.tree,
            working_dir=spec.code.working_dir,
            cache=Path(spec.cache),
            say=run.say,
        )
        named = next(key for key, module in plain.MANAGERS.items() if module is manager)
        with self._builder(settings, installs=named != "image") as builder:
            key = image.key(self._image, self._arguments.user, self.preparation)
            look = functools.partial(builder.look, image.LOOK)
            facts = image.facts(Path(spec.cache), key, look)
            if facts.python is None and named != "image":
                facts = environment.with_python(facts, key, request, builder)
            wish = Wish(spec, self._image, facts, self.preparation, settings)
            ready = environment.prepare(wish, request, named, run.folder / PRIVATE, builder)
        self._facts, self._ready = facts, ready
        run.held = ready.hold
        state = run.state
        state.packages, state.python = ready.packages, ready.version
        state.environment_key = ready.key
        return ready.detail

    def _builder(self, settings: access.Access, *, installs: bool) -> Builder:
        run, cache = self.run, Path(self.run.spec.cache)
        written = cache / environment.BUILDS
        pythons = cache / environment.PYTHONS
        for folder in (written, pythons):
            folder.mkdir(parents=True, exist_ok=True)

        def places() -> list[tuple[str, str, bool]]:
            found = [
                (str(run.tree), inside.CODE, True),
                (str(run.folder / script.FOLDER), inside.RUN, False),
                (str(written), inside.CACHE, True),
                (str(pythons), inside.PYTHONS, True),
                *((str(place), str(place), False) for place in settings.folders),
            ]
            if installs:
                tools = environment.static_uv(cache, run.say)
                found.append((str(tools), os.path.dirname(inside.UV), False))
            return found

        return Builder(
            self.engine,
            self._require_image().reference,
            f"{name(run.folder)}-build",
            run=run.folder,
            arguments=self._arguments.passed,
            places=places,
            preparation=self.preparation,
            say=run.say,
        )

    def _write_variables(self, more: dict[str, str]) -> None:
        run, chosen = self.run, self._arguments
        own = {
            "PYTHONUNBUFFERED": "1",
            "TASKYARD_TASK_ID": run.spec.task,
            "TASKYARD_ATTEMPT": str(run.spec.attempt),
            "TASKYARD_CHECKPOINT_DIR": inside.CHECKPOINTS,
            # The code is another user's than the container's: git would not touch it.
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        inherited = {n: os.environ[n] for n in chosen.inherited if n in os.environ}
        given = {**more, **inherited, **chosen.variables, **run.spec.variables}
        for which in ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"):
            given.pop(which, None)  # the engine gives the container its GPUs, and counts them anew
        text, unfit = script.variables({**given, **run.secrets.variables, **own})
        if unfit:
            run.say(f"no shell takes variables with these names: {', '.join(sorted(unfit))}")
        script.write(run.folder / script.FOLDER / script.VARIABLES, text)

    # The container

    def start(self) -> Contained:
        """Start it. Raises RunError."""
        run, ready, facts = self.run, self._ready, self._facts
        assert ready is not None
        assert facts is not None
        checkpoints = folders.checkpoints(run.spec.cache, run.spec.task)
        checkpoints.mkdir(mode=0o700, parents=True, exist_ok=True)
        places = self._places(checkpoints, ready)
        self._write_start(ready, facts)
        open_to(facts.user, facts.group, [Path(p[0]) for p in places if p[2]])
        contained = Contained(
            name=name(run.folder),
            boot_id=processes.boot_id(),
            console_from=(run.folder / contract.CONSOLE).stat().st_size,
            user=facts.user,
            memory=self._memory(),
        )
        folders.write_contained(run.folder, contained)
        self._run(contained, places)
        contained.started = processes.uptime()
        folders.write_contained(run.folder, contained)
        return contained

    def _places(self, checkpoints: Path, ready: Ready) -> list[tuple[str, str, bool]]:
        run, cache = self.run, Path(self.run.spec.cache)
        settings = access.of_machine(os.environ)
        places = [
            (str(run.tree), inside.CODE, True),
            (str(run.folder / script.FOLDER), inside.RUN, False),
            (str(run.folder / script.REPORT), inside.REPORT, True),
            (str(checkpoints), inside.CHECKPOINTS, True),
            *ready.places,
            *((str(place), str(place), False) for place in settings.folders),
            *_share_mirrors(run.tree),
        ]
        if ready.installs:
            tools = environment.static_uv(cache, run.say)
            places.append((str(tools), os.path.dirname(inside.UV), False))
        return places

    def _write_start(self, ready: Ready, facts: Facts) -> None:
        run, code = self.run, self.run.spec.code
        folder = launch.working_folder(run.tree, code.working_dir)
        seen = Path(inside.CODE) / folder.relative_to(run.tree.resolve())

        def find(program: str) -> str | None:
            if program == "bash" and not facts.bash:
                return None
            return program.replace(str(run.tree.resolve()), inside.CODE)

        argv = launch.command(
            code,
            run.entry_point,
            folder=folder,
            python=Path(ready.python),
            find=find,
            executed=Path(inside.REPORT) / NOTEBOOK,
        )
        told = run.folder / script.FOLDER
        if (here := str(launch.NOTEBOOK_RUNNER)) in argv:
            runner = told / launch.NOTEBOOK_RUNNER.name
            script.write(runner, launch.NOTEBOOK_RUNNER.read_text())
            there = f"{inside.RUN}/{runner.name}"
            argv = [there if word == here else word for word in argv]
        install = f"{inside.UV} pip install --quiet --no-deps --no-cache --python {ready.python}"
        installs = "".join(f"{install} {words}\n" for words in ready.installs)
        script.write(told / script.PREPARE, self.preparation + installs)
        path = list(dict.fromkeys([str(seen), inside.CODE]))
        text = script.start(
            argv, str(seen), binaries=ready.binaries, python_path=path, prepares=self.prepares
        )
        script.write(told / script.START, text)

    def _run(self, contained: Contained, places: list[tuple[str, str, bool]]) -> None:
        run, chosen = self.run, self._arguments
        labels = {RUN_LABEL: str(run.folder), TASK_LABEL: run.spec.task}
        memory = ["--memory", contained.memory] if contained.memory else []
        words = [
            "run", "--detach", "--init", "--name", contained.name,
            "--env", "TINI_KILL_PROCESS_GROUP=1",
            *self._gpus(), *memory, *chosen.passed, *mounts(places), *options("--label", labels),
        ]  # fmt: skip
        command = [self._require_image().id, f"{inside.RUN}/{script.START}"]
        for left in reversed(range(PORT_TRIES)):
            wanted = [] if chosen.on_host_network else chosen.ports
            ports = [(port, _free(port)) for port in wanted]
            try:
                self.engine.ask(*words, *arguments.publish(ports), "--entrypoint", "sh", *command)
            except RunError as error:
                taken = "already allocated" in error.tail or "address already in use" in error.tail
                if not (taken and ports and left):
                    raise
                self.engine.remove(contained.name)
            else:
                self._tell_ports(ports)
                return

    def _tell_ports(self, ports: list[tuple[Port, int]]) -> None:
        """Say which ports were chosen; the container may have written something by now."""
        told = ", ".join(f"{port.inner} is port {outer} of this machine" for port, outer in ports)
        if told:
            self.run.state.phases[-1].detail = f"port {told}"

    def _gpus(self) -> list[str]:
        cards, there = self.run.spec.place.gpus, os.path.exists(_NVIDIA)
        return arguments.gpus(cards, self.wanted.engine, there=there)

    def _memory(self) -> str:
        limit = self.run.spec.limits.memory
        return str(limit) if limit else self._arguments.memory

    def watch(self, contained: Contained, ear: Ear, prepared: Callable[[], None]) -> Outcome:
        """Follow the container to its end."""
        run = self.run
        watcher = Watcher(self.engine, run.folder, contained, run.spec.limits, ear, prepared)
        outcome = watcher.watch()
        shared = [run.tree, run.folder / PRIVATE, run.folder / script.REPORT]
        shared.append(folders.checkpoints(run.spec.cache, run.spec.task))
        if contained.user or os.geteuid():
            with contextlib.suppress(RunError, OSError):
                take_back(
                    self.engine, self.wanted.image, [path for path in shared if path.exists()]
                )
        return outcome

    def started(self, contained: Contained) -> bool:
        """Whether a container that somebody was about to start did so. Raises RunError."""
        if contained.started:
            return True
        try:
            state = self.engine.inspect("container", contained.name)["State"]
        except NoSuchObject:
            return False
        return str(state.get("Status")) != "created"

    def _require_image(self) -> Image:
        assert self._image is not None
        return self._image


def clear_away(folder: Path, spec: RunSpec) -> None:
    """Drop all containers of a run. Raises RunError."""
    if spec.container:
        engine = Engine(spec.container.engine)
        engine.remove(*engine.labelled(f"{RUN_LABEL}={folder}"))


def _free(port: Port) -> int:
    """The machine's port that was asked for when it is free, else any that is."""
    if port.wanted and _can_have(port.address, port.wanted):
        return port.wanted
    with socket.socket() as found:
        found.bind((port.address, 0))
        return int(found.getsockname()[1])


def _can_have(address: str, number: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((address, number))
        except OSError:
            return False
    return True


def _share_mirrors(tree: Path) -> list[tuple[str, str, bool]]:
    """Let the tree's git find, in the container, the objects that it borrows from mirrors.

    Nobody uses git on the tree outside from now on.
    """
    top = tree / ".git" / "objects" / "info" / "alternates"
    found = [top] if top.is_file() else []
    if (tree / ".gitmodules").is_file():
        found = list(tree.rglob(".git/objects/info/alternates"))
    places: dict[str, str] = {}
    for file in found:
        source = file.read_text().strip()
        if os.path.isdir(source):
            seen = places.setdefault(source, f"{inside.MIRRORS}/{len(places)}")
            file.write_text(f"{seen}\n")
    return [(source, seen, False) for source, seen in places.items()]
