"""A container engine and images for it, with no registry in reach.

``python -m tests.beds.docker`` starts an engine where none answers and makes the images: from
Debian's packages once, then kept in the engine and as an archive in ``.cache``.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.beds.waiting import until

IMAGE = "taskyard-test"
"""Debian with Python 3, git and certificates."""
PLAIN_USER = "taskyard-test:user"
"""The same, run as a user without rights."""
WITHOUT_PYTHON = "taskyard-test:bare"
PLAIN_USER_ID = 1234

_ARCHIVE = Path(__file__).parents[2] / ".cache" / "images" / "taskyard-test.tar"
_PACKAGES = "python3,python3-venv,git,ca-certificates"
_LOG = Path("/var/log/taskyard-test-dockerd.log")
_VARIANTS = {
    PLAIN_USER: f"RUN useradd --uid {PLAIN_USER_ID} --create-home plain\nUSER plain\n",
    WITHOUT_PYTHON: "RUN rm -rf /usr/bin/python3* /usr/bin/git\n",
}


def docker(*words: str, given: str | None = None, program: str = "docker") -> str:
    """What a command of Docker's, or of Podman's, prints; it must succeed."""
    done = subprocess.run(
        [program, *words], input=given, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{program} {' '.join(words)}: {done.stderr}"
    return done.stdout.strip()


def answers(*host: str) -> bool:
    """Whether an engine does."""
    command = ["docker", *host, "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def containers(label: str = "taskyard.run", program: str = "docker") -> list[str]:
    """Names of the containers that carry a label, running or not."""
    words = ("ps", "--all", "--filter", f"label={label}", "--format", "{{.Names}}")
    return docker(*words, program=program).split()


def set_up() -> None:
    """Start an engine where none answers; make the images that are missing."""
    if not answers():
        with _LOG.open("ab") as log:
            subprocess.Popen(["dockerd"], stdout=log, stderr=log, start_new_session=True)
        until(answers, f"dockerd to answer: see {_LOG}")
    if not _is_there(IMAGE):
        docker("import", str(archive()), IMAGE)
    for name, lines in _VARIANTS.items():
        if not _is_there(name):
            docker("build", "--tag", name, "-", given=f"FROM {IMAGE}\n{lines}")
    if not _is_there(IMAGE, "podman"):
        docker("import", str(archive()), IMAGE, program="podman")


def _is_there(name: str, program: str = "docker") -> bool:
    command = [program, "image", "inspect", name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def archive() -> Path:
    """The image as a file, made when it is missing."""
    if not _ARCHIVE.exists():
        _ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
        aside = _ARCHIVE.with_name("making.tar")
        form = "$(REPO_URI) $(CODENAME)"
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", form, "Created-By: Packages"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        mirror, suite = listed.stdout.splitlines()[0].split()
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}", suite,
             str(aside), mirror], check=True,
        )  # fmt: skip
        aside.rename(_ARCHIVE)
    return _ARCHIVE


if __name__ == "__main__":
    set_up()
