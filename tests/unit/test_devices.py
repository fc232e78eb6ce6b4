"""Which GPUs an agent gets."""

from __future__ import annotations

import subprocess
import sys
import uuid

import pytest

from taskyard.agent import devices
from taskyard.agent.machine.gpus import Gpu
from taskyard.api.errors import TaskyardError


def machine(count: int) -> list[Gpu]:
    own = uuid.uuid4().hex[:8]
    return [Gpu(index=n, uuid=f"GPU-{own}-{n}", name="H", memory=1024.0) for n in range(count)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [("0", [0]), ("0-2", [0, 1, 2]), ("0,2-3", [0, 2, 3]), ("all", [0, 1, 2, 3]), ("none", [])],
)
def test_gpus_are_named_by_number(words: str, expected: list[int]) -> None:
    assert [gpu.index for gpu in devices.choose(words, machine(4))] == expected


def test_gpus_are_named_by_id() -> None:
    gpus = machine(2)
    assert devices.choose(gpus[1].uuid, gpus) == [gpus[1]]


def test_the_refusal_of_a_gpu_says_what_there_is() -> None:
    with pytest.raises(TaskyardError, match="this machine has no GPU 99") as caught:
        devices.choose("99", machine(2))
    assert "0 (H, GPU-" in caught.value.hint


def test_the_refusal_on_a_machine_without_gpus_says_where_to_look() -> None:
    with pytest.raises(TaskyardError) as caught:
        devices.choose("0", [])
    assert "nvidia-smi" in caught.value.hint


def test_a_gpu_is_claimed_once_whatever_else_is() -> None:
    gpus = machine(3)
    held = devices.Claim(gpus[:2])
    with pytest.raises(TaskyardError, match=f"GPU 1 .*{gpus[1].uuid}.* another agent"):
        devices.Claim(gpus[1:])
    held.release()
    devices.Claim(gpus).release()


def test_a_killed_process_claims_nothing() -> None:
    gpus = machine(1)
    code = (
        "import sys, time; from taskyard.agent.devices import Claim;"
        "from taskyard.agent.machine.gpus import Gpu;"
        "held = Claim([Gpu(0, sys.argv[1], '', 1.0)]); print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, gpus[0].uuid], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(TaskyardError):
            devices.Claim(gpus)
        other.kill()
    devices.Claim(gpus).release()


def test_tasks_see_the_gpus_they_were_given() -> None:
    assert devices.visible(["GPU-1", "GPU-2"])["CUDA_VISIBLE_DEVICES"] == "GPU-1,GPU-2"


def test_tasks_of_an_agent_without_gpus_see_none() -> None:
    assert devices.visible([])["CUDA_VISIBLE_DEVICES"] == ""


def test_nothing_is_hidden_where_nothing_was_asked_for() -> None:
    assert devices.visible(None) == {}
