"""The docker command: one that builds with BuildKit, and the few calls made of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.uv import SetupError, call

NO_COMMAND = "there is no docker command; install Docker (Debian: docker.io)"
NO_BUILDKIT = (
    "this docker cannot build with BuildKit, which the images need: install its buildx "
    "plugin (Debian: docker-buildx)"
)
NO_ENGINE = (
    "no Docker engine answers; start it, set DOCKER_HOST, or as root start one: "
    'eval "$(tools/docker_engine.sh start)"'
)


def candidates(path: str) -> list[str]:
    """Return every `docker` on the search path `path`, first ones first."""
    found = (shutil.which("docker", path=folder) for folder in path.split(os.pathsep))
    return list(dict.fromkeys(program for program in found if program))


def builds(client: str, has_buildx: bool) -> bool:
    """Say whether a client of version `client` can build with BuildKit.

    Up to 22 the command can by itself; from 23 on it is the plugin's.
    """
    major = client.partition(".")[0]
    return has_buildx or (major.isdigit() and int(major) < 23)


@dataclass(frozen=True)
class Docker:
    """A docker command whose engine answers."""

    program: str
    environ: Mapping[str, str] = field(repr=False)

    @classmethod
    def find(cls) -> Docker:
        """Return the first on PATH that builds with BuildKit. Raises SetupError."""
        environ = {**os.environ, "DOCKER_BUILDKIT": "1"}
        programs = candidates(os.environ.get("PATH", os.defpath))
        if not programs:
            raise SetupError(NO_COMMAND)
        for program in programs:
            docker = cls(program, environ)
            plugin = docker._ask("buildx", "version").returncode == 0
            client = docker._ask("version", "--format", "{{.Client.Version}}").stdout
            if builds(client.strip(), plugin):
                break
        else:
            raise SetupError(NO_BUILDKIT)
        asked = docker._ask("version", "--format", "{{.Server.Version}}")
        if "permission denied" in asked.stderr:
            raise SetupError(
                "no permission on the Docker engine's socket; become a member of its "
                "group (usually docker)"
            )
        if asked.returncode:
            raise SetupError(NO_ENGINE)
        return docker

    def has(self, image: str) -> bool:
        """Say whether the engine has `image`."""
        return self._ask("image", "inspect", image).returncode == 0

    def pull(self, image: str) -> bool:
        """Pull `image`; say whether that worked."""
        return self._ask("pull", "--quiet", image).returncode == 0

    def size_bytes(self, image: str) -> int:
        """Return the size of `image`, all layers. Raises SetupError."""
        asked = self._ask("image", "inspect", "--format", "{{.Size}}", image)
        if asked.returncode:
            raise SetupError(
                f"{image} was built, but into another engine than the one that "
                "answers; choose its own builder: docker buildx use default"
            )
        return int(asked.stdout)

    def run(self, arguments: list[str], remedy: str, folder: Path) -> None:
        """Run docker in `folder`; raise SetupError with `remedy` if it fails."""
        call([self.program, *arguments], self.environ, remedy, folder)

    def remove(self, label: str, *names: str) -> None:
        """Remove the images that bear `label`, and `names` where they exist."""
        asked = self._ask("image", "ls", "--quiet", "--filter", f"label={label}")
        wanted = dict.fromkeys(asked.stdout.split())
        wanted |= dict.fromkeys(name for name in names if self.has(name))
        for image in wanted:
            done = self._ask("image", "rm", "--force", image)
            if done.returncode:
                raise SetupError(f"{image} stays: {done.stderr.strip()}")

    def _ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments],
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
