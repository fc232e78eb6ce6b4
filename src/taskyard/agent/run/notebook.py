"""Runs a notebook: ``python notebook.py NOTEBOOK EXECUTED [ARGUMENTS...]``.

A program for the interpreter of the task's environment, whatever its version (3.9 or newer): it
imports the standard library alone, and IPython where the environment has it (magics, pictures,
top-level await). What the cells print goes to the console as they print it. After each cell the
notebook is written to EXECUTED with all outputs so far, so that one that fails or is ended leaves
what it had.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import copy
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells give it."""

Run = Callable[[str, int], bool]
"""Runs a cell, given its source and number; says whether the cell went well."""


class Outputs:
    """The outputs of the cell that runs, as notebooks have them."""

    def __init__(self) -> None:
        self.cell: list[dict[str, Any]] = []
        self.paused = False

    def stream(self, name: str, text: str) -> None:
        if self.paused or not text:
            return
        last: dict[str, Any] = self.cell[-1] if self.cell else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"] += text
        else:
            self.cell.append({"output_type": "stream", "name": name, "text": text})

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """For what is shown on the console in other words than in the notebook."""
        before, self.paused = self.paused, True
        try:
            yield
        finally:
            self.paused = before

    def add(self, kind: str, data: Mapping[str, Any], metadata: Any, **more: Any) -> None:
        found = {"output_type": kind, "data": data, "metadata": metadata or {}}
        self.cell.append(dict(found, **more))

    def error(self, error: BaseException, lines: list[str]) -> None:
        self.cell.append(
            {
                "output_type": "error",
                "ename": type(error).__name__,
                "evalue": str(error),
                "traceback": lines,
            }
        )


class Tee(io.TextIOBase):
    """A standard stream that the outputs have a copy of."""

    def __init__(self, name: str, stream: TextIO, outputs: Outputs) -> None:
        self._name, self._stream, self._outputs = name, stream, outputs

    def write(self, text: str) -> int:
        self._outputs.stream(self._name, text)
        self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def buffer(self) -> Any:
        return self._stream.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding


def plain_shell(outputs: Outputs) -> Run:
    """With nothing but Python."""
    space: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}

    def run(source: str, number: int) -> bool:
        where = f"<cell {number}>"
        try:
            tree = ast.parse(source, where)
            last = tree.body[-1] if tree.body else None
            if isinstance(last, ast.Expr):
                tree.body.pop()
            exec(compile(tree, where, "exec"), space)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), where, "eval"), space)
                if value is not None:
                    shown = {"text/plain": repr(value)}
                    outputs.add("execute_result", shown, {}, execution_count=number)
                    with outputs.apart():
                        print(repr(value))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            lines[1:2] = []  # our own line
            outputs.error(error, lines)
            with outputs.apart():
                if isinstance(error, SyntaxError):
                    print("(magics and shell commands need ipython in the environment)")
                sys.stderr.write("".join(lines))
            return False
        return True

    return run


def ipython_shell(outputs: Outputs) -> Run:
    """With IPython. Raises ImportError where there is none."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Hook(DisplayHook):  # type: ignore[misc]
        def __call__(self, result: Any = None) -> None:
            with outputs.apart():
                super().__call__(result)

        def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
            outputs.add(
                "execute_result", _plain(format_dict), md_dict, execution_count=self.prompt_count
            )
            super().write_format_data(format_dict, md_dict)

    class Publisher(DisplayPublisher):  # type: ignore[misc]
        def publish(self, data: Any, metadata: Any = None, **_: Any) -> None:
            outputs.add("display_data", _plain(data), metadata)
            with outputs.apart():
                print(data.get("text/plain", ""))

    settings = Config()
    settings.HistoryManager.enabled = False
    InteractiveShell.displayhook_class = Hook
    InteractiveShell.display_pub_class = Publisher
    shell = InteractiveShell.instance(config=settings)

    def run(source: str, number: int) -> bool:
        shell.execution_count = number
        result = shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error
        if error is not None:
            # IPython has shown where already; the notebook has it in its own form, too.
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            outputs.error(error, lines)
        return error is None

    return run


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """Display data as JSON holds it: bytes in base64."""
    return {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
    }


def write(notebook: Mapping[str, Any], place: str) -> None:
    """Replace the executed notebook."""
    aside = f"{place}.partial"
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(_as_written(notebook), file, indent=1, ensure_ascii=False)
    os.replace(aside, place)


def _as_written(notebook: Mapping[str, Any]) -> Mapping[str, Any]:
    """With text of several lines as lists of lines, as editors of notebooks write it."""
    found = copy.deepcopy(notebook)
    for cell in found.get("cells", ()):
        for output in cell.get("outputs", ()):
            if isinstance(output.get("text"), str):
                output["text"] = output["text"].splitlines(True)
    return found


def source_of(cell: Mapping[str, Any]) -> str:
    """The text of a cell."""
    text = cell.get("source", "")
    return text if isinstance(text, str) else "".join(text)


def execute(notebook: Mapping[str, Any], place: str) -> int:
    """Run the code cells in order, up to the first that fails; the exit code."""
    outputs = Outputs()
    try:
        run = ipython_shell(outputs)
    except ImportError:
        run = plain_shell(outputs)
    cells = [cell for cell in notebook.get("cells", ()) if cell.get("cell_type") == "code"]
    for cell in cells:
        cell["outputs"], cell["execution_count"] = [], None
    standard = sys.stdout, sys.stderr
    sys.stdout = Tee("stdout", standard[0], outputs)
    sys.stderr = Tee("stderr", standard[1], outputs)
    try:
        for number, cell in enumerate(cells, 1):
            outputs.cell = cell["outputs"]
            cell["execution_count"] = number
            try:
                if not run(source_of(cell), number):
                    return 1
            finally:
                write(notebook, place)
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            print(leaving.code, file=sys.stderr)
            return 1
        return int(leaving.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = standard
    return 0


def main() -> None:
    path, place = sys.argv[1:3]
    with open(path, encoding="utf-8") as file:
        try:
            notebook = json.load(file)
        except ValueError as error:
            sys.exit(f"{path} is no notebook: {error}")
    language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    if language.lower() != "python" or "cells" not in notebook:
        sys.exit(f"{path} is no Python notebook of format 4 (its language: {language})")
    sys.argv = [path, *sys.argv[3:]]
    # As for a script: what lies beside it can be imported, and what lies beside us cannot.
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    sys.exit(execute(notebook, place))


if __name__ == "__main__":
    main()
