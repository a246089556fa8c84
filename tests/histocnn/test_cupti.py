"""Calls for memory are counted as CUPTI reports them; a stand-in of it is compiled."""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from histocnn import cupti

# Ids as CUPTI's: dense from 1 in each domain; a call is reported twice.
SOURCE = r"""
typedef void (*callback_t)(void *, int, unsigned, const int *);
static callback_t subscribed;
static int enabled[3][16];
int taken;
static const char *names[3][16] = {
    {0},
    {0, "cuInit", "cuMemAlloc_v2", "cuMemFree_v2", "cuMemAllocHost_v2", "cuLaunch"},
    {0, "cudaMalloc_v3020", "cudaMallocHost_v3020"},
};

int cuptiGetCallbackName(int domain, unsigned id, const char **name) {
    if (!names[domain][id]) return 1;
    *name = names[domain][id];
    return 0;
}
int cuptiSubscribe(void **subscriber, callback_t callback, void *userdata) {
    if (subscribed || taken) return 39;
    subscribed = callback;
    return 0;
}
int cuptiEnableCallback(unsigned on, void *subscriber, int domain, unsigned id) {
    enabled[domain][id] = on;
    return 0;
}
int cuptiUnsubscribe(void *subscriber) { subscribed = 0; return 0; }
void call(int domain, unsigned id) {
    int enter = 0, leave = 1;
    if (!subscribed || !enabled[domain][id]) return;
    subscribed(0, domain, id, &enter);
    subscribed(0, domain, id, &leave);
}
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ctypes.CDLL:
    """The stand-in, found as CUPTI is."""
    compiler = shutil.which("gcc") or shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a C compiler for a stand-in of CUPTI")
    source, target = tmp_path / "cupti.c", tmp_path / "libcupti_stand_in.so"
    source.write_text(SOURCE)
    command = [compiler, "-xc", "-shared", "-fPIC", str(source), "-o", str(target)]
    subprocess.run(command, check=True)
    monkeypatch.setattr(cupti, "_LIBRARIES", (str(target),))
    return ctypes.CDLL(str(target))


def test_calls_for_device_memory_are_counted_by_name(library: ctypes.CDLL) -> None:
    """Once each, though both ends of a call are told, and of the device alone."""
    with cupti.memory_calls() as calls:
        for function in (2, 2, 2, 3, 4, 5, 1):
            library.call(1, function)
        library.call(2, 1)
        library.call(2, 2)
    assert calls == {"cuMemAlloc_v2": 3, "cuMemFree_v2": 1, "cudaMalloc_v3020": 1}
    assert cupti.allocations(calls) == 3


def test_nothing_is_counted_behind_the_block(library: ctypes.CDLL) -> None:
    with cupti.memory_calls() as calls:
        library.call(1, 2)
    library.call(1, 2)
    assert calls == {"cuMemAlloc_v2": 1}


def test_it_can_be_asked_again(library: ctypes.CDLL) -> None:
    for _ in range(2):
        with cupti.memory_calls() as calls:
            library.call(1, 2)
        assert calls == {"cuMemAlloc_v2": 1}


def test_where_another_tool_has_cupti_it_cannot_be_told(library: ctypes.CDLL) -> None:
    ctypes.c_int.in_dll(library, "taken").value = 1
    with cupti.memory_calls() as calls:
        library.call(1, 2)
    assert calls is None


def test_without_cupti_it_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cupti, "_LIBRARIES", ("libno-such-cupti.so",))
    monkeypatch.setattr(sys, "path", [])
    with cupti.memory_calls() as calls:
        pass
    assert calls is None


def test_where_only_an_engines_packages_have_cupti_it_is_theirs(
    library: ctypes.CDLL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loader does not look there."""
    folder = tmp_path / "site-packages" / "nvidia" / "cuda_cupti" / "lib"
    folder.mkdir(parents=True)
    (folder / "libcupti.so.12").symlink_to(library._name)
    monkeypatch.setattr(cupti, "_LIBRARIES", ("libno-such-cupti.so",))
    monkeypatch.setattr(sys, "path", ["", str(tmp_path / "site-packages")])
    with cupti.memory_calls() as calls:
        library.call(1, 2)
    assert calls == {"cuMemAlloc_v2": 1}


def test_an_error_inside_leaves_nothing_subscribed(library: ctypes.CDLL) -> None:
    with pytest.raises(RuntimeError, match="out of memory"), cupti.memory_calls():
        raise RuntimeError("out of memory")
    with cupti.memory_calls() as calls:
        library.call(1, 2)
    assert calls == {"cuMemAlloc_v2": 1}
