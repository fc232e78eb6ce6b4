"""The machine's NVIDIA GPUs, by its driver. No driver, no GPUs: never an error."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

MIB = 1 << 20

T = TypeVar("T")


class Gpu(msgspec.Struct, frozen=True):
    """One GPU as the driver numbers it."""

    index: int
    uuid: str
    name: str
    memory: float
    """MiB in all."""


class Load(msgspec.Struct, frozen=True):
    """What one GPU does right now."""

    usage: float
    """Percent of the time in which something ran on it."""
    temperature: float
    """Degrees Celsius."""
    memory_used: float
    """MiB."""
    memory_free: float
    """MiB."""


def list_gpus() -> list[Gpu]:
    """Return the GPUs in the driver's order."""
    return _each(
        lambda driver, index, handle: Gpu(
            index=index,
            uuid=_text(driver.nvmlDeviceGetUUID(handle)),
            name=_text(driver.nvmlDeviceGetName(handle)),
            memory=driver.nvmlDeviceGetMemoryInfo(handle).total / MIB,
        )
    )


def loads() -> list[Load]:
    """Return each GPU's load, in the driver's order. What a GPU cannot measure is 0."""

    def load(driver: Any, index: int, handle: Any) -> Load:
        def measured(read: Callable[[], float]) -> float:
            try:
                return read()
            except driver.NVMLError:  # a slice of a GPU has no usage of its own, for one
                return 0.0

        memory = driver.nvmlDeviceGetMemoryInfo(handle)
        return Load(
            usage=measured(lambda: float(driver.nvmlDeviceGetUtilizationRates(handle).gpu)),
            temperature=measured(
                lambda: float(driver.nvmlDeviceGetTemperature(handle, driver.NVML_TEMPERATURE_GPU))
            ),
            memory_used=memory.used / MIB,
            memory_free=memory.free / MIB,
        )

    return _each(load)


def _each(read: Callable[[Any, int, Any], T]) -> list[T]:
    """Ask the driver for each GPU; nothing when there is none, or when it fails in between."""
    # Loading the driver's library takes a while, and most programs here never ask.
    try:
        driver = importlib.import_module("pynvml")
    except ImportError:
        return []
    try:
        driver.nvmlInit()  # counted by the driver: only the first one costs
        count = driver.nvmlDeviceGetCount()
        return [read(driver, i, driver.nvmlDeviceGetHandleByIndex(i)) for i in range(count)]
    except driver.NVMLError:
        return []


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
