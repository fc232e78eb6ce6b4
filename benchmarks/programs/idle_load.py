"""Many idle agents in one process: they wait for tasks, and finish what they get at once.

Arguments: the server's address, the queue, how many agents, and how many seconds each waits in the
server; 0: each asks every five seconds instead. Says ``ready`` when all have asked; then a line a
task: its id, and when the answer with it was there (ns since the epoch). Imports nothing but the
standard library, so that the load costs little beside the server.
"""

import asyncio
import base64
import json
import os
import random
import sys
import time
from urllib.parse import urlsplit

URL, QUEUE, AGENTS, WAIT = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
PAUSE = 5.0
"""Seconds between two questions of an agent that polls."""

keys = f"{os.environ['TASKYARD_ACCESS_KEY']}:{os.environ['TASKYARD_SECRET_KEY']}"
HEAD = (
    f"Host: {urlsplit(URL).netloc}\r\nContent-Type: application/json\r\n"
    f"Authorization: Basic {base64.b64encode(keys.encode()).decode()}\r\n"
)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def ask(streams: Streams, action: str, body: dict[str, object]) -> dict[str, object]:
    reader, writer = streams
    content = json.dumps(body)
    head = f"POST /{action} HTTP/1.1\r\n{HEAD}Content-Length: {len(content)}\r\n\r\n"
    writer.write(f"{head}{content}".encode())
    answered = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(answered.partition("content-length:")[2].partition("\r\n")[0])
    answer: dict[str, dict[str, object]] = json.loads(await reader.readexactly(length))
    return answer["data"]


async def agent(number: int, asked: asyncio.Semaphore) -> None:
    where = urlsplit(URL)
    streams = await asyncio.open_connection(where.hostname, where.port)
    worker = f"idle:{number}"
    take = {"worker": worker, "queues": [QUEUE]}
    # The first one makes the agent known to the server.
    await ask(streams, "attempts.take", {**take, "wait": 0})
    asked.release()
    await asyncio.sleep(random.uniform(0, PAUSE))
    while True:
        answer = await ask(streams, "attempts.take", {**take, "wait": WAIT})
        now = time.time_ns()
        for one in answer["attempts"]:  # type: ignore[attr-defined]
            print(one["task"], now, flush=True)
            end = {"task": one["task"], "attempt": one["attempt"], "outcome": "completed"}
            await ask(streams, "attempts.finish", end)
        if not WAIT:
            await asyncio.sleep(PAUSE)


async def main() -> None:
    asked = asyncio.Semaphore(0)
    agents = []
    for number in range(AGENTS):
        agents.append(asyncio.create_task(agent(number, asked)))
        await asked.acquire()
    await asyncio.sleep(PAUSE)
    print("ready", flush=True)
    # The end of the input is the end of all.
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


asyncio.run(main())
