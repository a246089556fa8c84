"""A bundle runs where there is nothing: built, unpacked and trained with, for real."""

import importlib
import json
import math
import os
import py_compile
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from tools.bundle import __main__ as bundle
from tools.bundle import archive, elf, gpuarray, packages
from tools.bundle.on_target import check
from tools.bundle.pins import pinned, write_pins
from tools.bundle.site_packages import SITE_ENGINES, require_version
from tools.checkout import Checkout, is_ready
from tools.uv import SetupError

ROOT = Path(__file__).parents[2]
CHECKOUT = Checkout(ROOT)
ON_TARGET = ROOT / "tools" / "bundle" / "on_target"
RUN = ON_TARGET / "run"
CASE = (
    *("--devices", "cpu", "--sizes", "32", "--batches", "10", "--cores", "1"),
    *("--images", "20", "--launches", "1", "--rounds", "1", "--benchmark-autosave"),
)
# What the target's shell knows of the machine: where its programs are.
BARE = ("env", "-i", "PATH=/usr/bin:/bin")


def needs(*names: str) -> None:
    """Skip where an environment that a bundle is made of is not built."""
    for name in names:
        if not is_ready(CHECKOUT.folder(name), CHECKOUT.lock(name)):
            pytest.skip(f"environment {name} is not built: make env ENGINE={name}")


# --- Its parts -------------------------------------------------------------------


def test_an_unknown_engine_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bundle.main(["thano"], tmp_path) == 2
    said = "'thano' cannot be bundled; there are: jax, theano, torch\n"
    assert capsys.readouterr().err == said
    assert not (tmp_path / "build").exists()


def test_what_fails_is_one_line_and_leaves_no_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as a network that is not there: what uv's remedy says, and status 1."""

    def fail(*_: object) -> None:
        raise SetupError("packages could not be had")

    assert bundle.main(["theano"], tmp_path, fail) == 1
    error = capsys.readouterr().err
    assert error == "histocnn-theano: not built: packages could not be had\n"
    assert not list((tmp_path / "build").iterdir())


