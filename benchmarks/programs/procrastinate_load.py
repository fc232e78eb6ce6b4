"""One client of a Procrastinate queue in PostgreSQL.

Arguments: the address of the database, in which the tables are. Is told and answers as
:mod:`measured` says. Taking is what its worker does about a job: fetch it, and say that it
succeeded. Runs in the peers' environment.
"""

import asyncio
import sys

import procrastinate  # type: ignore[import-not-found]
from measured import serve  # type: ignore[import-not-found]
from procrastinate.jobs import Status  # type: ignore[import-not-found]

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=sys.argv[1], min_size=1, max_size=1)
)


@app.task(name="work")  # type: ignore[untyped-decorator]
async def work(payload: str) -> str:
    return payload


loop = asyncio.new_event_loop()
loop.run_until_complete(app.open_async())
worker = loop.run_until_complete(app.job_manager.register_worker())


def put(_: str) -> bool:
    loop.run_until_complete(work.defer_async(payload="x" * 200))
    return True


async def one() -> bool:
    job = await app.job_manager.fetch_job(queues=None, worker_id=worker)
    if job is None:
        return False
    await app.job_manager.finish_job(job=job, status=Status.SUCCEEDED, delete_job=False)
    return True


serve(put, lambda: loop.run_until_complete(one()))
