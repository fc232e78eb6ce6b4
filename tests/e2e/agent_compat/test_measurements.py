"""What the agent measures on its machine."""

from __future__ import annotations

import time
from pathlib import Path

from tests.beds import nvml
from tests.beds.waiting import until
from tests.e2e.agent_compat.machine import Machine


def measured(machine: Machine, worker: str, key: str) -> dict[str, float]:
    """The highest average of any ten minutes for each GPU, by its number."""
    now = time.time()
    answer = machine.api(
        "workers.get_stats",
        worker_ids=[worker],
        items=[{"key": key, "aggregation": "avg"}],
        from_date=now - 600,
        # The interval that has begun counts when its end is in sight.
        to_date=now + 1200,
        interval=600,
        split_by_resource=True,
    )
    stats = [s for w in answer["workers"] for m in w["metrics"] for s in m["stats"]]
    return {r["name"]: max(r["values"]) for s in stats for r in s["resource_series"]}


def test_a_worker_reports_how_its_gpus_are(machine: Machine, queue: str, tmp_path: Path) -> None:
    driver = tmp_path / "driver"
    driver.mkdir()
    variables = {**nvml.install(driver), "CLEARML_AGENT_STATUS_REPORT_FREQ_SEC": "1"}
    nvml.set_gpus(driver, [nvml.Gpu(usage=usage) for usage in (20, 60, 100)])
    machine.daemon("--queue", queue, "--gpus", "0,1", **variables)
    worker = f"{machine.name}:gpu0,1"
    found = until(lambda: measured(machine, worker, "gpu_usage"), "measurements of both GPUs")
    assert found == {"0": 20, "1": 60}
    assert measured(machine, worker, "gpu_memory_used") == {"0": 1024, "1": 1024}
