"""What the store keeps when attempts race, die and crowd the disk."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import py_compile
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from taskyard.agent.environments import bytecode, store
from taskyard.agent.environments.store import Manifest
from tests.beds.waiting import until

if TYPE_CHECKING:
    from tests.agent.environments.conftest import Machine, Python

KEY = "0123456789abcdef0123456789abcdef"


def _fill(aside: Path, size: int = 10, key: str = KEY) -> Manifest:
    site = aside / store.VENV / "lib"
    site.mkdir(parents=True)
    (site / "module.py").write_bytes(b"#" * size)
    return Manifest(key=key, inputs={}, python="3.11.0", site="lib", packages="")


def _acquire(cache: Path, key: str = KEY, size: int = 10) -> tuple[store.Entry, store.Hold, bool]:
    return store.acquire(cache, key, lambda aside: _fill(aside, size, key), print)


def _racer(cache: Path, start: Any, built: Any) -> None:
    def build(aside: Path) -> Manifest:
        with built.get_lock():
            built.value += 1
        return _fill(aside)

    start.wait()
    store.acquire(cache, KEY, build, print)


def test_racing_processes_build_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start, built = context.Barrier(4), context.Value("i", 0)
    racers = [context.Process(target=_racer, args=(tmp_path, start, built)) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(30)
    assert built.value == 1


def _killed_while_building(cache: Path) -> None:
    context = multiprocessing.get_context("fork")
    inside = context.Event()

    def build(aside: Path) -> Manifest:
        _fill(aside)
        inside.set()
        time.sleep(60)
        raise AssertionError

    builder = context.Process(target=store.acquire, args=(cache, KEY, build, print), daemon=True)
    builder.start()
    assert inside.wait(30)
    assert builder.pid is not None
    os.kill(builder.pid, signal.SIGKILL)
    builder.join(30)


def test_a_killed_build_is_not_taken_for_an_environment(tmp_path: Path) -> None:
    _killed_while_building(tmp_path)
    assert store.list_entries(tmp_path) == []


def test_the_next_attempt_builds_after_a_killed_build(tmp_path: Path) -> None:
    _killed_while_building(tmp_path)
    entry, _, reused = _acquire(tmp_path)
    assert (entry.manifest.key, reused) == (KEY, False)


def test_what_a_killed_build_left_is_swept_by_the_next(tmp_path: Path) -> None:
    _killed_while_building(tmp_path)
    _acquire(tmp_path)
    names = sorted(path.name for path in store.folder(tmp_path).iterdir())
    assert names == [".locks", KEY]


def test_what_a_killed_build_left_is_swept_by_collect(tmp_path: Path) -> None:
    _killed_while_building(tmp_path)
    store.collect(tmp_path, max_bytes=0, min_free=0)
    assert [path.name for path in store.folder(tmp_path).iterdir()] == [".locks"]


def test_a_supervisor_killed_while_uv_works_does_not_spoil_the_next(
    machine: Machine, python: Python
) -> None:
    marker = machine.base / "building"
    machine.write(
        "slow/setup.py",
        "import pathlib, time\nfrom setuptools import setup\n"
        f"marker = pathlib.Path({str(marker)!r})\n"
        "if not marker.exists():\n    marker.touch()\n    time.sleep(60)\n"
        "setup(name='slow', version='1', py_modules=['slow'])\n",
    )
    machine.write("slow/slow.py", "word = 'fine'\n")
    code = (
        "import sys; from pathlib import Path; from taskyard.agent.run.environment import prepare\n"
        "from taskyard.agent.run.spec import Environment\n"
        "tree, cache, private = map(Path, sys.argv[1:])\n"
        "prepare(Environment(packages='./slow'), tree=tree, working_dir='.', cache=cache,"
        " private=private, say=print)\n"
    )
    arguments = [str(machine.tree), str(machine.cache), str(machine.base / "never")]
    victim = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=machine.environ, start_new_session=True
    )
    until(marker.exists, "the build to begin")
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    ready = machine.prepare("./slow")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(victim.pid, signal.SIGKILL)
    assert python(ready, "import slow; print(slow.word)") == "fine"


def test_collect_drops_the_longest_unused_first(tmp_path: Path) -> None:
    for key, used in (("a" * 32, 300), ("b" * 32, 100), ("c" * 32, 200)):
        entry, hold, _ = _acquire(tmp_path, key, size=100)
        hold.release()
        os.utime(entry.path / store.MANIFEST, (used, used))
    assert store.collect(tmp_path, max_bytes=150, min_free=0) == ["b" * 32, "c" * 32]


def test_collect_leaves_what_is_in_use(tmp_path: Path) -> None:
    _acquire(tmp_path, "a" * 32, size=100)
    _, unused, _ = _acquire(tmp_path, "b" * 32, size=100)
    unused.release()
    assert store.collect(tmp_path, max_bytes=1, min_free=0) == ["b" * 32]


def test_collect_makes_room_on_the_disk(tmp_path: Path) -> None:
    _acquire(tmp_path)[1].release()
    assert store.collect(tmp_path, max_bytes=0, min_free=1 << 62) == [KEY]


def test_collect_leaves_all_when_there_is_room(tmp_path: Path) -> None:
    _acquire(tmp_path)[1].release()
    assert store.collect(tmp_path, max_bytes=1000, min_free=1) == []


def test_a_dropped_environment_is_built_again(tmp_path: Path) -> None:
    _acquire(tmp_path)[1].release()
    store.collect(tmp_path, max_bytes=1, min_free=0)
    assert _acquire(tmp_path)[2] is False


def test_an_entry_lists_its_size(tmp_path: Path) -> None:
    _acquire(tmp_path, size=1234)
    assert [entry.manifest.bytes for entry in store.list_entries(tmp_path)] == [1234]


def test_bytecode_of_a_known_package_is_there_when_the_environment_is(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    machine.wheel("two")
    machine.prepare("one")
    machine.settle()
    ready = machine.prepare("one\ntwo")
    site = next(store.folder(machine.cache).glob(f"{ready.key}/venv/lib/*/site-packages"))
    linked = [path for path in site.rglob("one.*.pyc") if path.stat().st_nlink > 2]
    assert len(linked) == 1


def test_an_environment_of_known_packages_needs_no_compiler(machine: Machine) -> None:
    machine.only_own_wheels()
    for name in ("one", "two"):
        machine.wheel(name)
        machine.prepare(name)
    machine.settle()
    entry = store.folder(machine.cache) / machine.prepare("one\ntwo").key
    site = next((entry / store.VENV).glob("lib/*/site-packages"))
    assert (entry / store.COMPILED).exists()
    assert {path.stem.partition(".")[0] for path in site.rglob("*.pyc")} == {"one", "two"}


@pytest.mark.parametrize(("later", "fits"), [(0, True), (10, False)])
def test_bytecode_is_for_sources_of_one_time(tmp_path: Path, later: int, fits: bool) -> None:
    site, tag = tmp_path / "site", sys.implementation.cache_tag
    about = site / "one-1.dist-info"
    about.mkdir(parents=True)
    (about / "RECORD").write_text("one.py,,\n")
    (site / "one.py").write_text("")
    compiled = Path(py_compile.compile(str(site / "one.py"), doraise=True) or "")
    bytecode.save(site, tmp_path, tag)
    compiled.unlink()
    changed = (site / "one.py").stat().st_mtime + later
    os.utime(site / "one.py", (changed, changed))
    assert bytecode.restore(site, tmp_path, tag) is fits
    assert compiled.exists() is fits


def test_bytecode_that_no_environment_uses_is_forgotten(machine: Machine) -> None:
    machine.only_own_wheels()
    machine.wheel("one")
    ready = machine.prepare("one")
    machine.settle()
    ready.hold.release()
    _wait_for_release(machine.cache, ready.key)
    store.collect(machine.cache, max_bytes=1, min_free=0)
    bytecode.collect(machine.cache)
    assert list((machine.cache / "bytecode").glob("*/*")) == []


def _wait_for_release(cache: Path, key: str) -> None:
    """Until the compiler has let the entry go as well."""
    import fcntl

    with (store.folder(cache) / ".locks" / key).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
