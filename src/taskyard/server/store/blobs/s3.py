"""Files in a bucket of S3 or of anything that speaks its protocol.

A file goes up in parts while it comes in, so a server's memory does not grow with it, and it is
seen only once the upload is completed. An upload that its server did not live to end leaves its
parts in the bucket, unseen: a life-cycle rule for unfinished uploads clears them away.

boto3 is imported only where files are kept so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from taskyard.api.errors import BAD_VALUE, FILES_UNAVAILABLE, ApiError, TaskyardError
from taskyard.server.store.blobs import NotFound, Stat, checked, no_space

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError as error:
    raise TaskyardError(
        "files in S3 need the package boto3, which is not installed",
        hint="pip install 'taskyard[s3]'",
    ) from error

log = logging.getLogger("taskyard.files")

T = TypeVar("T")

PART = 16 << 20
"""Bytes of one part, all but the last: with the protocol's 10,000 parts a file has 156 GiB."""

PIECE = 256 << 10
"""Bytes read at a time."""

KEPT = 32 << 20
"""Bytes of small whole files that may wait in memory, in all, for the rest of their forms."""

LONGEST_KEY = 1024
THREADS = 32
DELETED_AT_ONCE = 1000

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_FULL = frozenset({"507", "QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"})


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and how to reach it; what is empty is found the way all AWS tools find it."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = ""

    @staticmethod
    def at(url: str, **options: str) -> Place:
        """The place that ``s3://bucket/prefix`` names. Raises TaskyardError for another URL."""
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise TaskyardError(f"{url!r} names no bucket", hint="Write s3://bucket/prefix.")
        prefix = parts.path.strip("/")
        return Place(parts.netloc, f"{prefix}/" if prefix else "", **options)


class S3Blobs:
    """A bucket as a store; implements :class:`taskyard.server.store.blobs.Blobs`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        self._client: Any = boto3.session.Session().client(
            "s3",
            endpoint_url=place.endpoint or None,
            region_name=place.region or None,
            aws_access_key_id=place.access_key or None,
            aws_secret_access_key=place.secret_key or None,
            config=Config(
                max_pool_connections=THREADS,
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "max_attempts": 3},
                # The newer checksums are not known everywhere the protocol is spoken.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path" if place.endpoint else "auto"},
            ),
        )
        self.kept = 0
        """Bytes that wait in memory for their forms to be whole."""

    async def ask(self, action: str, **options: Any) -> Any:
        """Call the store in a thread. Raises NotFound, or ApiError when it cannot or will not."""
        call = partial(getattr(self._client, action), Bucket=self.place.bucket, **options)
        return await self._off_loop(call)

    async def _off_loop(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except (ClientError, BotoCoreError) as error:
            raise self._understood(error) from error

    def _understood(self, error: Exception) -> TaskyardError:
        found = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
        code = str(found.get("Code", ""))
        if code in _ABSENT:
            return NotFound("no such file")
        if code in _FULL:
            return no_space()
        words = " ".join(filter(None, (code, found.get("Message")))) or str(error)
        return ApiError(
            FILES_UNAVAILABLE,
            f"bucket {self.place.bucket}: {words}",
            hint="Look at the settings files and s3_*, and at the store itself.",
        )

    async def check(self) -> None:
        try:
            await self.ask("head_bucket")
        except NotFound:
            raise TaskyardError(
                f"there is no bucket {self.place.bucket}", hint="Make it, or name another."
            ) from None

    def key(self, path: str) -> str:
        """The name of a file in the bucket. Raises ApiError(BAD_VALUE)."""
        key = self.place.prefix + checked(path)
        if len(key.encode("utf-8", "surrogatepass")) > LONGEST_KEY:
            raise ApiError(
                BAD_VALUE,
                f"this path is not taken: S3 has no names longer than {LONGEST_KEY} bytes",
                path=path[:80] + "...",
            )
        return key

    def _existing(self, path: str) -> str:
        try:
            return self.key(path)
        except ApiError:
            raise _missing(path) from None

    async def begin(self, path: str) -> S3Upload:
        return S3Upload(self, self.key(path))

    async def stat(self, path: str) -> Stat:
        with _naming(path):
            found = await self.ask("head_object", Key=self._existing(path))
        return Stat(found["ContentLength"], found["LastModified"].timestamp())

    async def read(self, path: str, start: int, length: int) -> AsyncIterator[bytes]:
        if length <= 0:
            return
        wanted = f"bytes={start}-{start + length - 1}"
        with _naming(path):
            found = await self.ask("get_object", Key=self._existing(path), Range=wanted)
        body = found["Body"]
        try:
            while data := await self._off_loop(lambda: body.read(PIECE)):
                yield data
        finally:
            body.close()

    async def delete(self, path: str) -> bool:
        try:
            key = self.key(path.rstrip("/"))
        except ApiError:
            return False
        found = [name async for name in self._keys(f"{key}/")]
        with contextlib.suppress(NotFound):
            await self.ask("head_object", Key=key)
            found.append(key)
        for first in range(0, len(found), DELETED_AT_ONCE):
            some = [{"Key": name} for name in found[first : first + DELETED_AT_ONCE]]
            answer = await self.ask("delete_objects", Delete={"Objects": some, "Quiet": True})
            if failed := answer.get("Errors"):
                raise ApiError(
                    FILES_UNAVAILABLE,
                    f"{len(failed)} files were not deleted: {failed[0].get('Message')}",
                    path=path,
                )
        return bool(found)

    async def list(self, prefix: str) -> AsyncIterator[str]:
        folder = prefix.strip("/")
        inside = self.place.prefix + (f"{folder}/" if folder else "")
        async for key in self._keys(inside):
            yield key.removeprefix(self.place.prefix)

    async def _keys(self, prefix: str) -> AsyncIterator[str]:
        after: dict[str, str] = {}
        while True:
            page = await self.ask("list_objects_v2", Prefix=prefix, **after)
            for one in page.get("Contents", ()):
                # Some servers list a folder as an empty file with a slash at its end.
                if not one["Key"].endswith("/"):
                    yield one["Key"]
            if not page.get("IsTruncated"):
                return
            after = {"ContinuationToken": page["NextContinuationToken"]}


def _missing(path: str) -> NotFound:
    return NotFound(f"no such file: {path}")


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Have NotFound say which file."""
    try:
        yield
    except NotFound:
        raise _missing(path) from None


