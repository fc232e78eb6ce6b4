"""What the agent can tell about its machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from taskyard.agent.machine import gpus, memory, metrics, processes
from taskyard.agent.machine.memory import Kills
from taskyard.agent.machine.metrics import Counters

MIB = 1 << 20
FOREVER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(FOREVER)
    yield process
    process.kill()
    process.wait()


class TestProcesses:
    def test_a_process_is_alive_under_its_own_start_time_only(
        self, sleeper: subprocess.Popen[bytes]
    ) -> None:
        start = processes.start_time(sleeper.pid)
        assert processes.alive(sleeper.pid, start)
        assert not processes.alive(sleeper.pid, start + 1)

    def test_a_zombie_is_not_alive(self, sleeper: subprocess.Popen[bytes]) -> None:
        start = processes.start_time(sleeper.pid)
        sleeper.kill()
        assert processes.wait(sleeper.pid, start, 30)
        assert processes.start_time(sleeper.pid) == start
        assert not processes.alive(sleeper.pid, start)

    def test_start_times_are_on_the_clock_of_uptime(self) -> None:
        assert 0 < processes.start_time(os.getpid()) < processes.uptime()

    def test_waiting_ends_with_the_time_given(self, sleeper: subprocess.Popen[bytes]) -> None:
        assert not processes.wait(sleeper.pid, processes.start_time(sleeper.pid), 0.01)

    def test_waiting_is_broken_off_by_the_wake(self, sleeper: subprocess.Popen[bytes]) -> None:
        reader, writer = os.pipe()
        os.write(writer, b"!")
        start = processes.start_time(sleeper.pid)
        assert not processes.wait(sleeper.pid, start, None, wake=reader)
        os.close(reader)
        os.close(writer)

    def test_a_kernel_that_gives_no_handles_is_asked_again_and_again(
        self, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(pid: int) -> int:
            raise OSError(38, "Function not implemented")

        monkeypatch.setattr(os, "pidfd_open", refuse)
        start = processes.start_time(sleeper.pid)
        assert not processes.wait(sleeper.pid, start, 0.01)
        sleeper.kill()
        assert processes.wait(sleeper.pid, start, 30)

    def test_descendants_are_found_over_sessions(self) -> None:
        nest = (
            "import subprocess, sys\n"
            "p = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
            "print(p.pid, flush=True); p.wait()"
        )
        outer = subprocess.Popen([sys.executable, "-c", nest], stdout=subprocess.PIPE)
        assert outer.stdout is not None
        inner = int(outer.stdout.readline())
        found = processes.descendants(os.getpid())
        processes.send([inner], signal.SIGKILL)
        outer.communicate()
        assert {outer.pid, inner} <= set(found)

    def test_the_group_of_a_number_that_is_another_processes_now_is_empty(self) -> None:
        leader = subprocess.Popen(FOREVER, start_new_session=True)
        try:
            assert processes.group(leader.pid, start=1.0) == []
        finally:
            leader.kill()
            leader.wait()


class TestMemory:
    def test_version_2_counts_are_read_from_the_own_group(self, tmp_path: Path) -> None:
        _machine(tmp_path, cgroup="0::/jobs/a\n", vmstat="oom_kill 7\n")
        group = tmp_path / "sys/fs/cgroup/jobs/a"
        group.mkdir(parents=True)
        (group / "memory.events").write_text("low 0\noom 5\noom_kill 4\n")
        (group / "memory.max").write_text("1073741824\n")
        assert memory.kills(tmp_path) == Kills(in_group=4, in_machine=7)
        assert memory.limit(tmp_path) == 1 << 30

    def test_version_1_counts_are_read_from_the_memory_controller(self, tmp_path: Path) -> None:
        _machine(tmp_path, cgroup="5:cpu:/x\n4:memory:/jobs/a\n", vmstat="")
        group = tmp_path / "sys/fs/cgroup/memory/jobs/a"
        group.mkdir(parents=True)
        (group / "memory.oom_control").write_text("under_oom 0\noom_kill 2\n")
        (group / "memory.limit_in_bytes").write_text("9223372036854771712\n")
        assert memory.kills(tmp_path).in_group == 2
        assert memory.limit(tmp_path) == 0

    def test_in_a_container_the_own_group_is_mounted_at_the_top(self, tmp_path: Path) -> None:
        _machine(tmp_path, cgroup="4:memory:/docker/abc\n", vmstat="")
        (tmp_path / "sys/fs/cgroup/memory").mkdir(parents=True)
        (tmp_path / "sys/fs/cgroup/memory/memory.oom_control").write_text("oom_kill 1\n")
        assert memory.kills(tmp_path).in_group == 1

    def test_a_machine_that_tells_nothing_counts_nothing(self, tmp_path: Path) -> None:
        assert memory.kills(tmp_path) == Kills()

    def test_the_kernels_log_names_whom_it_ended(self, tmp_path: Path) -> None:
        log = tmp_path / "kmsg"
        log.write_text("3,9,1,-;Out of memory: Killed process 4321 (python) total-vm:1kB\n")
        assert memory.named_by_kernel(4321, log)
        assert not memory.named_by_kernel(432, log)


def _machine(root: Path, *, cgroup: str, vmstat: str) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    (root / "proc/vmstat").write_text(vmstat)


class TestMetrics:
    def test_rates_are_per_second_between_two_readings(self) -> None:
        before = Counters(10.0, [(1.0, 10.0), (5.0, 10.0)], 0, MIB, 2 * MIB, 0)
        now = Counters(12.0, [(2.0, 12.0), (5.0, 12.0)], MIB, 5 * MIB, 2 * MIB, 3 * MIB)
        assert metrics.rates(before, now) == {
            "cpu_usage": [50.0, 0.0],
            "network_tx": 0.5,
            "network_rx": 2.0,
            "disk_read": 0.0,
            "disk_write": 1.5,
        }

    def test_a_counter_that_restarts_is_no_negative_rate(self) -> None:
        before = Counters(10.0, [], 5 * MIB, 0, 0, 0)
        now = Counters(11.0, [], 0, 0, 0, 0)
        assert metrics.rates(before, now)["network_tx"] == 0.0

    @pytest.mark.usefixtures("no_gpus")
    def test_a_sample_has_the_protocols_names(self) -> None:
        stats = metrics.Sampler().sample()
        assert set(stats) - {"cpu_temperature"} == {
            "cpu_usage", "memory_used", "memory_free", "network_tx", "network_rx",
            "disk_free_home", "disk_free_temp", "disk_read", "disk_write",
        }  # fmt: skip

    @pytest.mark.usefixtures("no_gpus")
    def test_there_is_one_processor_usage_a_core(self) -> None:
        usage = metrics.Sampler().sample()["cpu_usage"]
        assert isinstance(usage, list)
        assert len(usage) == os.cpu_count()

    @pytest.mark.usefixtures("no_gpus")
    def test_free_disk_is_a_share_and_memory_is_in_mebibytes(self) -> None:
        stats = metrics.Sampler().sample()
        free, total = stats["memory_free"], os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        assert isinstance(free, float)
        assert 1 < free <= total / MIB
        assert isinstance(stats["disk_free_home"], float)
        assert 0 <= stats["disk_free_home"] <= 100

    def test_a_busy_process_tree_is_seen_working(self) -> None:
        code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
        process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        deadline = time.monotonic() + 30
        use = metrics.process_tree(process.pid)
        while use.cpu_seconds < 0.3 or use.processes < 2:
            assert time.monotonic() < deadline
            use = metrics.process_tree(process.pid)
        processes.send_group(process.pid, signal.SIGKILL)
        process.wait()
        assert use.memory > 5

    def test_a_process_that_is_gone_uses_nothing(self, sleeper: subprocess.Popen[bytes]) -> None:
        sleeper.kill()
        sleeper.wait()
        assert metrics.process_tree(sleeper.pid) == metrics.TreeUse()

    def test_the_load_of_a_tree_is_never_negative(self) -> None:
        sampler = metrics.TreeSampler(os.getpid())
        sampler.sample(os.getpid())
        assert sampler.sample(0) == {"cpu_usage": 0.0, "memory_used": 0.0}


class TestGpus:
    @pytest.mark.usefixtures("no_gpus")
    def test_no_driver_means_no_gpus(self) -> None:
        assert gpus.list_gpus() == []

    @pytest.mark.usefixtures("two_gpus")
    def test_gpus_come_in_the_drivers_order(self) -> None:
        assert [(g.index, g.uuid, g.memory) for g in gpus.list_gpus()] == [
            (0, "GPU-0", 1024.0),
            (1, "GPU-1", 1024.0),
        ]

    @pytest.mark.usefixtures("two_gpus")
    def test_loads_are_reported_as_lists_one_value_a_gpu(self) -> None:
        stats = metrics.Sampler().sample()
        assert {key: value for key, value in stats.items() if key.startswith("gpu")} == {
            "gpu_usage": [50.0, 0.0],
            "gpu_temperature": [40.0, 41.0],
            "gpu_power": [75.0, 75.0],
            "gpu_memory_used": [256.0, 256.0],
            "gpu_memory_free": [768.0, 768.0],
        }

    def test_a_lost_gpu_is_left_out_and_the_others_are_not(
        self, two_gpus: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def find(index: int) -> int:
            if index == 0:
                raise _DriverError
            return index

        monkeypatch.setattr(two_gpus, "nvmlDeviceGetHandleByIndex", find)
        assert [gpu.uuid for gpu in gpus.list_gpus()] == ["GPU-1"]
        assert [load.uuid for load in gpus.loads()] == ["GPU-1"]

    @pytest.mark.usefixtures("two_gpus")
    def test_an_agent_reports_its_own_gpus_only(self) -> None:
        assert metrics.gpu_stats(gpus.loads(), ["GPU-1"])["gpu_temperature"] == [41.0]


class _DriverError(Exception):
    pass


@pytest.fixture
def no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = ModuleType("pynvml")

    def refuse() -> None:
        raise _DriverError

    driver.__dict__.update(NVMLError=_DriverError, nvmlInit=refuse)
    monkeypatch.setitem(sys.modules, "pynvml", driver)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A driver of two GPUs, of which the second cannot measure its usage."""
    driver = ModuleType("pynvml")

    def usage(handle: int) -> SimpleNamespace:
        if handle == 1:
            raise _DriverError
        return SimpleNamespace(gpu=50)

    driver.__dict__.update(
        NVMLError=_DriverError,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetUUID=lambda handle: f"GPU-{handle}",
        nvmlDeviceGetName=lambda _: b"Accelerator",
        nvmlDeviceGetMemoryInfo=lambda _: SimpleNamespace(
            total=1024 * MIB, used=256 * MIB, free=768 * MIB
        ),
        nvmlDeviceGetUtilizationRates=usage,
        nvmlDeviceGetTemperature=lambda handle, _: 40 + handle,
        nvmlDeviceGetPowerUsage=lambda _: 75_000,
    )
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    return driver
