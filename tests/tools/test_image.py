"""tools/image.py and its labels: which images there are, and what one is built with."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from histocnn import engines
from tools import image, image_labels
from tools.checkout import Checkout
from tools.docker_cli import Docker
from tools.image_labels import labels, pinned, source_fingerprint
from tools.uv import SetupError

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = "debian:bookworm-slim"


@dataclass(frozen=True)
class Engine(Docker):
    """An engine that has the images it is told, and can pull none."""

    images: tuple[str, ...] = ()

    def has(self, image: str) -> bool:
        return image in self.images

    def pull(self, image: str) -> bool:
        return False


def engine(*images: str) -> Engine:
    return Engine("docker", {}, images)


def test_every_engine_has_a_cpu_image_and_theano_one_for_cuda() -> None:
    there = image.images(Checkout(ROOT))
    assert {f"{name}-cpu" for name in engines.names()} <= set(there)
    assert there["theano-cuda"] == ("theano", "cuda")


def test_images_of_several_gigabytes_are_built_by_name_alone() -> None:
    """Without names: every CPU image, and for CUDA what only an image can hold."""
    checkout = Checkout(ROOT)
    usual = image.usual(checkout)
    by_name = [name for name in image.images(checkout) if name not in usual]
    assert "theano-cuda" in usual
    assert by_name == ["jax-cuda", "tensorflow-cuda", "torch-cuda"]


def test_debians_packages_are_named_for_images_that_there_are() -> None:
    """A misspelt file of docker/packages/ would be passed over without a word."""
    named = {file.stem for file in (ROOT / "docker" / "packages").iterdir()}
    assert "theano-cuda" in named
    assert named <= set(image.images(Checkout(ROOT)))


def test_what_is_built_without_names_is_the_usual_or_what_was_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[list[str]] = []

    def build(root: Path, names: list[str], base: str) -> list[str]:
        built.append(names)
        return []

    monkeypatch.setattr(image, "build", build)
    assert image.main([], ROOT) == image.main(["torch-cuda"], ROOT) == 0
    assert built == [image.usual(Checkout(ROOT)), ["torch-cuda"]]


def test_the_help_names_what_is_built_by_name_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        image.main(["--help"], ROOT)
    assert (
        "By name only: jax-cuda, tensorflow-cuda, torch-cuda" in capsys.readouterr().out
    )


@pytest.mark.parametrize("device", image_labels.DEVICES)
def test_both_dockerfiles_start_from_the_same_public_base(device: str) -> None:
    text = (ROOT / "docker" / f"{device}.Dockerfile").read_text(encoding="utf-8")
    assert image.default_base(text) == PUBLIC


def test_labels_tell_versions_of_the_lock_and_of_the_code() -> None:
    found = labels(ROOT, "theano", "cuda")
    assert found["histocnn.keras"] == "2.3.1"
    assert found["histocnn.engine-version"] == "1.0.5"
    assert found["histocnn.device"] == "cuda"
    assert found["histocnn.lock"] != labels(ROOT, "theano", "cpu")["histocnn.lock"]
    assert all(
        found[name] for name in found if not name.endswith(".revision")
    )  # a tarball has no git


def test_a_pin_is_found_by_the_whole_name() -> None:
    lock = "keras-preprocessing==1.1.2 \\\nkeras==2.3.1 \\\n"
    assert pinned(lock, "keras") == "2.3.1"
    assert pinned(lock, "theano") == ""


def test_the_source_fingerprint_changes_with_code_alone(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "a.py").write_text("x = 1\n")
    first = source_fingerprint(package)
    (package / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"bytecode")
    assert source_fingerprint(package) == first
    copy = shutil.copytree(package, tmp_path / "copy")
    assert source_fingerprint(copy) == first
    (package / "a.py").write_text("x = 2\n")
    assert source_fingerprint(package) != first
    (copy / "a.py").rename(copy / "b.py")
    assert source_fingerprint(copy) != first


def test_a_revision_tells_of_changes_that_are_not_committed(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org"]
    assert image_labels.revision(tmp_path) == ""
    for command in (["init", "-q"], ["commit", "-qm", "m", "--allow-empty"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    clean = image_labels.revision(tmp_path)
    assert len(clean) == 40
    (tmp_path / "file").touch()
    subprocess.run([*git, "add", "file"], cwd=tmp_path, check=True)
    assert image_labels.revision(tmp_path) == f"{clean}-dirty"


def test_a_base_that_is_there_is_taken_the_one_asked_for_first() -> None:
    both = engine(image.OWN_BASE, PUBLIC)
    assert image.choose_base(both, ROOT, "", PUBLIC) == PUBLIC
    own = engine(image.OWN_BASE)
    assert image.choose_base(own, ROOT, "", PUBLIC) == image.OWN_BASE
    mine = engine("mine:12", PUBLIC)
    assert image.choose_base(mine, ROOT, "mine:12", PUBLIC) == "mine:12"


def test_who_may_not_make_a_base_is_told_to_name_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="BASE="):
        image.choose_base(engine(), ROOT, "", PUBLIC)


def test_a_base_asked_for_by_name_is_never_replaced_by_another() -> None:
    have = engine(image.OWN_BASE, PUBLIC)
    with pytest.raises(SetupError, match="mine:12 cannot be pulled"):
        image.choose_base(have, ROOT, "mine:12", PUBLIC)


def test_a_build_gets_secrets_as_files_and_labels_as_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy is named, not spelled out: its value stays out of the command."""
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example")
    for unset in ("HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(unset, raising=False)
    command = image.build_command(
        "theano", "cpu", PUBLIC, {"histocnn.engine": "theano"}, {"pip": Path("/s/pip")}
    )
    text = " ".join(command)
    assert text == (
        "build --network=host --file docker/cpu.Dockerfile --tag histocnn:theano-cpu "
        f"--build-arg BASE={PUBLIC} --build-arg ENGINE=theano --build-arg https_proxy "
        "--secret id=pip,src=/s/pip --label histocnn.engine=theano ."
    )


def test_an_unknown_image_is_an_error_that_lists_the_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert image.main(["theano-tpu"], ROOT) == 2
    said = capsys.readouterr().err
    known = ", ".join(image.images(Checkout(ROOT)))
    assert said == f"there is no image 'theano-tpu'; there are: {known}\n"


def test_the_docker_folder_does_not_hide_the_docker_sdk() -> None:
    """A package named `docker` here would be imported instead of the SDK."""
    import docker

    assert callable(docker.from_env)
    assert not (ROOT / "docker" / "__init__.py").exists()
