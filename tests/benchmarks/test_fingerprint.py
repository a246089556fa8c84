"""The fingerprint: facts as kernels and drivers tell them, and nobody's name."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from benchmarks import fingerprint, gpu_facts, software_facts
from benchmarks.fingerprint import Fingerprint, hard_digest, installed, take
from benchmarks.kernel_facts import Kernel
from histocnn import pinning
from reports import load

Tree = Callable[[dict[str, str]], Path]

CPU = "sys/devices/system/cpu"
CPUINFO = """\
processor\t: {}
model name\t: Xeon(R)  Gold 6130
microcode\t: 0x2007006
flags\t\t: fpu sse2 hypervisor
"""
SERVER = {
    "proc/cpuinfo": CPUINFO.format(0) + "\n" + CPUINFO.format(1),
    "proc/meminfo": "MemTotal:       65843216 kB\nSwapTotal:        4194300 kB\n",
    "proc/self/cgroup": "0::/pod/box\n",
    "proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
    "sys/fs/cgroup/pod/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/pod/box/cpu.max": "max 100000\n",
    "sys/devices/system/node/online": "0-1\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    f"{CPU}/smt/active": "1\n",
    f"{CPU}/intel_pstate/no_turbo": "0\n",
    **{f"{CPU}/cpu{n}/topology/thread_siblings_list": "0-1\n" for n in (0, 1)},
    **{f"{CPU}/cpu{n}/cpufreq/scaling_governor": "powersave\n" for n in (0, 1)},
    f"{CPU}/cpu0/cpufreq/base_frequency": "2100000\n",
    f"{CPU}/cpu0/cpufreq/cpuinfo_max_freq": "3700000\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes files of a kernel below a root."""

    def write(files: dict[str, str]) -> Path:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    return write


def _as_json(taken: Fingerprint) -> str:
    return json.dumps(msgspec.to_builtins(taken), ensure_ascii=False)


