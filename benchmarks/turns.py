"""Sampling contenders in turn, so that what else the machine does meets all of them alike."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping

Sample = Callable[[], float]


def take(
    contenders: Mapping[str, Sample],
    rounds: int,
    *,
    polled: Mapping[str, Sample] | None = None,
    share: int = 1,
) -> dict[str, list[float]]:
    """Sample every contender once in each of ``rounds``, in an order drawn anew.

    Those that poll and take seconds are sampled in one round of ``share``, each at any moment of
    its rhythm. Gives the samples by contender, the polled ones last.
    """
    slow = polled or {}
    samples: dict[str, list[float]] = {name: [] for name in (*contenders, *slow)}
    for number in range(rounds):
        for name in random.sample(list(contenders), len(contenders)):
            samples[name].append(contenders[name]())
        if number % share == 0:
            for name, sample in slow.items():
                time.sleep(random.uniform(0, 5))
                samples[name].append(sample())
    return samples


def settled(seconds: Sample) -> Sample:
    """A sample in milliseconds that does not pay for what another one wrote to the disk."""

    def milliseconds() -> float:
        os.sync()
        return seconds() * 1e3

    return milliseconds
