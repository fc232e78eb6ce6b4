"""The commands around the server: init, env, whoami, open, version, api."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path

from taskyard import __version__
from taskyard.api.errors import TaskyardError
from taskyard.cli.failure import WrongUsage
from taskyard.cli.output import add_answer, add_output, add_server, note, print_object
from taskyard.cli.target import connect, resolve_task
from taskyard.client import config


def init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", nargs="?", metavar="URL", help="the server, http://host:8008")
    parser.add_argument("--access-key", default="", help="or TASKYARD_ACCESS_KEY; else asked for")
    parser.add_argument(
        "--secret-key", default="", help="better: asked for, or in TASKYARD_SECRET_KEY"
    )


def init_command(args: argparse.Namespace) -> int:
    from taskyard.client.session import Session

    url = args.url or _ask("address of the server", "http://127.0.0.1:8008")
    access = args.access_key or os.environ.get("TASKYARD_ACCESS_KEY") or _ask("access key")
    secret = args.secret_key or os.environ.get("TASKYARD_SECRET_KEY") or _ask_secret()
    session = Session(url, access, secret)
    user = session.raw("users.get_current_user")["user"]
    file = config.user_file()
    config.write(config.Profile(url=session.url, access_key=access, secret_key=secret), file)
    print(f"connected to {session.url} as {user['name']}; kept in {file}")
    return 0


def _ask(what: str, default: str = "") -> str:
    if not sys.stdin.isatty():
        raise TaskyardError(
            f"the {what} is missing",
            hint="taskyard init URL, with TASKYARD_ACCESS_KEY and TASKYARD_SECRET_KEY set",
        )
    return input(f"{what}{f' [{default}]' if default else ''}: ").strip() or default


def _ask_secret() -> str:
    import getpass

    if not sys.stdin.isatty():
        return _ask("secret key")
    return getpass.getpass("secret key: ")


def env_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "verb",
        nargs="?",
        default="print",
        choices=["print", "ls", "list", "show", "gc", "build", "warm"],
        help="print: the lines for the clearml packages (default). Of the environments that "
        "agents keep here: ls; show ID; gc: drop unused ones; build FOLDER: make a project's; "
        "warm TASK...: make those of tasks",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="ids, a folder or tasks")
    parser.add_argument("--max-gb", type=float, default=20.0, help="gc: keep this much at the most")
    parser.add_argument(
        "--packages",
        action="append",
        default=[],
        metavar="REQ",
        help="build: a package, and no list of the folder's; may be given several times",
    )
    parser.add_argument("--python", default="", metavar="VERSION", help="build: for this version")
    parser.add_argument(
        "--package-manager",
        default="",
        choices=["uv", "pip", "poetry", "conda"],
        help="build: with this one",
    )
    parser.add_argument(
        "--standalone-mode", action="store_true", help="build, warm: without the network"
    )
    parser.add_argument("--data", default="", help="the agents' folder")
    add_output(parser)


def env_command(args: argparse.Namespace) -> int:
    if args.verb != "print":
        from taskyard.cli import environments

        return environments.command(args)
    profile = config.find(url=args.server)
    for name, value in {
        "CLEARML_API_HOST": profile.url,
        "CLEARML_WEB_HOST": profile.web_url or profile.url,
        "CLEARML_FILES_HOST": profile.files_url or f"{profile.url}/files",
        "CLEARML_API_ACCESS_KEY": profile.access_key,
        "CLEARML_API_SECRET_KEY": profile.secret_key,
    }.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def whoami_arguments(parser: argparse.ArgumentParser) -> None:
    add_answer(parser)


def whoami_command(args: argparse.Namespace) -> int:
    session = connect(args)
    user = session.raw("users.get_current_user")["user"]
    told = {"server": session.url, "user": user["name"], "role": user.get("role")}
    if not print_object(told, args.output):
        print(f"{user['name']} ({user.get('role')}) on {session.url}")
    return 0


def open_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", nargs="?", metavar="TASK", help="open this task's page")
    parser.add_argument("-u", "--url", action="store_true", help="print the address only")
    add_server(parser)


def open_command(args: argparse.Namespace) -> int:
    profile = config.find(url=args.server)
    url = profile.web_url or profile.url
    if args.task:
        url += f"/tasks/{resolve_task(connect(args), args.task)}"
    if not args.url:
        import webbrowser

        if webbrowser.open(url):
            return 0
        note("no browser was found here")
    print(url)
    return 0


def version_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check-server", action="store_true", help="the server's, too")
    add_server(parser)


def version_command(args: argparse.Namespace) -> int:
    print(f"taskyard {__version__}")
    if args.check_server:
        session = connect(args)
        about = session.raw("server.info")
        print(f"server   {about['product_version']} at {session.url}")
    return 0


def api_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", metavar="SERVICE.ACTION", help="such as tasks.get_all")
    parser.add_argument("-d", "--data", default="{}", help="the request as JSON, @file or -")
    add_server(parser)


def api_command(args: argparse.Namespace) -> int:
    if args.data == "-":
        text = sys.stdin.read()
    elif args.data.startswith("@"):
        try:
            text = Path(args.data[1:]).read_text()
        except OSError as error:
            raise TaskyardError(f"cannot read {args.data[1:]}: {error.strerror}") from error
    else:
        text = args.data
    try:
        body = json.loads(text)
    except ValueError as error:
        raise WrongUsage(f"--data is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise WrongUsage("--data must be a JSON object", hint="--data '{\"page_size\": 5}'")
    print(json.dumps(connect(args).raw(args.action, body), indent=2))
    return 0
