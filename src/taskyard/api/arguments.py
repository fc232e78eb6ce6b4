"""A command line as a template and parameters, so that a value can change without the code.

``--lr 0.1 --verbose data.csv`` becomes the template ``--lr ${Args/lr} ${Args/verbose?--verbose}
${Args/arg1}`` and the parameters ``lr=0.1 verbose=true arg1=data.csv``. Filling the template
with unchanged parameters gives the original words back, exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

SECTION = "Args"

_PLACE = re.compile(r"\$\$\{|\$\{([^/{}]+)/([^{}?]+)(?:\?([^{}]*))?\}")
_OPTION = re.compile(r"(--?[A-Za-z][\w.\-]*)(?:=(.*))?", re.DOTALL)
_SETTING = re.compile(r"([+~]{0,2}[A-Za-z_][\w./@]*)=(.*)", re.DOTALL)
_FALSE = frozenset({"", "false", "no", "off", "none", "null"})


def parse(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Split a command line's words into a template and its parameters by name."""
    template: list[str] = []
    values: dict[str, str] = {}
    positional = 0
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            template += [_literal(w) for w in [word, *rest]]
            break
        if option := _OPTION.fullmatch(word):
            flag, value = option[1], option[2]
            name = _unused(flag.lstrip("-"), values)
            if value is not None:
                values[name] = value
                template.append(f"{flag}=${{{SECTION}/{name}}}")
            elif rest and not _is_option(rest[0]):
                values[name] = rest.pop(0)
                template += [flag, f"${{{SECTION}/{name}}}"]
            else:
                values[name] = "true"
                template.append(f"${{{SECTION}/{name}?{flag}}}")
        elif (setting := _SETTING.fullmatch(word)) and "/" not in setting[1]:
            name = _unused(setting[1], values)
            values[name] = setting[2]
            template.append(f"{_literal(setting[1])}=${{{SECTION}/{name}}}")
        else:
            positional += 1
            name = _unused(f"arg{positional}", values)
            values[name] = word
            template.append(f"${{{SECTION}/{name}}}")
    return template, values


def fill(template: Sequence[str], parameters: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The command line for these parameters, given by section and name.

    An option whose parameter was removed is left out, together with its flag.
    """
    words: list[str] = []
    for word in template:
        whole = _PLACE.fullmatch(word)
        if whole and whole[1]:
            value = parameters.get(whole[1], {}).get(whole[2])
            if whole[3] is not None:
                words += _flag(whole[3], value)
            elif value is not None:
                words.append(value)
            elif words and _OPTION.fullmatch(words[-1]):
                words.pop()
        elif (filled := _PLACE.sub(_filler(parameters), word)) is not None:
            words.append(filled)
    return words


def add(template: Sequence[str], name: str) -> list[str]:
    """The template with an option for a parameter that it did not know."""
    return [*template, f"--{name}", f"${{{SECTION}/{name}}}"]


def names(template: Sequence[str]) -> set[str]:
    """The parameters of the section ``Args`` that the template uses."""
    return {m[2] for word in template for m in _PLACE.finditer(word) if m[1] == SECTION}


def _filler(parameters: Mapping[str, Mapping[str, str]]) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        if not match[1]:
            return "${"
        return parameters.get(match[1], {}).get(match[2], "")

    return replace


def _flag(flag: str, value: str | None) -> list[str]:
    """A flag that stood alone: there or not; given another value than true, it gets that."""
    if value is None or value.strip().lower() in _FALSE:
        return []
    return [flag] if value.strip().lower() in {"true", "yes", "on"} else [flag, value]


def _is_option(word: str) -> bool:
    return word == "--" or bool(_OPTION.fullmatch(word))


def _literal(word: str) -> str:
    return word.replace("${", "$${")


def _unused(name: str, taken: Mapping[str, str]) -> str:
    name = re.sub(r"[{}?/$]", "_", name)
    unique, count = name, 1
    while unique in taken:
        count += 1
        unique = f"{name}#{count}"
    return unique
