"""Tasks in containers: images, users, environments, arguments, secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.beds import docker
from tests.beds.waiting import until
from tests.containers.conftest import Yard

WAITS = """
import pathlib, time
print("up", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.02)
print("done", flush=True)
"""
WHO = "import os, sys; print(os.getuid(), os.getcwd(), sys.prefix)"


def test_a_task_runs_in_the_agents_image_with_its_code_mounted(yard: Yard, busy: str) -> None:
    assert yard.run(WHO, busy) == ["0 /taskyard/code /taskyard/environment"]


def test_a_tasks_own_image_comes_before_the_agents(yard: Yard, busy: str) -> None:
    printed = yard.run(WHO, busy, image=docker.PLAIN_USER)
    assert printed == [f"{docker.PLAIN_USER_ID} /taskyard/code /taskyard/environment"]


def test_a_queues_image_comes_before_the_agents(yard: Yard, queue: str) -> None:
    found = yard.site.api("queues.get_all", name=queue)["queues"][0]["id"]
    item = {"key": "container_image", "type": "str", "value": docker.PLAIN_USER}
    yard.site.api("queues.add_or_update_metadata", queue=found, metadata=[item])
    yard.agent(queue)
    assert yard.run(WHO, queue)[0].startswith(f"{docker.PLAIN_USER_ID} ")


def test_what_a_plain_user_writes_belongs_to_the_agent_afterwards(yard: Yard, busy: str) -> None:
    code = """
import os, pathlib
pathlib.Path("written").write_text("x")
pathlib.Path(os.environ["TASKYARD_CHECKPOINT_DIR"], "kept").write_text("y")
"""
    task = yard.submit(code, busy, image=docker.PLAIN_USER)
    assert yard.outcome(task)[0] == "completed"
    agent = yard.site.agent_data / "agents" / "many"
    written = agent / "runs" / f"{task}.1" / "code" / "written"
    kept = yard.site.agent_data / "checkpoints" / task / "kept"
    assert (written.stat().st_uid, kept.stat().st_uid) == (0, 0)


def test_packages_are_installed_once_and_used_again(yard: Yard, busy: str) -> None:
    code = "import idna, sys; print(idna.__file__)"
    first = yard.site.submit(code, busy, flags=("--packages", "idna"))
    assert yard.outcome(first)[0] == "completed", yard.site.console(first)
    assert yard.lines(first)[0].startswith("/taskyard/packages/")
    assert "idna==" in yard.site.task(first)["script"]["requirements"]["pip"]
    second = yard.site.submit(code, busy, flags=("--packages", "idna"))
    assert yard.outcome(second)[0] == "completed"
    details = [phase.get("detail", "") for phase in yard.site.attempts(second)[0]["phases"]]
    assert "used before" in " ".join(details)
    assert yard.lines(second) == yard.lines(first)


def test_packages_of_the_image_are_seen_and_not_installed_again(
    yard: Yard, busy: str, image_with_package: str
) -> None:
    code = "import onlyhere; print(onlyhere.__file__)"
    assert yard.run(code, busy, image=image_with_package) == [
        "/usr/lib/python3/dist-packages/onlyhere.py"
    ]


def test_packages_of_the_image_stay_apart_when_the_task_says_so(
    yard: Yard, busy: str, image_with_package: str
) -> None:
    code = """
try:
    import onlyhere
except ImportError:
    print("apart")
