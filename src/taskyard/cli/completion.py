"""``taskyard completion``: what makes a shell complete commands, flags and the ids of tasks.

The script holds all words, so that a shell need not start Python for them; only ids are asked
for, and kept for some seconds.
"""

from __future__ import annotations

import argparse
import importlib

from taskyard.cli.commands import ALIASES, COMMANDS
from taskyard.cli.main import Parser

TAKE_TASKS = {"TASK", "OTHER"}
"""Arguments that are tasks, by how the help calls them."""

BASH = """\
_taskyard_tasks() {
    local file="${XDG_RUNTIME_DIR:-/tmp}/taskyard-tasks-$UID"
    if [ -z "$(find "$file" -newermt '-5 seconds' 2>/dev/null)" ]; then
        (umask 077; taskyard ps -a -q 2>/dev/null | cut -c1-8 > "$file")
    fi
    cat "$file" 2>/dev/null
}
_taskyard_words() {
    case "$1" in
@CASES@
    esac
}
_taskyard() {
    local current="${COMP_WORDS[COMP_CWORD]}" words
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="@COMMANDS@"
    else
        words="$(_taskyard_words "${COMP_WORDS[1]}")"
        case "$words" in
            *" last"*) [[ "$current" == -* ]] || words="$words $(_taskyard_tasks)" ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _taskyard taskyard
"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n" + BASH
FISH_COMMAND = "complete -c taskyard -f -n __fish_use_subcommand -a {name} -d {help}\n"
FISH_WORDS = "complete -c taskyard -n '__fish_seen_subcommand_from {name}' -a '{words}'\n"
FISH_TASKS = (
    "complete -c taskyard -n '__fish_seen_subcommand_from {name}'"
    " -a '(taskyard ps -a -q 2>/dev/null | cut -c1-8)'\n"
)


def completion_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh", "fish"], help="which shell's script")
    parser.epilog = 'In ~/.bashrc: eval "$(taskyard completion bash)"'


def completion_command(args: argparse.Namespace) -> int:
    words = {name: words_of(name) for name in COMMANDS}
    words |= {alias: words[name] for alias, name in ALIASES.items()}
    print(_fish(words) if args.shell == "fish" else _bash(words, args.shell), end="")
    return 0


def words_of(name: str) -> list[str]:
    """The flags, verbs and choices of a command; ``last`` where it takes tasks."""
    module = importlib.import_module(f"taskyard.cli.{COMMANDS[name].module}")
    parser = Parser(prog=name)
    getattr(module, f"{name}_arguments")(parser)
    found: list[str] = []
    for action in parser._actions:
        found += [flag for flag in action.option_strings if flag.startswith("--")]
        if not action.option_strings and action.choices:
            found += [str(choice) for choice in action.choices]
        if action.metavar in TAKE_TASKS:
            found.append("last")
    return list(dict.fromkeys(found))


def _bash(words: dict[str, list[str]], shell: str) -> str:
    cases = "\n".join(
        f'        {name}) echo " {" ".join(found)}" ;;' for name, found in words.items()
    )
    script = ZSH if shell == "zsh" else BASH
    return script.replace("@CASES@", cases).replace("@COMMANDS@", " ".join(words))


def _fish(words: dict[str, list[str]]) -> str:
    lines = []
    for name, found in words.items():
        text = COMMANDS[ALIASES.get(name, name)].help.replace("'", "")
        lines.append(FISH_COMMAND.format(name=name, help=f"'{text}'"))
        lines.append(FISH_WORDS.format(name=name, words=" ".join(found)))
        if "last" in found:
            lines.append(FISH_TASKS.format(name=name))
    return "".join(lines)