def test_a_bundle_that_has_grown_says_so(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its size stands in the line that ends `make bundle`; too much in another."""
    monkeypatch.setattr(bundle, "MOST_MEGABYTES", 0)

    def make(checkout: Checkout, engine: str, version: str, folder: Path) -> None:
        (folder / engine).write_text(version)

    assert bundle.main(["--site-python", "3.13", "jax"], tmp_path, make) == 0
    said = capsys.readouterr()
    assert "histocnn-jax: 0.0 MB in " in said.out
    assert "leave more out: tools/bundle/packages.py" in said.err
    with tarfile.open(tmp_path / "build" / "histocnn-jax.tar.xz") as tar:
        assert tar.getnames() == ["histocnn-jax/jax"]


def test_an_archive_has_the_same_bytes_again_and_tar_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compressed in parts, side by side; links, modes and whole seconds stay."""
    monkeypatch.setattr(archive, "_PART", 2**14)
    folder = tmp_path / "it"
    (folder / "bin").mkdir(parents=True)
    (folder / "large").write_bytes(os.urandom(10**5))
    (folder / "bin" / "run").write_text("#!/bin/sh\n")
    (folder / "bin" / "run").chmod(0o700)
    (folder / "link").symlink_to("bin/run")
    files = [tmp_path / "one.tar.xz", tmp_path / "two.tar.xz"]
    for file in files:
        archive.pack(folder, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["tar", "-xf", files[0]], cwd=other, check=True)
    assert (other / "it" / "large").read_bytes() == (folder / "large").read_bytes()
    assert (other / "it" / "link").readlink() == Path("bin/run")
    assert os.access(other / "it" / "bin" / "run", os.X_OK)
    before = int((folder / "large").stat().st_mtime)
    assert (other / "it" / "large").stat().st_mtime == before


def test_a_part_of_a_lock_keeps_versions_and_hashes(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("# made\na==1 \\\n    --hash=sha256:0\nb-c==2 \\\n    --hash=x\n")
    file = write_pins(lock, ["b-c"], tmp_path / "pins.txt")
    assert file.read_text() == "b-c==2 \\\n    --hash=x\n"
    with pytest.raises(SetupError, match=r"lock\.txt no longer pins d"):
        write_pins(lock, ["d"], file)


@pytest.mark.parametrize("engine", SITE_ENGINES)
def test_what_a_site_lacks_is_locked(engine: str) -> None:
    """A package that Keras came to need shows in training; one that went, here."""
    assert set(SITE_ENGINES[engine]) <= set(pinned(CHECKOUT.lock(engine)))


@pytest.mark.parametrize(
    "version", ["3", "3.9", "3.2", "3.10", "2.7", "4.0", "3.12.1", "python3", ""]
)
def test_a_wrong_version_of_the_sites_python_is_one_line(
    version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any work, and after the engine, of which Theano's asks for no version."""
    made: list[str] = []

    def make(checkout: Checkout, engine: str, version: str, folder: Path) -> None:
        made.append(engine)

    def status(engine: str) -> int:
        return bundle.main([f"--site-python={version}", engine], tmp_path, make)

    assert status("torch") == 2
    said = f"SITE_PYTHON={version!r} is no version like 3.12, from 3.11 on\n"
    assert capsys.readouterr().err == said
    assert not list(tmp_path.iterdir())
    assert status("thano") == 2
    assert capsys.readouterr().err.startswith("'thano' cannot be bundled")
    assert status("theano") == 0
    assert capsys.readouterr().err == ""
    assert made == ["theano"]


def test_versions_of_the_sites_python_are_numbers() -> None:
    for version in ("3.11", "3.12", "3.20", "3.100"):
        require_version(version)


def test_cuda_and_theano_have_the_same_pins() -> None:
    """One copy of them serves both environments of the bundle."""
    cpu, cuda = (pinned(CHECKOUT.lock(name)) for name in ("theano", gpuarray.NAME))
    assert all(cuda[name].split()[0] == pin.split()[0] for name, pin in cpu.items())


def test_without_debians_packages_theanos_bundle_is_the_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(gpuarray.NoGpuarray, match="there is no apt-get"):
        gpuarray.bundle_gpuarray(CHECKOUT, tmp_path, None)  # type: ignore[arg-type]


def test_glibc_is_the_targets() -> None:
    """What a bundle carries are the other libraries, each of which is here."""
    found = elf.libraries([Path("/bin/sh").resolve()])
    assert not any(name.startswith(("libc.", "ld-", "libm.")) for name in found)
    assert all(place.exists() for place in found.values())


def test_only_what_is_unused_is_left_out(tmp_path: Path) -> None:
    """A pattern leaves out at its own depth, not a namesake further down."""
    ignore = packages._left_out(tmp_path, ("scipy/io", "scipy/*.npz"))
    assert ignore(str(tmp_path / "scipy"), ["io", "a.npz", "b.py", "tests"]) == {
        *("io", "a.npz", "tests")
    }
    assert ignore(str(tmp_path / "other" / "scipy"), ["io", "a.npz"]) == set()


def test_a_site_python_that_does_not_fit_is_told() -> None:
    here = "{}.{}".format(*sys.version_info)
    assert "this bundle is for 3.99" in check.problem("torch", "3.99")
    assert "has no nonesuch; name one" in check.problem("nonesuch", here)
    assert check.problem("json", here) == ""


def test_modules_that_each_start_would_compile_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless their bytecode is there, or can be written there."""
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "uncompiled_here.py"
    source.touch()
    assert not check.is_uncompiled("uncompiled_here")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert check.is_uncompiled("uncompiled_here")
    py_compile.compile(str(source))
    assert not check.is_uncompiled("uncompiled_here")
    assert not check.is_uncompiled("nonesuch")
    assert not check.is_uncompiled("sys")


def test_two_installations_share_no_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At one path one after the other, as in two container images."""
    package = tmp_path / "installed_here"

    def name() -> str:
        package.mkdir()
        (package / "__init__.py").touch()
        importlib.invalidate_caches()
        return check.installation("installed_here")

    monkeypatch.syspath_prepend(tmp_path)
    first = name()
    assert check.installation("installed_here") == first
    package.rename(tmp_path / "before")
    assert name() != first


@pytest.mark.parametrize(
    ("said", "kept"), [("", ""), ("hello\nuncompiled-0a1b", "cache/bytecode-0a1b")]
)
def test_the_start_script_says_where_bytecode_goes(
    said: str, kept: str, tmp_path: Path
) -> None:
    """To whatever it starts, whatever the user has set."""
    for folder in (".envs/bench/bin", "site"):
        (tmp_path / folder).mkdir(parents=True)
    measuring = tmp_path / ".envs" / "bench" / "bin" / "python"
    measuring.write_text('#!/bin/sh\necho "$HISTOCNN_BYTECODE,$PYTHONPYCACHEPREFIX"\n')
    measuring.chmod(0o755)
    shutil.copy2(ON_TARGET / "site_python", tmp_path / "site" / "python")
    (tmp_path / "site" / "python").chmod(0o755)
    (tmp_path / "site" / "check.py").write_text(f"print({said!r})")
    (tmp_path / "VERSION").write_text("engine=torch\nsite_python=3.11\n")
    done = subprocess.run(
        ["sh", shutil.copy2(RUN, tmp_path), "--site-python", sys.executable],
        env={
            "PATH": os.defpath,
            "HISTOCNN_CACHE": str(tmp_path / "cache"),
            "HISTOCNN_BYTECODE": "/of/another",
            "PYTHONPYCACHEPREFIX": str(tmp_path / "mine"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (f"{tmp_path}/{kept},\n" if kept else ",\n")


@pytest.mark.parametrize("prefix", [None, "/a cache/bytecode"])
def test_the_sites_python_keeps_their_bytecode_elsewhere(prefix: str | None) -> None:
    variables = {"HISTOCNN_SITE_PYTHON": sys.executable, "PATH": os.defpath}
    if prefix:
        variables["HISTOCNN_BYTECODE"] = prefix
    told = "import sys; print(sys.pycache_prefix)"
    said = subprocess.run(
        ["sh", ON_TARGET / "site_python", "-c", told],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"{prefix}\n"


def test_the_start_script_is_small_and_sound() -> None:
    """Any POSIX shell reads it."""
    subprocess.run(["sh", "-n", RUN], check=True)
    assert len(RUN.read_text().splitlines()) < 120


# --- The whole --------------------------------------------------------------------


@pytest.fixture(scope="session")
def theano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Theano's archive, as `make bundle` makes it but for its last per cent of size."""
    needs("bench", "theano")
    folder = tmp_path_factory.mktemp("bundle")
    arguments = ["--preset", "0", "--output", str(folder), "theano"]
    assert bundle.main(arguments, ROOT) == 0
    return folder / "histocnn-theano.tar.xz"


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A system of another glibc: a shell, a compiler, no Python, no package manager."""
    if os.geteuid() != 0:
        pytest.skip("only root can make and enter a chroot")
    if shutil.which("mmdebstrap") is None:
        pytest.skip("the chroot is made by mmdebstrap: apt install mmdebstrap")
    root = tmp_path_factory.mktemp("bare")
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=g++", "trixie"]
    done = subprocess.run(
        [*command, str(root)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"mmdebstrap made no chroot: {done.stderr.strip()[-300:]}")
    for program in [*root.glob("usr/bin/apt*"), *root.glob("usr/bin/dpkg*")]:
        program.unlink()
    yield root
    shutil.rmtree(root)  # pytest would keep three of them, 700 MB each


Inside = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def inside(bare: Path, theano: Path) -> Inside:
    """Run a command in that system, without network, beside the unpacked bundle.

    Its folder was moved, has a space in its name, and cannot be written to.
    """
    place = bare / "srv" / "a bundle"
    subprocess.run(["tar", "-xf", theano], cwd=bare / "srv", check=True)
    (bare / "srv" / "histocnn-theano").rename(place)
    (bare / "srv" / "results").mkdir()
    enter = (
        'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && root=$2 && shift 2 '
        '&& exec chroot "$root" "$@"'
    )

    def run(*command: str) -> "subprocess.CompletedProcess[str]":
        alone = ["unshare", "--net", "--pid", "--fork", f"--mount-proc={bare}/proc"]
        here = ["sh", "-c", 'cd /srv/results && exec "$@"', "sh"]
        return subprocess.run(
            [*alone, "sh", "-c", enter, "sh", place, bare, *BARE, *here, *command],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    if (done := run("true")).returncode:
        pytest.skip(f"no network of its own, or no mounts, here: {done.stderr}")
    return run


def test_theano_trains_where_there_is_nothing(inside: Inside, bare: Path) -> None:
    """No network, Python, package manager; another glibc; and the table after it."""
    for program in ("python3", "python", "apt-get", "dpkg", "pip"):
        assert inside("sh", "-c", f"command -v {program}").returncode, program
    done = inside("/srv/a bundle/run", "--engines", "theano", *CASE)
    assert done.returncode == 0, done.stdout + done.stderr
    (saved,) = (bare / "srv" / "results").glob(".benchmarks/*/*.json")
    content = json.loads(saved.read_text())
    (case,) = content["benchmarks"]
    (launch,) = case["extra_info"]["launches"]
    assert all(math.isfinite(each["loss"]) for each in launch["rounds"])
    # Of the locked environment, not of the user's own.
    assert launch["launched"] == {"launcher": "local"}
    assert launch["versions"]["theano"] == "1.0.5"
    assert content["machine_info"]["fingerprint"]["soft"]
    version = (bare / "srv" / "a bundle" / "VERSION").read_text()
    commit = content["commit_info"]["id"].replace("unversioned", "unknown")
    assert f"commit={commit}\n" in version
    table = inside("/srv/a bundle/run", "reports", "speedup")
    assert table.returncode == 0, table.stderr
    assert "theano" in table.stdout
    assert "1 (baseline)" in table.stdout


def test_the_half_for_the_gpu_loads_where_there_is_nothing(
    inside: Inside, bare: Path
) -> None:
    """Pygpu with Theano's NumPy; CUDA alone is missing, and named."""
    folder = Path("/srv/a bundle/.envs/theano-cuda")
    if not (bare / folder.relative_to("/")).exists():
        pytest.skip("bundled for the CPU only: Debian's packages cannot be had here")
    script = (
        "import mako, numpy, pygpu; print(numpy.__version__)\n"
        "try: pygpu.init('cuda')\nexcept Exception as error: print(error)"
    )
    done = inside(str(folder / "bin" / "python"), "-c", script)
    assert done.stdout.startswith("1.23.5\n"), done.stderr
    assert "libcuda.so" in done.stdout
    asked = inside("/srv/a bundle/run", "--devices", "cuda", *CASE[2:])
    assert "no NVIDIA GPU" in asked.stdout + asked.stderr
    assert (bare / folder.relative_to("/") / "include/gpuarray/array.h").exists()


def test_a_bundle_tells_what_its_machine_can_run(inside: Inside) -> None:
    """The environment counts as the lock's: its stamp came along."""
    done = inside("/srv/a bundle/run", "doctor")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.split() == TRAINS], (
        done.stdout
    )


TRAINS = ["local", "theano-cpu", "runs"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's own Python: a virtual environment with PyTorch, without Keras."""
    needs("bench", "torch")
    folder = tmp_path_factory.mktemp("site")
    held = CHECKOUT.folder("torch") / packages.PACKAGES
    brought = set(SITE_ENGINES["torch"]) - {"packaging", "typing-extensions"}
    lacks = {
        file.parts[0]
        for found in metadata.distributions(path=[str(held)])
        if found.name.lower().replace("_", "-") in brought
        for file in found.files or ()
    }
    (folder / "packages").mkdir()
    for entry in held.iterdir():
        if entry.name not in lacks:
            (folder / "packages" / entry.name).symlink_to(entry)
    python = CHECKOUT.folder("torch") / "bin" / "python"
    subprocess.run(
        [python.resolve(), "-m", "venv", "--without-pip", folder / "venv"], check=True
    )
    pth = folder / "venv" / packages.PACKAGES / "site.pth"
    pth.write_text(f"{folder / 'packages'}\n")
    return folder / "venv" / "bin" / "python"


def test_a_bundle_adds_to_the_sites_pytorch_what_it_lacks(
    site: Path, tmp_path: Path
) -> None:
    """Keras and msgspec of the bundle, NumPy and PyTorch of the site."""
    lacking = [str(site), "-c", "import torch, numpy; import keras"]
    done = subprocess.run(lacking, capture_output=True, text=True, check=False)
    assert "No module named 'keras'" in done.stderr
    folder = tmp_path / "a bundle"
    folder.mkdir()
    bundle.bundle(CHECKOUT, "torch", "3.11", folder)
    start = [*BARE, str(folder / "run"), "--site-python", str(site)]
    done = subprocess.run(
        [*start, *CASE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (saved,) = tmp_path.glob(".benchmarks/*/*.json")
    (case,) = json.loads(saved.read_text())["benchmarks"]
    (launch,) = case["extra_info"]["launches"]
    assert launch["launched"] == {"launcher": "local", "interpreter": "own"}
    assert launch["versions"]["torch"]
    assert not list((folder / "site" / "packages").glob("torch*"))
    assert not list((folder / "site" / "packages").glob("numpy*"))
    wrong = subprocess.run(
        [*BARE, str(folder / "run"), "--site-python", "/no/such"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("run: there is no program /no/such; name a Python")
