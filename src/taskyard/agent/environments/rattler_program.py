"""A program for the environment that holds rattler: solve and install one list of conda's.

Its argument names a JSON file: ``prefix`` (the folder to fill), ``specs``, ``channels``,
``cache`` (a folder of packages) and ``offline``.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import rattler


async def main(asked: dict) -> None:  # type: ignore[type-arg]
    cache = Path(asked["cache"])
    channels = [rattler.Channel(name) for name in asked["channels"]]
    gateway = rattler.Gateway(
        cache_dir=cache / "repodata",
        default_config=rattler.SourceConfig(
            cache_action="force-cache-only" if asked["offline"] else "cache-or-fetch"
        ),
    )
    records = await rattler.solve(
        channels,
        asked["specs"],
        gateway=gateway,
        platforms=[str(rattler.Platform.current()), "noarch"],
        virtual_packages=[package.into_generic() for package in rattler.VirtualPackage.detect()],
        add_pip_as_python_dependency=False,
    )
    for record in records:
        sys.stdout.write(f"{record.name.normalized} {record.version} {record.build}\n")
    await rattler.install(
        records, target_prefix=asked["prefix"], cache_dir=cache / "packages", show_progress=False
    )


try:
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
except Exception as error:
    sys.exit(f"rattler: {type(error).__name__}: {error}")
sys.stdout.flush()
# Threads of the library may outlive the work, and fail when Python is taken down under them.
os._exit(0)
