"""The machine's NVIDIA GPUs, by its driver. No driver, no GPUs: never an error."""

from __future__ import annotations

import contextlib
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

    uuid: str
    usage: float
    """Percent of the time in which something ran on it."""
    temperature: float
    """Degrees Celsius."""
    power: float
    """Watts."""
    memory_used: float
    """MiB."""
    memory_free: float
    """MiB."""


def list_gpus() -> list[Gpu]:
    """Return the GPUs that answer, in the driver's order."""
    return _each(
        lambda driver, index, handle: Gpu(
            index=index,
            uuid=_text(driver.nvmlDeviceGetUUID(handle)),
            name=_text(driver.nvmlDeviceGetName(handle)),
            memory=driver.nvmlDeviceGetMemoryInfo(handle).total / MIB,
        )
    )


def loads() -> list[Load]:
    """Return the load of each GPU that answers, in the driver's order.

    What a GPU cannot measure is 0.
    """

    def load(driver: Any, index: int, handle: Any) -> Load:
        def measured(read: Callable[[], float]) -> float:
            try:
                return read()
            except driver.NVMLError:  # a slice of a GPU has no usage of its own, for one
                return 0.0

        memory = driver.nvmlDeviceGetMemoryInfo(handle)
        return Load(
            uuid=_text(driver.nvmlDeviceGetUUID(handle)),
            usage=measured(lambda: float(driver.nvmlDeviceGetUtilizationRates(handle).gpu)),
            temperature=measured(
                lambda: float(driver.nvmlDeviceGetTemperature(handle, driver.NVML_TEMPERATURE_GPU))
            ),
            power=measured(lambda: driver.nvmlDeviceGetPowerUsage(handle) / 1000),
            memory_used=memory.used / MIB,
            memory_free=memory.free / MIB,
        )

    return _each(load)


def _each(read: Callable[[Any, int, Any], T]) -> list[T]:
    """Ask the driver for each GPU. One that fell off its bus is left out, and so are all when
    there is no driver."""
    # Loading the driver's library takes a while, and most programs here never ask.
    try:
        driver = importlib.import_module("pynvml")
    except ImportError:
        return []
    found = []
    try:
        driver.nvmlInit()  # counted by the driver: only the first one costs
        for index in range(driver.nvmlDeviceGetCount()):
            with contextlib.suppress(driver.NVMLError):
                found.append(read(driver, index, driver.nvmlDeviceGetHandleByIndex(index)))
    except driver.NVMLError:
        return []
    return found


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