"""
    image = {"image": image_with_package, "python_packages": "apart"}
    assert yard.run(code, busy, **image) == ["apart"]


def test_the_images_python_serves_as_it_is_when_the_task_says_so(yard: Yard, busy: str) -> None:
    assert yard.run("import sys; print(sys.prefix)", busy, python_packages="image") == ["/usr"]


@pytest.fixture(scope="module")
def image_with_package(engine: None) -> str:
    name = "taskyard-test:package"
    site = "/usr/lib/python3/dist-packages"
    about = f"{site}/onlyhere-1.0.dist-info"
    docker.docker(
        "build", "--tag", name, "-",
        given=f"FROM {docker.IMAGE}\n"
        f"RUN mkdir {about} && touch {site}/onlyhere.py {about}/RECORD && "
        f"printf 'Metadata-Version: 2.1\\nName: onlyhere\\nVersion: 1.0\\n' > {about}/METADATA\n",
    )  # fmt: skip
    return name


def test_a_set_up_script_changes_the_container_before_the_code_starts(
    yard: Yard, busy: str
) -> None:
    script = "echo made >/made\n# a comment\nif true; then\n  echo in the script\nfi\n"
    task = yard.submit("print(open('/made').read())", busy, setup_shell_script=script)
    assert yard.outcome(task)[0] == "completed", yard.site.console(task)
    assert "in the script" in yard.lines(task)
    assert "made" in yard.lines(task)
    assert yard.phases(task) == ["image", "source", "patch", "environment", "setup", "launch"]


def test_a_failing_set_up_script_is_named(yard: Yard, busy: str) -> None:
    task = yard.submit("print('never')", busy, setup_shell_script="echo wrong\nfalse\necho on")
    status, cause, message = yard.outcome(task)
    assert (status, cause) == ("failed", "environment")
    assert "the set-up script failed (exit code 1)" in message
    assert "never" not in yard.lines(task)


def test_an_image_without_python_that_can_get_none_is_named(yard: Yard, busy: str) -> None:
    variables = "-e UV_PYTHON_DOWNLOADS=never"
    task = yard.submit("pass", busy, image=docker.WITHOUT_PYTHON, arguments=variables)
    status, cause, message = yard.outcome(task)
    assert (status, cause) == ("failed", "environment")
    assert "the image has no Python" in message
    assert "could not be installed" in message


def test_an_image_that_is_nowhere_is_named_with_the_engines_words(yard: Yard, busy: str) -> None:
    task = yard.submit("print('never')", busy, image="127.0.0.1:9/no/such:image")
    status, cause, message = yard.outcome(task)
    assert (status, cause) == ("failed", "image")
    assert "connection refused" in message


def test_an_image_is_not_pulled_where_the_policy_forbids_it(yard: Yard, busy: str) -> None:
    task = yard.submit("print('never')", busy, image="no/such:image", pull="never")
    status, cause, message = yard.outcome(task)
    assert (status, cause) == ("failed", "image")
    assert "is not on this machine" in message


def test_keys_are_not_to_be_seen_with_the_engine(yard: Yard, busy: str) -> None:
    arguments = "-e MY_TOKEN=verysecretword"
    task = yard.submit(WAITS, busy, arguments=arguments)
    yard.site.printed_by(task, "up")
    profile = yard.site.profile()
    seen = docker.docker("inspect", yard.container(task))
    for secret in (profile.secret_key, profile.access_key, "verysecretword"):
        assert secret not in seen
        assert secret not in yard.site.console(task)
    go(yard, task)
    assert yard.outcome(task)[0] == "completed"


def test_a_tasks_own_variables_are_there(yard: Yard, busy: str) -> None:
    code = "import os; print(os.environ['MY_TOKEN'], os.environ['CLEARML_TASK_ID'])"
    task = yard.submit(code, busy, arguments="-e 'MY_TOKEN=two words'")
    assert yard.outcome(task)[0] == "completed"
    assert yard.lines(task) == [f"two words {task}"]


def test_limits_and_labels_reach_the_engine(yard: Yard, busy: str) -> None:
    arguments = "--shm-size 70m --cpus 0.5 -m 300m --label colour=blue -v kept:/kept"
    task = yard.submit(WAITS, busy, arguments=arguments)
    yard.site.printed_by(task, "up")
    found = json.loads(docker.docker("inspect", yard.container(task)))[0]
    host = found["HostConfig"]
    assert (host["ShmSize"], host["NanoCpus"], host["Memory"]) == (70 << 20, 500_000_000, 300 << 20)
    assert found["Config"]["Labels"]["colour"] == "blue"
    assert [m["Name"] for m in found["Mounts"] if m["Type"] == "volume"] == ["kept"]
    go(yard, task)
    assert yard.outcome(task)[0] == "completed"
    until(lambda: found["Name"][1:] not in docker.containers(), "the container's removal")
    docker.docker("volume", "rm", "kept")


def test_a_port_that_is_taken_is_replaced_by_a_free_one_and_told(yard: Yard, busy: str) -> None:
    arguments = f"--network bridge -p {yard.site.port}:80"
    task = yard.submit(WAITS, busy, arguments=arguments)
    yard.site.printed_by(task, "up")
    name = yard.container(task)
    found = json.loads(docker.docker("inspect", name))[0]
    outer = found["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    assert outer != str(yard.site.port)
    phases = yard.site.attempts(task)[0]["phases"]
    assert f"80 is port {outer}" in phases[-1]["detail"]
    go(yard, task)
    assert yard.outcome(task)[0] == "completed"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--privileged", "privileged"),
        ("-v /:/host", "volume"),
        ("--mount type=bind,source=/,target=/host", "mount"),
        ("--network container:other", "network"),
        ("--pid=host", "pid"),
        ("--device /dev/sda", "device"),
    ],
)
def test_arguments_that_open_the_machine_are_refused(
    yard: Yard, busy: str, arguments: str, named: str
) -> None:
    task = yard.submit("print('never')", busy, arguments=arguments)
    status, cause, message = yard.outcome(task)
    assert (status, cause) == ("failed", "image")
    assert f"--{named}" in message


def test_the_agents_owner_may_allow_arguments(yard: Yard, queue: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from the machine")
    yard.agent(queue, "--docker-allow", f"volume={tmp_path}")
    printed = yard.run(
        "print(open('/data/file').read())", queue, arguments=f"-v {tmp_path}:/data:ro"
    )
    assert printed == ["from the machine"]


def test_out_of_memory_is_named(yard: Yard, busy: str) -> None:
    task = yard.submit("x = bytearray(400 << 20)", busy, arguments="-m 60m --memory-swap 60m")
    status, cause, message = yard.outcome(task)
    assert (status, cause) == ("failed", "out of memory")
    assert "60 MiB" in message


def test_the_exit_code_of_the_task_is_known(yard: Yard, busy: str) -> None:
    task = yard.submit("print('so it is'); raise SystemExit(7)", busy)
    assert yard.outcome(task) == ("failed", "user code", "exit code 7: so it is")


def test_a_package_that_does_not_exist_is_named(yard: Yard, busy: str) -> None:
    task = yard.site.submit("pass", busy, flags=("--packages", "no-such-package-anywhere"))
    status, cause, message = yard.outcome(task)
    assert (status, cause) == ("failed", "environment")
    assert "no-such-package-anywhere" in message


def go(yard: Yard, task: str) -> None:
    """Let the code WAITS come to its end."""
    (yard.site.agent_data / "agents" / "many" / "runs" / f"{task}.1" / "code" / "go").touch()
