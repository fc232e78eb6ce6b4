"""What the clients of a queue have in common: they are told what to do, and time each call.

Says ``ready``. Each line is ``put <count>`` or ``put <name> ...``, or ``take``; the answer is when
it began, when it ended (ns since the epoch), and the microseconds of each task. Imports nothing
but the standard library, as it runs in every environment.
"""

import sys
import time
from collections.abc import Callable, Iterator


def serve(put: Callable[[str], bool], take: Callable[[], bool]) -> None:
    """Serve until there is no more input.

    ``put`` puts one task, whose name it may be told; ``take`` takes one and says whether it could.
    """
    print("ready", flush=True)
    for line in sys.stdin:
        what, *given = line.split()
        names = [""] * int(given[0]) if len(given) == 1 and given[0].isdecimal() else given
        began = time.time_ns()
        steps = [_timed(lambda name=name: put(name)) for name in names]  # type: ignore[misc]
        if what == "take":
            steps = list(_until_false(take))
        print(began, time.time_ns(), *steps, flush=True)


def _until_false(step: Callable[[], bool]) -> Iterator[int]:
    while True:
        before = time.perf_counter_ns()
        if not step():
            return
        yield (time.perf_counter_ns() - before) // 1000


def _timed(step: Callable[[], bool]) -> int:
    before = time.perf_counter_ns()
    step()
    return (time.perf_counter_ns() - before) // 1000
