"""GPUs on a machine that has none: a driver's library that tells what a file says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


@dataclass(frozen=True)
class Gpu:
    memory: int = 8192
    """MiB."""
    used: int = 1024
    """MiB."""
    usage: int = 0
    """Percent."""
    temperature: int = 40
    """Degrees Celsius."""
    power: int = 50_000
    """Milliwatts."""
    lost: bool = False
    """It fell off its bus: asking it fails."""


def install(folder: Path) -> Mapping[str, str]:
    """Build the library; gives the variables by which a program takes it for the driver's."""
    library = folder / "libnvidia-ml.so.1"
    warnings = ["-Wall", "-Wextra", "-Werror"]
    words = ["gcc", *warnings, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
    subprocess.run(words, check=True)
    path = [str(folder), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    return {"LD_LIBRARY_PATH": os.pathsep.join(path), "TASKYARD_TEST_GPUS": str(folder / "gpus")}


def set_gpus(folder: Path, gpus: Sequence[Gpu]) -> None:
    """What programs see from now on."""
    lines = [f"{g.memory} {g.used} {g.usage} {g.temperature} {g.power} {g.lost:d}\n" for g in gpus]
    new = folder / "gpus.new"
    new.write_text("".join(lines))
    new.rename(folder / "gpus")
