"""What is remembered of announcements, for those who were looking at something just then."""

from __future__ import annotations

import pytest

from taskyard.server import signals
from taskyard.server.signals import EVERYTHING, Signals


def test_what_was_announced_since_a_moment_is_known() -> None:
    heard = Signals()
    before = heard.moment
    heard.announce(["queue:a"])
    assert heard.announced({"queue:a", "queue:b"}, before)


def test_what_was_announced_before_a_moment_is_over() -> None:
    heard = Signals()
    heard.announce(["queue:a"])
    assert not heard.announced({"queue:a"}, heard.moment)


def test_other_topics_do_not_count() -> None:
    heard = Signals()
    before = heard.moment
    heard.announce(["queue:a"])
    assert not heard.announced({"queue:b"}, before)


def test_everything_is_every_topic() -> None:
    heard = Signals()
    before = heard.moment
    heard.announce([EVERYTHING])
    assert heard.announced({"queue:a"}, before)
    assert not heard.announced({"queue:a"}, heard.moment)


def test_what_was_forgotten_counts_as_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "REMEMBERED", 2)
    heard = Signals()
    before = heard.moment
    heard.announce(["queue:a", "queue:b", "queue:c"])
    assert heard.announced({"queue:a"}, before)
    assert not heard.announced({"queue:a"}, heard.moment)
