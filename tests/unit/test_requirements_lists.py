"""Requirement lists that mean the same are the same."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.agent.environments import interpreters
from taskyard.agent.environments.requirements import Project, normal, pin_git, read
from taskyard.api.errors import RunError

NOWHERE = Path("/nonexistent")
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?", fullmatch=True)
PINS = st.builds(lambda n, v: f"{n}=={v[0]}.{v[1]}", NAMES, st.tuples(*[st.integers(0, 99)] * 2))
LISTS = st.lists(PINS, max_size=8, unique=True)


def _identity(text: str) -> object:
    return read(text, base=NOWHERE, tree=NOWHERE).identity()


@given(LISTS, st.randoms())
def test_order_does_not_matter(lines: list[str], random: Random) -> None:
    mixed = list(lines)
    random.shuffle(mixed)
    assert _identity("\n".join(lines)) == _identity("\n".join(mixed))


@given(LISTS, st.sampled_from(["# note", "", "   ", "\t# x"]))
def test_comments_and_blank_lines_do_not_matter(lines: list[str], noise: str) -> None:
    noisy = "\n".join(part for line in lines for part in (noise, f"{line}  # why", noise))
    assert _identity(noisy) == _identity("\n".join(lines))


@given(PINS)
def test_spelling_does_not_matter(line: str) -> None:
    name, version = line.split("==")
    spelled = f"  {name.upper().replace('-', '_')} ==  {version} "
    assert _identity(spelled) == _identity(line)


@given(LISTS, PINS)
def test_another_package_matters(lines: list[str], more: str) -> None:
    if more not in lines:
        assert _identity("\n".join([*lines, more])) != _identity("\n".join(lines))


@given(PINS)
def test_the_normal_form_is_stable(line: str) -> None:
    assert normal(normal(line)) == normal(line)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("numpy == 1.26.4", "numpy==1.26.4"),
        ("Pillow>=9 , <11", "pillow<11,>=9"),
        ("torch (>=2)", "torch>=2"),
        ("uvicorn [Standard, other]~=0.30", "uvicorn[other,standard]~=0.30"),
        ("a ;  python_version <  '3.9'", "a; python_version < '3.9'"),
        ("x==1 --hash=sha256:bb --hash=sha256:aa", "x==1 --hash=sha256:aa --hash=sha256:bb"),
        ("A_b @ https://e.org/a.whl", "a-b @ https://e.org/a.whl"),
        ("git+https://e.org/r.git@v1#egg=r", "git+https://e.org/r.git@v1#egg=r"),
    ],
)
def test_a_requirement_has_one_spelling(written: str, expected: str) -> None:
    assert normal(written) == expected


def test_a_backslash_joins_lines() -> None:
    found = read("x==1 \\\n  --hash=sha256:aa\n", base=NOWHERE, tree=NOWHERE)
    assert [package.text for package in found.packages] == ["x==1 --hash=sha256:aa"]


def test_an_index_matters() -> None:
    assert _identity("--extra-index-url https://e.org/simple\nx") != _identity("x")


def test_a_password_in_an_address_does_not_matter() -> None:
    assert _identity("x @ https://a:b@e.org/x.whl") == _identity("x @ https://c:d@e.org/x.whl")


def test_an_editable_git_repository_is_an_ordinary_one() -> None:
    found = read("-e git+https://e.org/r.git@main#egg=r", base=NOWHERE, tree=NOWHERE)
    assert [package.text for package in found.packages] == ["git+https://e.org/r.git@main#egg=r"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-e ./pkg", Project("pkg", editable=True)),
        ("--editable=./pkg", Project("pkg", editable=True)),
        ("./pkg[gpu]", Project("pkg", extras="[gpu]")),
        ("mine @ ./pkg", Project("pkg")),
        ("-e .", Project(".", editable=True)),
    ],
)
def test_folders_of_the_tree_are_set_apart(tmp_path: Path, line: str, expected: Project) -> None:
    (tmp_path / "pkg").mkdir()
    assert read(line, base=tmp_path, tree=tmp_path).projects == [expected]


def test_a_folder_by_its_file_address_is_set_apart(tmp_path: Path) -> None:
    (tmp_path / "a pkg").mkdir()
    address = (tmp_path / "a pkg").as_uri()
    found = read(f"mine @ {address}", base=tmp_path, tree=tmp_path)
    assert found.projects == [Project("a pkg")]


def test_lists_that_include_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r b.txt\none\n")
    (tmp_path / "b.txt").write_text("-r a.txt\ntwo\n")
    found = read("-r a.txt", base=tmp_path, tree=tmp_path)
    assert sorted(package.text for package in found.packages) == ["one", "two"]


def test_constraints_are_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("two<3\n")
    found = read("-c c.txt\none\n", base=tmp_path, tree=tmp_path)
    assert [c.text for c in found.constraints] == ["two<3"]


def test_a_missing_include_is_named() -> None:
    with pytest.raises(RunError, match=r"gone\.txt"):
        read("-r gone.txt", base=NOWHERE, tree=NOWHERE)


COMMIT = "0123456789" * 4


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a @ git+https://e.org/r.git@main", f"a @ git+https://e.org/r.git@{COMMIT}"),
        ("a @ git+https://e.org/r.git", f"a @ git+https://e.org/r.git@{COMMIT}"),
        ("git+ssh://git@e.org/r.git@v1#egg=a", f"git+ssh://git@e.org/r.git@{COMMIT}#egg=a"),
    ],
)
def test_moving_git_references_are_pinned(line: str, expected: str) -> None:
    found = read(line, base=NOWHERE, tree=NOWHERE)
    pin_git(found, lambda *_: COMMIT)
    assert [package.text for package in found.packages] == [expected]


def test_a_commit_is_not_looked_up() -> None:
    found = read(f"a @ git+https://e.org/r.git@{COMMIT}", base=NOWHERE, tree=NOWHERE)
    pin_git(found, lambda *_: "f" * 40)
    assert COMMIT in found.packages[0].text


@pytest.mark.parametrize(
    ("version", "spec", "expected"),
    [
        ("3.11.7", ">=3.10", True),
        ("3.11.7", ">=3.12", False),
        ("3.11.7", ">=3.9,<3.11", False),
        ("3.11.7", "==3.11.*", True),
        ("3.11.7", "~=3.10", True),
        ("3.11.7", "~=3.11.8", False),
        ("3.11.7", "!=3.11.7", False),
        ("3.11.7", "", True),
    ],
)
def test_version_ranges(version: str, spec: str, expected: bool) -> None:
    assert interpreters.satisfies(version, spec) is expected


def test_a_minor_version_is_no_prefix_of_another() -> None:
    assert not interpreters.matches("3.11.7", "3.1")
