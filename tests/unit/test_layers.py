"""The folder layout is the architecture: imports point down only."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import taskyard

ROOT = Path(taskyard.__file__).parent

MAY_IMPORT = {
    "api": set[str](),
    "client": {"api"},
    "agent": {"api", "client"},
    "server": {"api"},
    "sdk": {"api", "client", "agent"},
    "cli": {"api", "client", "agent", "server", "sdk"},
}
"""What each layer may use beside itself."""


def modules() -> Iterator[tuple[str, Path]]:
    for layer in MAY_IMPORT:
        for file in sorted((ROOT / layer).rglob("*.py")):
            yield layer, file


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of all that a file imports, wherever in it: types and late ones too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def imported_layers(file: Path) -> Iterator[tuple[int, str]]:
    for line, name in imports(file):
        parts = name.split(".")
        if parts[0] == "taskyard" and len(parts) > 1 and parts[1] in MAY_IMPORT:
            yield line, parts[1]


@pytest.mark.parametrize(
    ("layer", "file"),
    [pytest.param(layer, f, id=str(f.relative_to(ROOT))) for layer, f in modules()],
)
def test_a_module_imports_only_its_own_layer_and_those_below(layer: str, file: Path) -> None:
    allowed = MAY_IMPORT[layer] | {layer}
    wrong = [
        f"line {line}: {found}" for line, found in imported_layers(file) if found not in allowed
    ]
    assert not wrong


def test_no_modules_import_each_other() -> None:
    names = {
        ".".join(("taskyard", *file.relative_to(ROOT).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): file
        for file in ROOT.rglob("*.py")
    }

    def module(imported: str) -> str:
        """The module that an imported name is, or is in."""
        return imported if imported in names else imported.rpartition(".")[0]

    used = {
        name: {module(found) for _, found in imports(file)} & names.keys() - {name}
        for name, file in names.items()
    }
    graphlib.TopologicalSorter(used).prepare()


def test_the_domain_does_no_input_or_output() -> None:
    forbidden = {"sqlalchemy", "socket", "asyncio", "starlette", "subprocess", "http"}
    for file in (ROOT / "server" / "domain").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                first = (node.module or "").split(".")[0]
                assert first not in forbidden, f"{file.name}:{node.lineno}"
                assert not (node.module or "").startswith("taskyard.server.store"), file.name
