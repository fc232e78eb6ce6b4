"""The page in a real browser, against its budgets: what it weighs, and how soon one sees what."""

from __future__ import annotations

import gzip
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import Browser, Page
from tests.web.conftest import barriers

import taskyard.server
from benchmarks import stage
from benchmarks.browser import Gauge, chromium, tab
from benchmarks.figures import Measure
from benchmarks.stage import Failed, Stage

BUILT = Path(taskyard.server.__file__).parent / "ui"
CHARTS = "plot-"
"""How the name of the part begins that draws charts, which is loaded when one is shown."""

WORKERS = 1_000
UPDATES = 100
"""Of workers a second, and how long they are watched, in seconds."""
WATCHED = 60
LINES = 100_000
FOLLOWED = 10
"""Seconds in which a thousand lines each are added."""
POINTS = 100_000
CURVES = 4
WAITING = 10_000
START = 1_790_000_000_000

PAGES = {
    "Overview": ("/", "main .card a"),
    "Tasks": ("/tasks", "main tbody a"),
    "Queues": ("/queues", "main tbody a"),
    "Workers": ("/workers", "main tbody a"),
}
"""By title: where it is, and what is seen when it is useful."""

Samples = list[float]
Send = Callable[[bytes], None]


def run(folder: Path, rounds: int) -> list[Measure]:
    """Sample each budget ``rounds`` times, but what is watched for long once."""
    if not (BUILT / "index.html").is_file():
        raise Failed("the page is not built: run web/build.py")
    found = [*weights()]
    with stage.server(folder) as running, chromium() as browser:
        tasks = _few_tasks(running)
        found += _arrivals(browser, running, rounds)
        found.append(_events(browser, running, tasks))
        found += _console(browser, running, tasks[0], rounds)
        found += _curves(browser, running, tasks[1], rounds)
        found.append(_accessible(browser, running, tasks[0]))
        found += _queue(browser, running, rounds)
        found += _fleet(browser, running)
    return found


def _measure(what: str, unit: str, samples: Samples, **budget: float) -> Measure:
    return Measure(
        benchmark="page", what=what, unit=unit, budget=budget, samples={"Taskyard": samples}
    )


# What it weighs


def weights() -> list[Measure]:
    """KB of what is built: as it is sent, and as it lies in a wheel."""
    files = [file for file in BUILT.rglob("*") if file.is_file()]
    code = sum(
        len(gzip.compress(file.read_bytes(), 9)) for file in files if file.suffix in {".js", ".css"}
    )
    wheel = sum(len(zlib.compress(file.read_bytes(), 6)) for file in files)
    return [
        _measure("all scripts and styles, compressed", "KB", [code / 1000], p50=230),
        _measure("what a wheel has more", "KB", [wheel / 1000], p50=450),
    ]


# How soon it is there


def _few_tasks(running: Stage) -> list[str]:
    """Tasks, one worker and what a page of a small team shows."""
    tasks = [running.create_task(f"training {n}", {}) for n in range(60)]
    running.api.raw("queues.create", {"name": "default queue"})
    running.api.raw("workers.register", {"worker": "gpu00:0"})
    for task in tasks[:20]:
        running.api.raw("tasks.started", {"task": task})
    return tasks


def _arrivals(browser: Browser, running: Stage, rounds: int) -> list[Measure]:
    cold: Samples = []
    worked: Samples = []
    first: Samples = []
    again: Samples = []
    scripts = 0.0
    for _ in range(rounds):
        with tab(browser, first="main .card a") as page:
            gauge = Gauge(page)
            before = gauge.busy()
            page.goto(running.profile.url, wait_until="commit")
            cold.append(page.evaluate("eyes.first.then((at) => at - performance.timeOrigin)"))
            worked.append((gauge.busy() - before) * 1000)
            page.wait_for_load_state("load")
            scripts = page.evaluate(
                """(charts) => performance.getEntriesByType("resource")
                  .filter(({ name }) => name.endsWith(".js") && !name.includes(charts))
                  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)""",
                f"/{CHARTS}",
            )
            _settle(page)
            for samples in (first, again):
                for title in ("Tasks", "Queues", "Workers", "Overview"):
                    samples.append(_visit(page, title))
    return [
        _measure("scripts of the first page", "KB", [scripts / 1000], p50=60),
        _measure("first useful paint, cold", "ms", cold, p50=400),
        _measure("the main thread's work until then, on the processor", "ms", worked),
        _measure("to another page, for the first time", "ms", first, p50=100),
        _measure("to another page", "ms", again, p50=100),
    ]


def _visit(page: Page, title: str) -> float:
    path, selector = PAGES[title]
    took: float = page.evaluate(
        """([path, wanted]) => eyes.took(
          () => document.querySelector(`nav a[href="${path}"]`).click(), wanted)""",
        [path, {"title": title, "selector": selector}],
    )
    return took


def _settle(page: Page) -> None:
    """Let what a page does after its arrival be over: its connection stands."""
    page.wait_for_function("() => document.body.textContent.includes('Live')")