class S3Upload:
    """A file on its way into the bucket: one part travels while the next one gathers."""

    def __init__(self, store: S3Blobs, key: str) -> None:
        self._store, self._key = store, key
        self._held = bytearray()
        self._upload = ""
        """The store's name for an upload in parts; empty while all there is fits one."""
        self._parts: list[dict[str, Any]] = []
        self._sending: asyncio.Task[None] | None = None
        self._counted = 0
        self._ended = self._placed = False

    async def write(self, data: bytes) -> None:
        self._held += data
        while len(self._held) >= PART:
            part = bytes(self._held[:PART])
            del self._held[:PART]
            await self._send(part)

    async def _send(self, part: bytes) -> None:
        if not self._upload:
            answer = await self._store.ask("create_multipart_upload", Key=self._key)
            self._upload = answer["UploadId"]
        await self._sent()
        self._sending = asyncio.create_task(self._put(len(self._parts) + 1, part))

    async def _put(self, number: int, part: bytes) -> None:
        answer = await self._store.ask(
            "upload_part", Key=self._key, UploadId=self._upload, PartNumber=number, Body=part
        )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    async def _sent(self) -> None:
        if self._sending is not None:
            await self._sending
            self._sending = None

    async def end(self) -> None:
        store = self._store
        if not self._upload and store.kept + len(self._held) <= KEPT:
            # A small file is one request in the end: it may wait where it is.
            self._counted = len(self._held)
            store.kept += self._counted
        else:
            await self._send_rest()
        self._ended = True

    async def _send_rest(self) -> None:
        part, self._held = bytes(self._held), bytearray()
        if part or not self._upload:
            await self._send(part)
        await self._sent()

    async def finish(self) -> None:
        if self._upload:
            if not self._ended:
                await self._send_rest()
            await self._store.ask(
                "complete_multipart_upload",
                Key=self._key,
                UploadId=self._upload,
                MultipartUpload={"Parts": self._parts},
            )
        else:
            await self._store.ask("put_object", Key=self._key, Body=bytes(self._held))
        self._placed = True
        self._let_go()

    def _let_go(self) -> None:
        self._held = bytearray()
        self._store.kept -= self._counted
        self._counted = 0

    async def discard(self) -> None:
        if self._placed:
            return
        self._let_go()
        if self._sending is not None:
            await asyncio.gather(self._sending, return_exceptions=True)
        if self._upload:
            try:
                await self._store.ask(
                    "abort_multipart_upload", Key=self._key, UploadId=self._upload
                )
            except TaskyardError as error:
                log.warning("an upload of %s was not cleared away: %s", self._key, error.what)
