"""Requirement lists, read into a form where equal wishes are equal.

Order, comments, blank lines, spelling of names and spaces do not matter to what gets installed;
versions, extras, markers, hashes and index options do. Local files count by their content, and
folders of the tree are set apart: they belong to one checkout.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from taskyard.agent.environments.addresses import anonymous
from taskyard.api.errors import Cause, RunError

_INCLUDES = ("-r", "--requirement")
_CONSTRAINTS = ("-c", "--constraint")
_EDITABLE = ("-e", "--editable")
_FIND_LINKS = ("-f", "--find-links")
_ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz")
_NAMED = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?P<extras>\[[^\]]*\])?\s*(?P<rest>.*)"
)
_GIT = re.compile(r"git\+(?P<url>[a-z+]+://[^/\s]*/[^@#\s;]+)(?:@(?P<ref>[^#\s;]+))?")


class Project(msgspec.Struct, frozen=True, order=True):
    """A folder with Python code of its own, installed into the private layer of each attempt.

    It cannot be part of a shared environment: its content belongs to one checkout.
    """

    path: str
    """Relative to the tree; absolute when the folder lies outside."""
    editable: bool = False
    extras: str = ""
    """As written: ``[train,cuda]``."""


class Requirement(msgspec.Struct, frozen=True, order=True):
    """One package to install."""

    text: str
    """As the installer gets it."""
    identity: str
    """What it stands for, wherever the tree lies: the same on every checkout."""


class Requirements(msgspec.Struct):
    """A requirement list with its includes, read."""

    packages: list[Requirement] = []
    projects: list[Project] = []
    options: list[str] = []
    """Options for the whole list, such as index URLs, in the order given."""
    constraints: list[Requirement] = []

    def identity(self) -> list[list[str]]:
        """What decides the outcome, in an order of its own."""
        return [
            sorted({package.identity for package in self.packages}),
            list(dict.fromkeys(anonymous(text) for text in self.options)),
            sorted({constraint.identity for constraint in self.constraints}),
        ]


def read(text: str, *, base: Path, tree: Path) -> Requirements:
    """Read a list whose relative paths start at ``base``, or else at the tree.

    Raises RunError (environment) when the list names a file or folder that is not there.
    """
    found = Requirements()
    _read_into(found, text, base, tree, found.packages, frozenset())
    return found


def normal(line: str) -> str:
    """One requirement in its one spelling: name in lower case with dashes, no needless spaces.

    >>> normal("Ruamel.YAML  [Jinja2] >= 0.17 ,<1 ; python_version<'3.13'")
    "ruamel-yaml[jinja2]<1,>=0.17; python_version<'3.13'"
    """
    matched = _NAMED.fullmatch(line)
    if matched is None or "://" in line.partition(" @")[0]:
        return line
    name, extras, rest = matched.group("name"), matched.group("extras") or "", matched.group("rest")
    body, semicolon, marker = rest.partition(";")
    body, *hashes = re.split(r"\s+(?=--)", body)
    marker, *more = re.split(r"\s+(?=--)", marker)
    body = body.strip()
    if body.startswith("@"):
        address = body[1:].strip()
        # An address may hold a semicolon of its own only when no space comes before it.
        body = f" @ {address}" + (" " if semicolon else "")
    else:
        clauses = re.sub(r"\s+", "", body.strip("()")).split(",")
        body = ",".join(sorted(clause for clause in clauses if clause))
    wanted = sorted(extra.strip().lower() for extra in extras.strip("[]").split(",") if extra)
    text = re.sub(r"[-_.]+", "-", name).lower() + (f"[{','.join(wanted)}]" if wanted else "")
    text += body
    if semicolon:
        text += "; " + " ".join(marker.split())
    return " ".join([text, *sorted(part.strip() for part in [*hashes, *more])])


def package_name(text: str) -> str:
    """The name a requirement begins with, in its one spelling; empty for an address or a path.

    >>> package_name("Ruamel.YAML[jinja2]>=0.17")
    'ruamel-yaml'
    """
    matched = _NAMED.fullmatch(text)
    if matched is None or text.startswith(("git+", "file:")) or matched["rest"][:1] in ("/", ":"):
        return ""
    return re.sub(r"[-_.]+", "-", matched["name"]).lower()


def pin_git(found: Requirements, resolve: Callable[[str, str], str]) -> None:
    """Replace moving git references (a branch, a tag, none) by the commit they stand for now.

    ``resolve(url, ref)`` returns a commit, or nothing when it cannot tell; then the reference
    stays as it is.
    """
    for number, package in enumerate(found.packages):
        matched = _GIT.search(package.text)
        if matched is None:
            continue
        url, ref = matched.group("url"), matched.group("ref") or ""
        if re.fullmatch(r"[0-9a-f]{40}", ref):
            continue
        if commit := resolve(url, ref or "HEAD"):
            start, end = matched.span()
            pinned = f"{package.text[:start]}git+{url}@{commit}{package.text[end:]}"
            found.packages[number] = Requirement(pinned, pinned)


def _read_into(
    found: Requirements,
    text: str,
    base: Path,
    tree: Path,
    packages: list[Requirement],
    including: frozenset[Path],
) -> None:
    for line in _logical_lines(text):
        option, argument = _option(line)
        if option in _INCLUDES + _CONSTRAINTS and not re.match(r"https?://", argument):
            path = _existing(argument, base, tree)
            if path in including:
                continue
            into = found.constraints if option in _CONSTRAINTS else packages
            content = path.read_text("utf-8", "replace")
            _read_into(found, content, path.parent, tree, into, including | {path})
        elif option in _FIND_LINKS and "://" not in argument:
            found.options.append(f"--find-links {_existing(argument, base, tree)}")
        elif option and option not in _EDITABLE:
            found.options.append(line)
        else:
            _read_package(found, argument, option in _EDITABLE, base, tree, packages)


def _read_package(
    found: Requirements,
    line: str,
    editable: bool,
    base: Path,
    tree: Path,
    packages: list[Requirement],
) -> None:
    local = _local_path(line)
    if local is None:
        text = normal(line)
        packages.append(Requirement(text, anonymous(text)))
        return
    written, extras, marker = local
    path = _existing(written, base, tree)
    if path.is_dir():
        relative = os.path.relpath(path, tree)
        outside = relative.startswith("..")
        found.projects.append(Project(str(path) if outside else relative, editable, extras))
    else:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        # A space is part of a file's name here, not the end of it.
        address = path.as_uri() if not extras else f"{path}{extras}"
        packages.append(
            Requirement(f"{address}{marker}", f"{path.name}{extras}{marker} sha256:{digest}")
        )


def _logical_lines(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\r?\n", " ", text.removeprefix("\ufeff")).splitlines():
        bare = re.sub(r"(^|\s)#.*$", "", line).strip()
        if bare:
            yield bare


def _option(line: str) -> tuple[str, str]:
    """An option and its argument; no option: the whole line as the argument."""
    if not line.startswith("-"):
        return "", line
    matched = re.fullmatch(r"(--[a-z-]+|-[a-zA-Z])(?:\s*=\s*|\s+)?(.*)", line)
    if matched is None:
        return line, ""
    return matched.group(1), matched.group(2).strip().strip("\"'")


def _local_path(line: str) -> tuple[str, str, str] | None:
    """Path, extras and marker of a requirement that names a local file or folder."""
    target = re.sub(r"^[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*@\s*(?=file:|\.{0,2}/)", "", line)
    marked = re.search(r"\s*;.*$|\s+--.*$", target)
    body, marker = (target[: marked.start()], marked[0]) if marked else (target, "")
    body = re.sub(r"#[a-z]+=.*$", "", body.strip())
    extras = ""
    if with_extras := re.fullmatch(r"(.*?)(\[[^\]]*\])", body):
        body, extras = with_extras.groups()
    if body.startswith("file:"):
        from urllib.parse import unquote

        return unquote(body.removeprefix("file:").removeprefix("//")), extras, marker
    looks_local = body in (".", "..") or body.startswith(("./", "../", "/"))
    if looks_local or ("://" not in body and "@" not in body and body.endswith(_ARCHIVES)):
        return body, extras, marker
    return None


def _existing(written: str, base: Path, tree: Path) -> Path:
    for start in (base, tree):
        path = Path(os.path.normpath(start / written))
        if path.exists():
            return path
    raise RunError(
        Cause.ENVIRONMENT,
        f"the requirements name {written}, which is not on this machine",
        hint="add it to the repository, or record a version or a URL instead of a local path",
    )
