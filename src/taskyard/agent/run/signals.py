"""How a supervisor hears that it is to stop, in whatever it is doing, and that a child ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

NUMBERS = (signal.SIGTERM, signal.SIGINT)


class Interrupted(BaseException):
    """Raised in the middle of a step. No ordinary handler of errors may swallow it."""


class Ear:
    """Remembers that a signal came, wakes whoever waits, and interrupts a step.

    ``wake`` is a file descriptor that has something to read after each signal.
    """

    def __init__(self) -> None:
        self.called = False
        self.wake, self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._interrupting = False

    def listen(self) -> None:
        """Take over the signals, also one that has been held back until now."""
        for number in NUMBERS:
            signal.signal(number, self._hear)
        signal.signal(signal.SIGCHLD, self._ring)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, NUMBERS)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.called = True
        self._ring(_number, _frame)
        if self._interrupting:
            self._interrupting = False
            raise Interrupted

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        with suppress(BlockingIOError):  # full: it rings loud enough
            os.write(self._bell, b"!")

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Let a signal break off what runs inside. Raises Interrupted, then or at once."""
        if self.called:
            raise Interrupted
        self._interrupting = True
        try:
            yield
        finally:
            self._interrupting = False

    def close(self) -> None:
        """Hold the signals back again: what comes now is not for a run."""
        signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self.wake)
        os.close(self._bell)

    def clear(self) -> None:
        """Forget what woke us; ``called`` stays."""
        with suppress(BlockingIOError):
            os.read(self.wake, 65536)


def forget() -> None:
    """Drop the signals that were held back: they were for a run that is over."""
    while signal.sigtimedwait(NUMBERS, 0):
        pass
