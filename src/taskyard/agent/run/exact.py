"""The form of a patch with exact bytes, as :mod:`taskyard.sdk.capture` makes it.

It is in parts: first the repository's own, then one for each submodule that is not as
the repository's commit has it. A part begins with a line that git skips, and names its files
from the repository's top folder, so that other programs can apply the whole as one patch, too.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import NamedTuple

from taskyard.api.errors import Cause, RunError

EXACT = "-- \ntaskyard: exact bytes"
"""Last lines of a patch made by :mod:`taskyard.sdk.capture`. git skips them. They also guard the
end of the patch: stores of tasks strip white space there, which is content."""

NOTHING = "nothing"
"""In place of a commit: the patch holds all of the submodule."""
GONE = "gone"
"""In place of a commit: the submodule was removed."""

_HEADER = re.compile(
    r'^submodule ("(?:[^"\\]|\\.)*") ([0-9a-f]{40}|nothing|gone)(?: (\S+))?$', re.MULTILINE
)


class Part(NamedTuple):
    """One submodule."""

    path: str
    """From the repository's top folder."""
    base: str
    """The commit that the patch is made against; or NOTHING, or GONE."""
    url: str = ""
    """Where it comes from, for one that the repository's commit does not know."""
    patch: str = ""

    @property
    def depth(self) -> int:
        """How many folders lead to it."""
        return len(PurePosixPath(self.path).parts)

    def written(self) -> str:
        """As it stands in the whole patch."""
        url = f" {self.url}" if self.url else ""
        return f"submodule {json.dumps(self.path)} {self.base}{url}\n{self.patch}"


def is_exact(diff: str) -> bool:
    """Whether a task's ``diff`` is a patch of ours, with files as they lay on the disk."""
    return diff.rstrip().endswith(EXACT)


def split(patch: str) -> tuple[str, list[Part]]:
    """The repository's own patch, and the parts of its submodules, parents first.

    Raises RunError for one that would lie outside of the repository.
    """
    headers = list(_HEADER.finditer(patch))
    if not headers:
        return patch, []
    ends = [*(header.start() for header in headers[1:]), len(patch)]
    parts = []
    for header, end in zip(headers, ends, strict=True):
        path = json.loads(header[1])
        pure = PurePosixPath(path)
        if pure.is_absolute() or not pure.parts or {"..", ".git"} & set(pure.parts):
            raise RunError(
                Cause.GIT,
                f"the uncommitted changes name a submodule outside of the repository: {path!r}",
                hint="create the task anew from the working tree",
            )
        text = patch[header.end() + 1 : end]
        parts.append(Part(path, header[2], header[3] or "", text))
    return patch[: headers[0].start()], sorted(parts, key=lambda part: part.depth)
