"""How busy the machine is, in the names and units that workers report.

Memory is in MiB, traffic of disks and network in MiB a second, usage in percent, temperatures in
degrees Celsius, power in watts, and free disk space, as clients of the protocol expect it, in
percent of the disk.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil

from taskyard.agent.machine import gpus, processes
from taskyard.agent.machine.gpus import MIB

Stats = dict[str, float | list[float]]


class Counters(NamedTuple):
    """What the kernel counts up: two of these make rates."""

    at: float
    """Monotonic seconds."""
    cpus: list[tuple[float, float]]
    """Busy and all seconds of each core."""
    sent: int
    received: int
    read: int
    written: int


class Sampler:
    """Takes samples; the rates in one are averages since the one before it."""

    def __init__(self, cards: Sequence[str] | None = None) -> None:
        """``cards``: the ids of the GPUs to look at, instead of all."""
        self._before = count()
        self._cards = cards
        self._has_gpus = bool(gpus.list_gpus())

    def sample(self) -> Stats:
        """Return the machine's load now. Keys of what the machine lacks are left out."""
        now = count()
        stats = rates(self._before, now) | _levels()
        self._before = now
        if self._has_gpus:
            stats |= gpu_stats(gpus.loads(), self._cards)
        return {key: _rounded(value) for key, value in stats.items()}


def hardware(cards: Sequence[str] | None = None) -> dict[str, Any]:
    """What the machine has, for people: cores, MiB of memory, and the GPUs in the order in which
    their load is reported (those of these ids; all when ``cards`` does not name some)."""
    present = [gpu for gpu in gpus.list_gpus() if cards is None or gpu.uuid in cards]
    return {
        "host": socket.gethostname(),
        "cpus": psutil.cpu_count() or 1,
        "memory": round(psutil.virtual_memory().total / MIB),
        "gpus": [
            {"id": gpu.uuid, "index": gpu.index, "name": gpu.name, "memory": round(gpu.memory)}
            for gpu in present
        ],
    }


class TreeUse(msgspec.Struct, frozen=True):
    """What a process and all its descendants use together."""

    cpu_seconds: float = 0.0
    """Processor time so far of those that live now."""
    memory: float = 0.0
    """MiB resident; what processes share is counted for each."""
    processes: int = 0


def process_tree(pid: int) -> TreeUse:
    """Add up a process and its descendants; all zero when it is gone."""
    seconds, memory, number = 0.0, 0.0, 0
    for member in [pid, *processes.descendants(pid)]:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(member)
            with process.oneshot():
                times = process.cpu_times()
                memory += process.memory_info().rss / MIB
            seconds += times.user + times.system
            number += 1
    return TreeUse(cpu_seconds=seconds, memory=memory, processes=number)


class TreeSampler:
    """Takes samples of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        self._before = process_tree(pid)
        self._at = time.monotonic()

    def sample(self, pid: int) -> Stats:
        """Return their load since the last sample: the processors in percent of one of them.

        It is no less than nothing: what a process that ended used counts no more.
        """
        now, use = time.monotonic(), process_tree(pid)
        seconds = max(now - self._at, 1e-3)
        usage = 100 * max(0.0, use.cpu_seconds - self._before.cpu_seconds) / seconds
        self._at, self._before = now, use
        return {"cpu_usage": round(usage, 3), "memory_used": round(use.memory, 3)}


def count() -> Counters:
    """Read the kernel's counters."""
    network = psutil.net_io_counters()
    disk = psutil.disk_io_counters()
    return Counters(
        at=time.monotonic(),
        cpus=[_busy(times) for times in psutil.cpu_times(percpu=True)],
        sent=network.bytes_sent if network else 0,
        received=network.bytes_recv if network else 0,
        read=disk.read_bytes if disk else 0,
        written=disk.write_bytes if disk else 0,
    )


def rates(before: Counters, now: Counters) -> Stats:
    """Return what happened between two readings, per second or in percent. Pure."""
    seconds = max(now.at - before.at, 1e-3)

    def rate(earlier: int, later: int) -> float:
        return max(0, later - earlier) / MIB / seconds  # counters restart with their device

    usage: list[float] = []
    for (busy_before, all_before), (busy, whole) in zip(before.cpus, now.cpus, strict=False):
        passed = whole - all_before
        share = (busy - busy_before) / passed if passed > 0 else 0.0
        usage.append(100 * min(1.0, max(0.0, share)))
    return {
        "cpu_usage": usage,
        "network_tx": rate(before.sent, now.sent),
        "network_rx": rate(before.received, now.received),
        "disk_read": rate(before.read, now.read),
        "disk_write": rate(before.written, now.written),
    }


def _levels() -> Stats:
    memory = psutil.virtual_memory()
    stats: Stats = {
        "memory_used": memory.used / MIB,
        "memory_free": memory.available / MIB,
    }
    for key, place in (
        ("disk_free_home", str(Path.home())),
        ("disk_free_temp", tempfile.gettempdir()),
    ):
        with contextlib.suppress(OSError):
            stats[key] = 100 - psutil.disk_usage(place).percent
    if temperatures := _cpu_temperatures():
        stats["cpu_temperature"] = temperatures
    return stats


def _cpu_temperatures() -> list[float]:
    """Return one temperature a processor package, where the machine has sensors for it."""
    sensors = psutil.sensors_temperatures()
    found: list[Any] = next(
        (sensors[name] for name in ("coretemp", "k10temp", "zenpower") if name in sensors), []
    )
    packages = [s.current for s in found if s.label.startswith(("Package", "Tctl"))]
    return packages or [s.current for s in found]


def gpu_stats(loads: list[gpus.Load], cards: Sequence[str] | None = None) -> Stats:
    """Return what these GPUs do, one number each; of all when ``cards`` does not name some."""
    loads = [load for load in loads if cards is None or load.uuid in cards]
    if not loads:
        return {}
    return {
        "gpu_usage": [load.usage for load in loads],
        "gpu_temperature": [load.temperature for load in loads],
        "gpu_power": [load.power for load in loads],
        "gpu_memory_used": [load.memory_used for load in loads],
        "gpu_memory_free": [load.memory_free for load in loads],
    }


def _busy(times: object) -> tuple[float, float]:
    fields = times._asdict()  # type: ignore[attr-defined]
    # Time of guests is counted in user time as well.
    whole = sum(fields.values()) - fields.get("guest", 0.0) - fields.get("guest_nice", 0.0)
    return whole - fields["idle"] - fields.get("iowait", 0.0), whole


def _rounded(value: float | list[float]) -> float | list[float]:
    return [round(v, 3) for v in value] if isinstance(value, list) else round(value, 3)