def _events(browser: Browser, running: Stage, tasks: list[str]) -> Measure:
    """From an agent's word that a task runs, to the row that says so."""
    took: Samples = []
    with tab(browser) as page:
        page.goto(f"{running.profile.url}/tasks")
        _settle(page)
        for task in tasks[20:50]:
            name = f"started {task[:6]}"
            running.api.raw("tasks.update", {"task": task, "name": name})
            wanted = {"selector": "main tbody tr", "text": name}
            page.evaluate("async (wanted) => { await eyes.seen(eyes.row(wanted)); }", wanted)
            time.sleep(random.uniform(0.3, 0.6))
            page.evaluate(
                """(name) => { eyes.next = eyes.seen(() =>
                  [...document.querySelectorAll("main tbody tr")].some((row) =>
                    row.textContent.includes(name) && row.textContent.includes("Running"))); }""",
                name,
            )
            began = time.time() * 1000
            running.api.raw("tasks.started", {"task": task})
            took.append(page.evaluate("eyes.next") - began)
    return _measure("from an event to the row that shows it", "ms", took, p50=150, p99=500)


# Much of everything


def _console(browser: Browser, running: Stage, task: str, rounds: int) -> list[Measure]:
    send = stage.sender(running)
    _lines(send, task, 0, LINES)
    opened: Samples = []
    frames: Samples = []
    summary = f"{running.profile.url}/tasks/{task}"
    wanted = {"selector": ".console-row", "text": f"step {LINES - 1} "}
    for _ in range(rounds):
        with tab(browser) as page:
            page.goto(summary)
            _settle(page)
            opened.append(
                page.evaluate(
                    "([path, wanted]) => eyes.took(() => eyes.go(path), wanted)",
                    [f"/tasks/{task}/console", wanted],
                )
            )
            frames += page.evaluate(
                """() => { const box = document.querySelector(".console-lines");
                  return eyes.frames(200, () => { box.scrollTop -= 540; }); }"""
            )
    with tab(browser) as page:
        page.goto(f"{summary}/console")
        _settle(page)
        page.evaluate("async (wanted) => { await eyes.seen(eyes.row(wanted)); }", wanted)
        page.evaluate("() => { eyes.followed = eyes.frames(60 * 9); }")
        for second in range(FOLLOWED * 10):
            due = time.monotonic() + 0.1
            _lines(send, task, LINES + 100 * second, 100)
            time.sleep(max(0, due - time.monotonic()))
        followed = page.evaluate("eyes.followed")
        last = {"selector": ".console-row", "text": f"step {LINES + 1000 * FOLLOWED - 1} "}
        page.evaluate("async (wanted) => { await eyes.seen(eyes.row(wanted)); }", last)
    return [
        _measure("opening a console of 100,000 lines", "ms", opened, p50=250),
        _measure("a frame while it is scrolled", "ms", frames, p99=25),
        _measure("a frame while it grows by 1,000 lines/s", "ms", followed, max=50),
    ]


def _lines(send: Send, task: str, first: int, count: int) -> None:
    for start in range(first, first + count, 1_000):
        numbers = range(start, min(start + 1_000, first + count))
        requests = [
            {
                "type": "log",
                "task": task,
                "timestamp": START + n,
                "worker": "gpu00:0",
                "msg": f"epoch {n // 500} step {n} loss 0.{n % 9973:04} lr 0.0003 and some more",
            }
            for n in numbers
        ]
        send(b"\n".join(msgspec.json.encode(request) for request in requests))


def _curves(browser: Browser, running: Stage, task: str, rounds: int) -> list[Measure]:
    chance = random.Random(1)
    send = stage.sender(running)
    for metric in range(CURVES):
        for start in range(0, POINTS, 2_000):
            requests = [
                {
                    "type": "training_stats_scalar",
                    "task": task,
                    "metric": f"loss{metric}",
                    "variant": "train",
                    "iter": n,
                    "timestamp": START + 37 * n,
                    "value": chance.random() + 1000 / (n + 100),
                    "worker": "gpu00:0",
                }
                for n in range(start, start + 2_000)
            ]
            send(b"\n".join(msgspec.json.encode(request) for request in requests))
    first: Samples = []
    redrawn: Samples = []
    for _ in range(rounds):
        with tab(browser) as page:
            page.goto(f"{running.profile.url}/tasks/{task}")
            _settle(page)
            act = "([path, charts]) => eyes.drawn(() => eyes.go(path), charts)"
            path = f"/tasks/{task}/scalars"
            first.append(page.evaluate(act, [path, CURVES]))
            for amount in ("0.5", "0.8", "0.9"):
                redrawn.append(
                    page.evaluate(
                        """([amount, charts]) => eyes.drawn(() => {
                          const range = document.querySelector("main input[type=range]");
                          range.value = amount;
                          range.dispatchEvent(new Event("input", { bubbles: true }));
                        }, charts)""",
                        [amount, CURVES],
                    )
                )
    return [
        _measure("drawing 4 curves of 100,000 points, read and all", "ms", first, p50=150),
        _measure("drawing them again, smoothed", "ms", redrawn, p50=50),
    ]