def test_a_server_is_told_as_its_kernel_tells_it(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One core of two threads, of which a control group above gives one and a half."""
    monkeypatch.setattr(pinning, "usable_cpus", lambda: (0, 1))
    taken = take(root=tree(SERVER))
    hard, soft = taken.hard, taken.soft
    assert (hard.cpu_model, hard.usable_cpus) == ("Xeon(R) Gold 6130", 2)
    assert (hard.physical_cores, hard.smt, hard.cpu_quota) == (1, True, 1.5)
    assert (hard.memory_bytes, hard.container) == (64 * 2**30, None)
    assert (soft.kernel, soft.microcode) == ("6.1.0-18-amd64", "0x2007006")
    assert (soft.is_virtual, soft.governor, soft.boost) == (True, "powersave", True)
    assert (soft.base_mhz, soft.max_mhz, soft.numa_nodes) == (2100, 3700, 2)
    assert (soft.huge_pages, soft.swap_bytes) == ("madvise", 4194300 * 1024)


def test_a_kernel_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    """Every fact of it is None, or empty."""
    taken = take(root=tmp_path, checkout=tmp_path)
    hard = replace(taken.hard, gpus=())
    assert {value for value in msgspec.to_builtins(hard).values() if value} == {
        hard.architecture,
        hard.usable_cpus,
    }
    soft = replace(taken.soft, gpu_driver=None, gpus=(), packages={})
    assert not any(msgspec.to_builtins(soft).values())


@pytest.mark.parametrize("text", ["", "?", "\x00", "-1", "[", "9-", ":", "a b c", "é"])
def test_nonsense_in_every_file_is_no_error(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(pinning, "usable_cpus", lambda: (0, 1))
    taken = take(root=tree(dict.fromkeys(SERVER, text)))
    assert (taken.hard.memory_bytes, taken.hard.cpu_quota) == (None, None)
    assert (taken.soft.boost, taken.soft.max_mhz) == (None, None)


def test_files_that_are_folders_are_no_error(tree: Tree) -> None:
    root = tree({f"{name}/x": "" for name in SERVER})
    assert take(root=root).hard.cpu_model is None


def test_arm_is_told_by_its_numbers(tree: Tree) -> None:
    """It has no name in /proc; of unlike cores all are told."""
    part = "CPU implementer\t: 0x41\nCPU part\t: {}\n"
    root = tree({"proc/cpuinfo": part.format("0xd05") + "\n" + part.format("0xd0b")})
    kernel = Kernel(root, (0,))
    assert kernel.cpu_model == "CPU implementer 0x41, CPU part 0xd05/0xd0b"
    assert kernel.is_virtual is None


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000"}, 0.5),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000"}, None),
        ({"proc/self/cgroup": "0::/../x", "sys/fs/cgroup/cpu.max": "200000 1000"}, 200),
        (
            {
                "proc/self/cgroup": "4:memory:/\n3:cpu,cpuacct:/docker/1\n0::/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        (
            {
                "proc/self/cgroup": "3:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
    ],
)
def test_quota_of_either_version_of_control_groups(
    tree: Tree, files: dict[str, str], quota: float | None
) -> None:
    assert Kernel(tree(files), (0,)).cpu_quota == quota


@pytest.mark.parametrize(
    ("files", "container"),
    [
        ({".dockerenv": ""}, "docker"),
        ({"run/.containerenv": ""}, "podman"),
        ({"run/systemd/container": "lxc\n"}, "lxc"),
        ({"run/systemd/container": "My Box\n"}, None),
        ({"proc/self/cgroup": "1:cpu:/kubepods/burstable/pod1\n"}, "kubepods"),
        ({"proc/self/cgroup": "0::/user.slice\n"}, None),
    ],
)
def test_container_is_known_by_its_marks(
    tree: Tree, files: dict[str, str], container: str | None
) -> None:
    assert Kernel(tree(files), (0,)).container == container


@pytest.mark.parametrize(
    ("left", "bought"),
    [
        (0.95, 1),
        (7.6, 8),
        (15.5, 16),
        (23.54, 24),
        (125.6, 128),
        (503.5, 512),
        (16, 16),
    ],
)
def test_memory_is_as_installed_whatever_a_kernel_left(
    left: float, bought: int
) -> None:
    """GiB; another kernel that keeps a hundred MiB more is the same machine."""
    for kept in (0, 0.01):
        assert installed(int((left - kept) * 2**30)) == bought * 2**30


class NoAnswer(Exception):
    """What the library raises, of a kind of its own."""


def _driver(monkeypatch: pytest.MonkeyPatch, **functions: Any) -> None:
    """Stand a library with two GPUs in for NVML; what is not named is not told."""

    def silent(*_: object) -> None:
        raise NoAnswer

    class Library(SimpleNamespace):
        def __getattr__(self, name: str) -> object:
            return 1 if name.isupper() else silent

    told = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        **functions,
    }
    monkeypatch.setitem(sys.modules, "pynvml", Library(**told))


def test_gpus_are_told_as_their_driver_tells_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory as installed; watts, not the driver's milliwatts."""
    memory = SimpleNamespace(total=81559 * 2**20)
    _driver(
        monkeypatch,
        nvmlSystemGetDriverVersion=lambda: "580.1",
        nvmlDeviceGetName=lambda _: "H100",
        nvmlDeviceGetMemoryInfo=lambda _: memory,
        nvmlDeviceGetEnforcedPowerLimit=lambda _: 700_000,
        nvmlDeviceGetMigMode=lambda _: [0, 1],
        nvmlDeviceGetPersistenceMode=lambda _: 1,
    )
    taken = take()
    assert taken.soft.gpu_driver == "580.1"
    assert taken.hard.gpus == (gpu_facts.Gpu("H100", 80 * 2**30),) * 2
    state = taken.soft.gpus[0]
    assert (state.power_limit_watts, state.mig, state.persistence) == (700, False, True)
    assert (state.application_mhz, state.ecc) == (None, None)


def test_a_driver_that_answers_nothing_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A GPU is there, of no known make; without its handle there is none."""
    _driver(monkeypatch)
    assert take().hard.gpus == (gpu_facts.Gpu(None, None),) * 2
    _driver(monkeypatch, nvmlDeviceGetHandleByIndex=lambda _: 1 / 0)
    lost = "GPU 1: the NVIDIA driver says: division by zero"
    assert gpu_facts.read() == gpu_facts.GpuFacts(problem=lost)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    absent = gpu_facts.read()
    assert absent == gpu_facts.GpuFacts(problem=absent.problem)
    assert absent.problem


@pytest.fixture
def named(
    tmp_path: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """A root and a checkout, with odd names wherever a name may be found."""
    home = tmp_path / "homes" / "plugh"
    checkout = home / "src"
    (checkout / "requirements").mkdir(parents=True)
    (checkout / "requirements" / "bench.txt").write_text("# for plugh\n")
    for variable in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(variable, "plugh")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HOSTNAME", "xyzzy")
    monkeypatch.setattr("getpass.getuser", lambda: "plugh")
    monkeypatch.setattr("socket.gethostname", lambda: "xyzzy")
    git = ("git", "-c", "user.name=plugh", "-c", "user.email=plugh@xyzzy")
    for arguments in (
        ("init", "--quiet", "--initial-branch=plugh/xyzzy"),
        ("commit", "--quiet", "--allow-empty", "--message=by plugh"),
    ):
        subprocess.run([*git, *arguments], cwd=checkout, check=True)
    names = {
        "proc/sys/kernel/hostname": "xyzzy\n",
        "proc/sys/kernel/osrelease": "6.1.0-plugh-xyzzy\n",
        "proc/self/cgroup": "0::/user.slice/plugh\n",
        "etc/hostname": "xyzzy\n",
    }
    return tree({**SERVER, **names}), checkout


def test_neither_user_nor_machine_is_named(named: tuple[Path, Path]) -> None:
    """Nor are the home folder, the branch, or who built the kernel and the images."""
    root, checkout = named
    images = {"xyzzy:5000/plugh/box": "sha256:ab", "src": str(checkout / "box.tar")}
    taken = take(images, root=root, checkout=checkout)
    text = _as_json(taken)
    assert "plugh" not in text
    assert "xyzzy" not in text
    assert str(checkout.parent) not in text
    assert taken.soft.images == {"…:5000/…/box": "sha256:ab", "src": "./box.tar"}
    assert taken.soft.kernel == "6.1.0-…-…"
    assert taken.soft.git is not None
    assert taken.soft.git.changed_files == 1


def test_machine_is_named_where_that_was_asked_for(named: tuple[Path, Path]) -> None:
    """Among the soft facts: it forbids no comparison."""
    root, checkout = named
    plain, told = (take({}, ask, root=root, checkout=checkout) for ask in (False, True))
    assert told.soft.host == "xyzzy"
    assert told == replace(plain, soft=replace(plain.soft, host="xyzzy"))


def test_git_counts_what_differs_from_the_commit(named: tuple[Path, Path]) -> None:
    _, checkout = named
    (checkout / ".gitignore").write_text("ignored\n")
    (checkout / "ignored").touch()
    (checkout / "new").touch()
    state = software_facts.git(checkout)
    assert state is not None
    assert state.commit is not None
    assert len(state.commit) == 40
    assert (state.dirty, state.changed_files) == (True, 3)


def test_copy_without_git_takes_no_repository_around_it(
    named: tuple[Path, Path],
) -> None:
    _, checkout = named
    (checkout / "copy").mkdir()
    assert software_facts.git(checkout / "copy") is None


def test_missing_or_failing_git_is_no_error(
    named: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, checkout = named
    (checkout / ".git" / "HEAD").write_text("nonsense")
    assert software_facts.git(checkout) is None
    monkeypatch.setenv("PATH", "")
    assert software_facts.git(checkout) is None


def test_locks_and_packages_of_this_checkout_are_told() -> None:
    soft = take().soft
    assert len(soft.locks["bench"]) == 64
    assert soft.packages["python"].startswith("3.")
    assert {"histocnn", "pytest-benchmark", "numpy"} <= soft.packages.keys()


def test_digest_differs_with_any_hard_fact_and_with_no_soft_one() -> None:
    taken = take()
    again = hard_digest(take(host_name=True).hard)
    assert hard_digest(taken.hard) == again
    assert len(again) == 16
    for name, value in msgspec.to_builtins(taken.hard).items():
        changed: dict[str, Any] = {name: f"not {value}"}
        assert hard_digest(replace(taken.hard, **changed)) != again, name


def test_reports_tell_machines_apart_by_the_same_digest(tmp_path: Path) -> None:
    """Though they share no code."""
    taken = take()
    path = tmp_path / "run.json"
    machine = {"fingerprint": msgspec.to_builtins(taken)}
    path.write_text(
        json.dumps({"benchmarks": [{"name": "x"}], "machine_info": machine}, indent=1)
    )
    (file,) = load.read([path]).files
    assert file.machine.hard == hard_digest(taken.hard)


def test_it_is_quick() -> None:
    """The best of three: beside it, cases wait."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        fingerprint.take()
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.3


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        (
            {
                "proc/self/cgroup": "0::/kubepods/pod1\n",
                "sys/fs/cgroup/kubepods/pod1/memory.max": "max\n",
                "sys/fs/cgroup/kubepods/memory.max": "536870912\n",
            },
            2**29,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/docker/x\n3:cpu:/y\n",
                "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "1073741824\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2**63 - 4096}\n",
            },
            2**30,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2**63 - 4096}\n",
            },
            None,
        ),
    ],
)
def test_limit_of_memory_of_either_version_of_control_groups(
    tree: Tree, files: dict[str, str], limit: int | None
) -> None:
    """The least of the group's own and those of the groups above it."""
    assert Kernel(tree(files), (0,)).memory_limit == limit
