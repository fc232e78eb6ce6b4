"""What package managers say when they fail, in words that name the package and what to do."""

from __future__ import annotations

import re

from taskyard.api.errors import Cause, RunError

_NETWORK = "check the index URL and the network of this machine, then run the task again"
_BUILD = (
    "its build needs something this machine lacks, or is broken: see the last lines; a version "
    "with a wheel for this Python needs no build, and a set-up script can install what is missing"
)
_VERSION = (
    "correct the version in the task's packages, or give the index that has it to the task or "
    "to the machine's pip configuration"
)
_CHANNEL = "correct its name or version, or name the channel that has it"

# The first pattern that is found decides; `{0}` is what its group has caught.
_MEANINGS = (
    (r"[Bb]ecause ([^\s,]+) was not found in the cache", "{0} is not on this machine, and the "
     "network is switched off", "run it once with the network"),
    (r"(?:40[13] (?:Unauthorized|Forbidden)|status code 40[13])",
     "the package index refuses this machine", "give its credentials to the machine's pip or uv "
     "configuration"),
    (r"there (?:is|are) no versions? of ([^\s,]+)", "no matching distribution for {0}", _VERSION),
    (r"[Bb]ecause ([^\s,]+) was not found in the (?:package registry|provided package locations)",
     "no matching distribution for {0}", _VERSION),
    (r"[Bb]ecause (\S+) has no (?:usable )?wheels.*", "{0} has no wheel for this Python and "
     "platform", "choose a version that has one, or another Python version"),
    (r"git clone --filter=blob:none --quiet (\S+)", "cannot fetch {0}",
     "check the address and this machine's access to the repository"),
    (r"Failed to (?:build|prepare) `?([^`\s]+)`?", "the build of {0} failed", _BUILD),
    (r"Distribution not found at: (\S+)", "there is no package at {0}",
     "record a version or a URL instead of a local path"),
    (r"Git operation failed[\s\S]*?'([a-z+]+://[^']+)'", "cannot fetch {0}",
     "check the address and this machine's access to the repository"),
    (r"Git operation failed", "a package's git repository cannot be fetched",
     "check the address and this machine's access to the repository"),
    (r"(?:Failed to fetch|error sending request for url)[^\n]*?(https?://[^/\s`)]+)",
     "the package index {0} cannot be reached", _NETWORK),
    (r"dns error|tcp connect error|operation timed out", "the package index cannot be reached",
     _NETWORK),
    # uv breaks its lines anywhere, and begins the last sentence with And when there are several.
    (r"[Bb]ecause ((?:(?!conclude)[\s\S])+), we\s+can\s+conclude\s+that\s+your\s+requirements\s+are"
     r"\s+unsatisfiable",
     "the packages cannot be installed together: {0}", "loosen one of the versions named"),
    (r"Couldn't parse requirement[\s\S]*?cause: ([^\n]+)",
     "the list of packages cannot be read: {0}", "correct the line named in the last lines"),
    # pip
    (r"HTTPS?ConnectionPool\(host='([^']+)'", "the package index {0} cannot be reached", _NETWORK),
    (r"Looking in indexes: (\S+)[\s\S]*Retry\(total=0\b[^\n]*after connection broken by",
     "the package index {0} cannot be reached", _NETWORK),
    (r"No matching distribution found for ([^\n]+)", "no matching distribution for {0}", _VERSION),
    (r"The conflict is caused by:\s+([\s\S]+?)\n\s*\n",
     "the packages cannot be installed together: {0}", "loosen one of the versions named"),
    (r"Failed building wheel for (\S+)|Failed to build (\S+)|error: metadata-generation-failed",
     "the build of {0} failed", _BUILD),
    (r"Cannot find command 'git'", "git is not on this machine", "install it"),
    (r"Invalid requirement: ([^\n]+)", "the list of packages cannot be read: {0}",
     "correct the line named in the last lines"),
    # Poetry
    (r"All attempts to connect to (\S+) failed", "the package index {0} cannot be reached",
     _NETWORK),
    (r"depends on (.+?) which doesn't match any versions", "no matching distribution for {0}",
     _VERSION),
    (r"Because ([\s\S]+?), version solving failed",
     "the packages cannot be installed together: {0}", "loosen one of the versions named"),
    (r"pyproject\.toml changed significantly since poetry\.lock",
     "poetry.lock does not fit pyproject.toml", "run `poetry lock` and commit the file"),
    (r"(?:Unable to find installation candidates for|Package) ([^\n]+?)(?: not found\.|\n|$)",
     "no matching distribution for {0}", _VERSION),
    (r"The Poetry configuration is invalid:\s*([^\n]+)", "pyproject.toml is not right: {0}",
     "correct the file and commit it"),
    # conda, mamba, micromamba, rattler
    (r"PackagesNotFoundError[\s\S]*?\n\s+- (\S+)", "no channel of conda has {0}", _CHANNEL),
    (r"No candidates were found for ([^\n]+?)\.?(?:\n|$)", "no channel of conda has {0}", _CHANNEL),
    (r"nothing provides(?: requested)? ([^\n]+)", "no channel of conda has {0}", _CHANNEL),
    (r"(\S+)(?: =\S+)?(?: \S+)? does not exist \(perhaps a typo or a missing channel\)",
     "no channel of conda has {0}", _CHANNEL),
    (r"(?:Cannot solve the request because of|LibMambaUnsatisfiableError)[:\s]*([^\n]+)",
     "the packages of conda cannot be installed together: {0}", "loosen one of the versions named"),
    (r"CondaHTTPError[\s\S]*?<?(https?://[^\s>]+)", "the channel {0} cannot be reached", _NETWORK),
    (r"build backend returned an error", "the build of {about} failed", _BUILD),
)  # fmt: skip
_FULL = re.compile(r"No space left on device|os error (?:28|122)\b|Disk quota exceeded")


def explain(tail: str, origin: str, about: str = "") -> RunError:
    """The failure that a tool's last lines describe.

    ``origin`` says where the list came from; ``about`` names what was installed when it is one
    thing. The cause is ``disk full`` when that is the reason, else ``environment``.
    """
    if _FULL.search(tail):
        return disk_full(tail)
    for pattern, meaning, hint in _MEANINGS:
        if found := re.search(pattern, tail):
            caught = " ".join((found[found.lastindex or 0]).split()).rstrip(".,")
            what = meaning.format(caught, about=about or f"a package of {origin}")
            return RunError(Cause.ENVIRONMENT, what, hint=hint, tail=tail)
    last = next((line.strip() for line in reversed(tail.splitlines()) if line.strip()), "no output")
    return RunError(
        Cause.ENVIRONMENT,
        f"the packages of {origin} could not be installed: {last}",
        hint="see its last lines in the console",
        tail=tail,
    )


def disk_full(tail: str = "") -> RunError:
    """The failure when no space is left."""
    return RunError(
        Cause.DISK_FULL,
        "the disk is full: the environment could not be made ready",
        hint="free some space, or let the agent keep fewer environments",
        tail=tail,
    )