def _queue(browser: Browser, running: Stage, rounds: int) -> list[Measure]:
    queue = str(running.api.raw("queues.create", {"name": "long"})["id"])
    with _callers(running) as call:
        made = call(
            "tasks.create", [{"name": f"wait {n}", "type": "training"} for n in range(WAITING)]
        )
    tasks = [str(task["id"]) for task in made]
    for start in range(0, WAITING, 500):
        running.api.raw("tasks.enqueue_many", {"ids": tasks[start : start + 500], "queue": queue})
    opened: Samples = []
    rows = {"selector": f"[role=grid][aria-rowcount='{WAITING + 1}'] tbody a", "text": "wait"}
    for _ in range(rounds):
        with tab(browser) as page:
            page.goto(f"{running.profile.url}/queues")
            _settle(page)
            act = "([path, wanted]) => eyes.took(() => eyes.go(path), wanted)"
            opened.append(page.evaluate(act, ["/queues/long", rows]))
    return [_measure("opening a queue of 10,000 tasks", "ms", opened, p50=200)]


def _fleet(browser: Browser, running: Stage) -> list[Measure]:
    names = [f"node{n // 8:03}:gpu{n % 8}" for n in range(WORKERS)]
    with _callers(running) as call:
        call("workers.register", [{"worker": name, "timeout": 3600} for name in names])
        # What the page knows of each of them is not what it grows by.
        call("workers.status_report", [_report(name) for name in names])
    sent: list[float] = []
    with tab(browser) as page:
        page.goto(f"{running.profile.url}/workers")
        _settle(page)
        grid = {"selector": f"[role=grid][aria-rowcount='{WORKERS + 2}'] tbody a"}
        page.evaluate("async (wanted) => { await eyes.seen(eyes.row(wanted)); }", grid)
        gauge = Gauge(page)
        with _reports(running, names, sent):
            time.sleep(5)
            page.evaluate("() => { eyes.longest = 0; }")
            before, heap, began, first = gauge.busy(), gauge.heap(), time.monotonic(), len(sent)
            time.sleep(WATCHED)
            lasted = time.monotonic() - began
            share = (gauge.busy() - before) / lasted * 100
            grown = (gauge.heap() - heap) / heap * 100
            rate = (len(sent) - first) / lasted
        longest = page.evaluate("eyes.longest")
    found = [
        _measure("main thread, 1,000 workers that change", "% of a core", [share], p50=15),
        _measure("its longest task (those above 50)", "ms", [longest], max=50),
        _measure("its heap's growth", "%", [grown], max=10),
    ]
    found[0].notes.append(f"{rate:.0f} changes a second for {WATCHED} s; a heap of {heap:.1f} MiB")
    return found


def _report(worker: str) -> dict[str, Any]:
    stats = {"cpu_usage": [random.uniform(0, 100)], "gpu_usage": [random.uniform(0, 100)]}
    # What is shown of it changes, too: whether it takes tasks.
    body = {"worker": worker, "unfit": random.choice(["", "disk full"])}
    return {**body, "timestamp": time.time() * 1000, "machine_stats": stats}


@contextmanager
def _reports(running: Stage, names: list[str], sent: list[float]) -> Iterator[None]:
    """Workers that say how they are, a hundred times a second; ``sent`` tells when."""
    over = threading.Event()

    def go_on(share: int) -> None:
        api = running.session()
        due = time.monotonic()
        while not over.is_set():
            api.raw("workers.status_report", _report(random.choice(names)))
            sent.append(time.monotonic())
            due += share / UPDATES
            over.wait(max(0, due - time.monotonic()))

    with ThreadPoolExecutor(4) as pool:
        reporting = [pool.submit(go_on, 4) for _ in range(4)]
        try:
            yield
        finally:
            over.set()
    for one in reporting:
        one.result()


@contextmanager
def _callers(running: Stage) -> Iterator[Callable[[str, list[dict[str, Any]]], list[Any]]]:
    """Eight sessions that call at the same time."""
    own = threading.local()

    def once(action: str, body: dict[str, Any]) -> Any:
        if not hasattr(own, "session"):
            own.session = running.session()
        return own.session.raw(action, body)

    with ThreadPoolExecutor(8) as pool:
        yield lambda action, bodies: list(pool.map(lambda body: once(action, body), bodies))


# Who can use it


def _accessible(browser: Browser, running: Stage, task: str) -> Measure:
    tabs = [f"/tasks/{task}{tab}" for tab in ("", "/config", "/console", "/scalars", "/artifacts")]
    settings = [f"/settings{part}" for part in ("", "/keys", "/users", "/server")]
    paths = [*(path for path, _ in PAGES.values()), *tabs, *settings, "/compare", "/queues/default"]
    found = 0
    for dark in (False, True):
        with tab(browser, dark=dark) as page:
            page.goto(running.profile.url)
            for path in paths:
                page.evaluate("(path) => eyes.go(path)", path)
                page.wait_for_function("() => !document.querySelector('.skeleton')")
                found += len(barriers(page))
    return _measure(
        f"serious faults axe finds, {len(paths)} pages in two themes", "faults", [found], max=0
    )
