"""A store that speaks S3, on loopback: SeaweedFS, all of it in one process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.beds.postgres import free_port

ACCESS_KEY, SECRET_KEY = "test-access", "test-secret"
BUCKET = "files"


@dataclass(frozen=True)
class Store:
    endpoint: str

    def settings(self, prefix: str) -> dict[str, Any]:
        """Settings of a server that keeps its files in the bucket below ``prefix``."""
        return {
            "files": f"s3://{BUCKET}/{prefix}",
            "s3_endpoint": self.endpoint,
            "s3_region": "us-east-1",
            "s3_access_key": ACCESS_KEY,
            "s3_secret_key": SECRET_KEY,
        }

    def client(self) -> Any:
        """boto3's own client, to look at the bucket past our code."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )


def _program() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise RuntimeError("SeaweedFS is not installed: run scripts/setup dev")
    return found


@contextlib.contextmanager
def store() -> Iterator[Store]:
    """Run the store with an empty bucket."""
    folder = Path(tempfile.mkdtemp(prefix="taskyard-s3-", dir="/tmp"))
    identity = {
        "name": "test",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    parts = ("master", "volume", "filer", "s3")
    ports = {f"{part}.port{kind}": free_port() for part in parts for kind in ("", ".grpc")}
    command = [_program(), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    command += ["-s3", f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-iam=false", "-s3.iam=false", "-master.telemetry=false"]
    command += ["-master.volumeSizeLimitMB=100", "-volume.max=100"]
    with (folder / "log").open("wb") as log:
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        found = Store(f"http://127.0.0.1:{ports['s3.port']}")
        _make_bucket(found, process, folder / "log")
        yield found
    finally:
        process.kill()
        process.wait()
        # Its sockets lie in /tmp wherever its data does.
        for number in ports.values():
            for left in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):
                left.unlink()
        shutil.rmtree(folder, ignore_errors=True)


def _make_bucket(found: Store, process: subprocess.Popen[bytes], log: Path) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    client = found.client()
    deadline = time.monotonic() + 60
    while True:
        try:
            with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
                client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="ready", Body=b"")
            return
        except (BotoCoreError, ClientError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"SeaweedFS did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.1)
