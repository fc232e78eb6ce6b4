"""Which container arguments pass, which are refused, and what becomes of them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.agent.containers import arguments
from taskyard.agent.containers.arguments import Port, read
from taskyard.api.errors import Cause, RunError

REFUSED = [
    "--privileged",
    "--cap-add SYS_ADMIN",
    "--device /dev/sda",
    "--security-opt seccomp=unconfined",
    "--volumes-from other",
    "--env-file /etc/shadow",
    "--cgroup-parent /x",
    "--userns host",
    "--uts host",
    "--ipc host",
    "--ipc container:other",
    "--pid host",
    "--net host",
    "--network=host",
    "--network container:other",
    "--network ns:/proc/1/ns/net",
    "-v /:/host",
    "-v ./here:/there",
    "-v ~/x:/there",
    "-v/etc:/there",
    "--volume=/etc:/there:ro",
    "--mount type=bind,source=/,target=/host",
    "--mount type=bind,src=/,dst=/host",
    "--mount source=/,target=/host",
    "--mount type=volume,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/,target=/host",
    '--mount type=volume,"volume-opt=o=addr=x,bind",target=/host',
    "--entrypoint bash",
    "--sysctl kernel.x=1",
    "--group-add 0",
    "-e HOME",
    "--unheard-of 1",
]


@pytest.mark.parametrize("words", REFUSED)
def test_what_opens_the_machine_is_refused(words: str) -> None:
    with pytest.raises(RunError) as refused:
        read([], words)
    assert refused.value.cause == Cause.IMAGE


@pytest.mark.parametrize("words", REFUSED)
def test_the_agents_owner_is_not_asked(words: str) -> None:
    read(words.split(), "")


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ("--privileged", "privileged"),
        ("--network host", "network=host"),
        ("--ipc=host", "ipc=host"),
        ("-v /data/set:/data", "volume=/data"),
        ("-v /data:/data", "volume=/data"),
        ("--mount type=bind,source=/data/x,target=/x", "volume=/data/"),
        ("--device /dev/fuse", "device"),
    ],
)
def test_what_the_owner_allows_passes(words: str, allowed: str) -> None:
    assert read([], words, [allowed]).passed


@pytest.mark.parametrize("words", ["-v /data/../etc:/x", "-v /database:/x", "-v /:/x"])
def test_a_folder_that_is_allowed_is_no_way_to_others(words: str) -> None:
    with pytest.raises(RunError):
        read([], words, ["volume=/data"])


def test_a_link_in_a_folder_that_is_allowed_is_no_way_to_others(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "link").symlink_to("/")
    with pytest.raises(RunError):
        read([], f"-v {allowed}/link:/host", [f"volume={allowed}"])


@pytest.mark.parametrize(
    "words",
    [
        "--shm-size 8g",
        "--memory-swap=1g",
        "--cpus 2 --cpuset-cpus 0,1",
        "--ulimit memlock=-1",
        "--label a=b",
        "-v named:/data",
        "--mount type=volume,source=named,target=/data",
        "--mount type=tmpfs,target=/x",
        "--network mine --network-alias me",
        "--network none",
        "--ipc private",
        "--dns 1.1.1.1 --add-host a:1.2.3.4",
        "-u 1000:1000",
        "--tmpfs /tmp",
        "--read-only",
    ],
)
def test_what_is_harmless_passes(words: str) -> None:
    assert read([], words).passed


def test_what_the_agent_decides_is_left_out() -> None:
    found = read([], "-it --rm -d --name mine --gpus all --workdir /x --runtime other")
    assert found.passed == []


def test_variables_do_not_become_arguments_again() -> None:
    found = read(["-e", "FROM_AGENT"], "-e A=1 --env='B=two words' -eC=3")
    assert found.variables == {"A": "1", "B": "two words", "C": "3"}
    assert found.inherited == ["FROM_AGENT"]
    assert found.passed == []


@pytest.mark.parametrize(
    ("words", "port"),
    [
        ("80", Port("80")),
        ("8080:80", Port("80", 8080)),
        ("127.0.0.1:8080:80/udp", Port("80/udp", 8080, "127.0.0.1")),
        ("127.0.0.1::80", Port("80", 0, "127.0.0.1")),
    ],
)
def test_ports_are_read(words: str, port: Port) -> None:
    assert read([], f"-p {words}").ports == [port]


@pytest.mark.parametrize("words", ["-p x", "-p 80-90:80-90", "-p", "loose", "-m", "'open"])
def test_what_cannot_be_read_is_refused(words: str) -> None:
    with pytest.raises(RunError):
        read([], words)


def test_of_two_networks_the_last_one_counts() -> None:
    found = read(["--network", "host"], "--net bridge")
    assert (found.network, found.passed) == ("bridge", ["--net=bridge"])


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(words: str) -> None:
    with contextlib.suppress(RunError):
        read([], words)


def test_gpus_are_given_by_id() -> None:
    cards = ("GPU-1", "GPU-2")
    assert arguments.gpus(cards, "docker", there=True) == ["--gpus", '"device=GPU-1,GPU-2"']
    assert arguments.gpus(cards, "podman", there=True) == [
        "--device", "nvidia.com/gpu=GPU-1", "--device", "nvidia.com/gpu=GPU-2",
    ]  # fmt: skip


def test_all_gpus_are_given_where_there_are_any() -> None:
    assert arguments.gpus(None, "docker", there=True) == ["--gpus", "all"]
    assert arguments.gpus(None, "docker", there=False) == []


def test_no_gpus_are_given_to_a_task_without() -> None:
    assert arguments.gpus((), "docker", there=True) == []
