"""What an agent's configuration says of environments."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskyard.agent.configuration import interpret, read
from taskyard.agent.run.spec import OwnFile
from taskyard.api.errors import TaskyardError

CONF = """
api { web_server: "http://x" }
agent {
    python_binary: "/opt/python"
    package_manager: {
        type: pip,
        poetry_version: "2.1",
        extra_index_url: ["https://me:hush@index.example/simple"]
        system_site_packages: true
        priority_packages: ["numpy"]
        post_packages: ["horovod"]
        force_repo_requirements_txt: true
        conda_channels: ["conda-forge", "nvidia"]
        extra_pip_install_flags: ["--no-deps"]
    }
}
environment { NAME: "of all", COUNT: 3 }
files { one { path: "~/.netrc", contents: "machine x", target_format: raw } }
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    conf = tmp_path / "clearml.conf"
    conf.write_text(CONF)
    return {"CLEARML_CONFIG_FILE": str(conf), "TASKYARD_CONFIG": str(tmp_path / "config.toml")}


def test_a_clearml_conf_is_read(environ: dict[str, str]) -> None:
    wanted = read(environ).environment
    assert (wanted.python_binary, wanted.system_site_packages, wanted.repository_first) == (
        "/opt/python",
        True,
        True,
    )


def test_lists_of_a_clearml_conf_are_read(environ: dict[str, str]) -> None:
    wanted = read(environ).environment
    lists = (wanted.priority_packages, wanted.post_packages, wanted.conda_channels)
    assert lists == (["numpy"], ["horovod"], ["conda-forge", "nvidia"])


def test_indexes_stay_out_of_what_everybody_may_read(environ: dict[str, str]) -> None:
    found = read(environ)
    assert found.index_urls == ["https://me:hush@index.example/simple"]
    assert found.environment.index_urls == []


def test_the_pip_of_every_clearml_conf_is_no_wish(environ: dict[str, str]) -> None:
    assert read(environ).environment.preferred_manager == ""


def test_another_manager_of_a_clearml_conf_is_one(environ: dict[str, str]) -> None:
    file = Path(environ["CLEARML_CONFIG_FILE"])
    file.write_text(CONF.replace("type: pip", "type: conda"))
    assert read(environ).environment.preferred_manager == "conda"


def test_the_users_own_file_comes_before_clearml_conf(environ: dict[str, str]) -> None:
    text = '[agent]\npython_binary = "/mine"\n[agent.package_manager]\ntype = "pip"\n'
    Path(environ["TASKYARD_CONFIG"]).write_text(text)
    wanted = read(environ).environment
    assert (wanted.python_binary, wanted.preferred_manager) == ("/mine", "pip")


def test_sections_of_the_users_own_file_are_read(environ: dict[str, str]) -> None:
    text = '[agent.environment]\nNAME = "mine"\n'
    Path(environ["TASKYARD_CONFIG"]).write_text(text)
    assert read(environ).variables == {"NAME": "mine", "COUNT": "3"}


def test_a_variable_comes_before_the_files(environ: dict[str, str]) -> None:
    environ["CLEARML_AGENT__AGENT__PACKAGE_MANAGER__TYPE"] = "poetry"
    assert read(environ).environment.preferred_manager == "poetry"


def test_a_variable_may_hold_a_list(environ: dict[str, str]) -> None:
    environ["CLEARML_AGENT__AGENT__PACKAGE_MANAGER__POST_PACKAGES"] = '["a", "b"]'
    assert read(environ).environment.post_packages == ["a", "b"]


def test_a_flag_comes_before_all(environ: dict[str, str]) -> None:
    environ["CLEARML_AGENT__AGENT__PACKAGE_MANAGER__TYPE"] = "poetry"
    assert read(environ, manager="uv").environment.preferred_manager == "uv"


def test_files_are_kept_as_they_are_to_be(environ: dict[str, str]) -> None:
    assert read(environ).files == [OwnFile(path="~/.netrc", contents="machine x")]


def test_a_file_of_structure_is_json() -> None:
    file = {"path": "/x", "contents": {"a": 1}, "target_format": "json"}
    assert interpret({"files": {"one": file}}).files[0].contents == '{\n  "a": 1\n}\n'


def test_files_may_be_switched_off() -> None:
    told = {"agent": {"apply_files": False}, "files": {"one": {"path": "/x"}}}
    assert interpret(told).files == []


def test_no_configuration_wishes_for_nothing(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "none")
    found = read({"CLEARML_CONFIG_FILE": nowhere, "TASKYARD_CONFIG": nowhere})
    assert found == interpret({})


def test_a_bare_version_of_poetry_is_that_version(environ: dict[str, str]) -> None:
    assert read(environ).environment.poetry_version == "==2.1"


def test_a_key_that_cannot_be_used_is_named() -> None:
    with pytest.raises(TaskyardError, match="priority_packages"):
        interpret({"agent": {"package_manager": {"priority_packages": 3}}})


def test_an_unknown_manager_is_named() -> None:
    with pytest.raises(TaskyardError, match="pdm") as caught:
        interpret({"agent": {"package_manager": {"type": "pdm"}}})
    assert "poetry" in caught.value.hint


def test_other_keys_of_the_agent_are_left_to_others() -> None:
    assert interpret({"agent": {"worker_id": "x", "venvs_cache": {"max_entries": 10}}})
