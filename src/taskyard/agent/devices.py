"""The GPUs an agent has: chosen by people's words, and claimed for itself on this machine."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from taskyard.agent.machine.gpus import Gpu
from taskyard.api.errors import TaskyardError


def numbers(words: str) -> list[str]:
    """``0,2-3`` as ``0``, ``2``, ``3``; ids of devices stay as they are."""
    found = []
    for word in filter(None, words.split(",")):
        first, dash, last = word.partition("-")
        if dash and first.isdecimal() and last.isdecimal():
            found += [str(number) for number in range(int(first), int(last) + 1)]
        else:
            found.append(word)
    return found


def choose(words: str, present: Sequence[Gpu]) -> list[Gpu]:
    """The GPUs that ``words`` name by number or id, or ``all`` or ``none`` of those present.

    Raises TaskyardError that says what the machine has.
    """
    if words == "none":
        return []
    if words == "all":
        return list(present)
    known = {str(gpu.index): gpu for gpu in present} | {gpu.uuid: gpu for gpu in present}
    missing = [word for word in numbers(words) if word not in known]
    if missing:
        has = ", ".join(f"{gpu.index} ({gpu.name}, {gpu.uuid})" for gpu in present)
        raise TaskyardError(
            f"this machine has no GPU {missing[0]}",
            hint=f"It has {has}." if has else "Its NVIDIA driver shows none: look at `nvidia-smi`.",
        )
    return list(dict.fromkeys(known[word] for word in numbers(words)))


def visible(cards: Sequence[str] | None) -> dict[str, str]:
    """The variables by which programs see these GPUs (ids) only; None for all there are."""
    if cards is None:
        return {}
    if not cards:
        return {"NVIDIA_VISIBLE_DEVICES": "none", "CUDA_VISIBLE_DEVICES": ""}
    named = ",".join(cards)
    return {"NVIDIA_VISIBLE_DEVICES": named, "CUDA_VISIBLE_DEVICES": named}


class Claim:
    """GPUs that no other agent of this machine may have, as long as this process lives.

    Each claim is the name of a socket: the kernel gives a name away once, whoever asks and from
    whatever folder, and takes it back when the process is gone.
    """

    def __init__(self, gpus: Sequence[Gpu]) -> None:
        """Raises TaskyardError that names a GPU which another agent has."""
        self._held: list[socket.socket] = []
        for gpu in gpus:
            held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._held.append(held)
            try:
                held.bind(f"\0taskyard agent {gpu.uuid}")
            except OSError as error:
                self.release()
                raise TaskyardError(
                    f"GPU {gpu.index} ({gpu.uuid}) belongs to another agent of this machine",
                    hint="Name other GPUs with --gpus, or stop that agent: "
                    "taskyard agent daemon --status lists those of this user.",
                ) from error

    def release(self) -> None:
        for held in self._held:
            held.close()
