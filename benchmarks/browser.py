"""A browser that looks at the page, and what is asked of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright
from tests.web.conftest import FLAGS

PATIENCE = 120_000
"""Milliseconds that anything may take on a busy machine before the benchmark gives up."""

EYES = """
globalThis.eyes = {
  now: () => performance.timeOrigin + performance.now(),
  // The end of the first frame in which `find` finds something: milliseconds since the epoch.
  seen: (find) => new Promise((done) => {
    const look = () => requestAnimationFrame(() =>
      find() ? setTimeout(() => done(eyes.now())) : look());
    look();
  }),
  row: ({ title, selector, text }) => () =>
    (!title || document.querySelector("main h1")?.textContent === title) &&
    [...document.querySelectorAll(selector)].some((e) => !text || e.textContent.includes(text)),
  // What `act` takes until that is seen: milliseconds.
  took: async (act, wanted) => {
    const from = performance.now();
    act();
    return (await eyes.seen(eyes.row(wanted))) - performance.timeOrigin - from;
  },
  go: (path) => {
    history.pushState(null, "", path);
    dispatchEvent(new PopStateEvent("popstate"));
  },
  // The times between the frames while `step` is called once a frame: milliseconds.
  frames: (count, step) => new Promise((done) => {
    const times = [];
    let last = performance.now();
    const next = () => requestAnimationFrame((at) => {
      times.push(at - last);
      last = at;
      if (times.length > count) return done(times.slice(1));
      step?.(times.length);
      next();
    });
    next();
  }),
  // What `act` takes until the last line of `charts` charts is drawn: milliseconds.
  drawn: async (act, charts) => {
    const from = performance.now();
    const lines = eyes.lines;
    act();
    for (let quiet = 0; quiet < 30; quiet++) {
      const before = eyes.lines;
      await new Promise((done) => requestAnimationFrame(done));
      const there = document.querySelectorAll("figure.chart canvas").length >= charts;
      if (!there || eyes.lines === lines || eyes.lines !== before) quiet = 0;
    }
    return eyes.lastLine - from;
  },
  lines: 0, lastLine: 0, longest: 0,
};
const stroke = CanvasRenderingContext2D.prototype.stroke;
CanvasRenderingContext2D.prototype.stroke = function (...path) {
  stroke.apply(this, path);
  eyes.lines += 1;
  eyes.lastLine = performance.now();
};
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) eyes.longest = Math.max(eyes.longest, one.duration);
}).observe({ type: "longtask" });
"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        try:
            yield found
        finally:
            found.close()


@contextlib.contextmanager
def tab(browser: Browser, *, dark: bool = False, first: str = "") -> Iterator[Page]:
    """A tab of somebody who was never here; ``eyes.first`` is when ``first`` is first seen."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="dark" if dark else "light"
    )
    context.set_default_timeout(PATIENCE)
    watch = f"eyes.first = eyes.seen(() => document.querySelector({first!r}));" if first else ""
    context.add_init_script(EYES + watch)
    try:
        yield context.new_page()
    finally:
        context.close()


class Gauge:
    """What a tab costs: its main thread's time and its memory."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        # Time on the processor, not on the clock: other programs do not count.
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy(self) -> float:
        """Seconds that the main thread has worked so far."""
        found: dict[str, Any] = self._session.send("Performance.getMetrics")
        return float(next(m["value"] for m in found["metrics"] if m["name"] == "TaskDuration"))

    def heap(self) -> float:
        """MiB in use after the garbage is collected."""
        self._session.send("HeapProfiler.collectGarbage")
        return float(self._session.send("Runtime.getHeapUsage")["usedSize"]) / 2**20
