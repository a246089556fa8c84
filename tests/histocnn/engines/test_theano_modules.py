"""Theano's modules: with compiled headers, and all of a function at once."""

from pathlib import Path
from typing import Any

from histocnn.job import Job
from tests.in_environment import printed_by

# In Theano's environment, with an empty cache: who calls g++, and where from.
SCRIPT = """
import json, os, subprocess, sys, threading
from histocnn.engines import theano as engine
from histocnn.job import Job
from histocnn.theano1 import modules

compiled, wrap = [], modules.compile_in_parallel

def wrap_the_spy():
    from theano.gof import cmodule
    compile_str = cmodule.GCC_compiler.compile_str
    def spy(module_name, *args, **options):
        main = threading.current_thread() is threading.main_thread()
        compiled.append([module_name, main])
        if sys.argv[1] == "broken" and not main:
            raise OSError("no g++ here")
        return compile_str(module_name, *args, **options)
    cmodule.GCC_compiler.compile_str = staticmethod(spy)
    wrap()

modules.compile_in_parallel = wrap_the_spy
engine.load(Job("theano", "cpu", 32, 10, None, 1, 10))
import numpy, theano
from theano import tensor
from theano.gof import cmodule

x = tensor.matrix()
outputs = [x.sum(axis=0), tensor.tanh(x) * 2, tensor.concatenate([x, x])]
function = theano.function([x], outputs)
found = [value.tolist() for value in function(numpy.ones((1, 2), numpy.float32))]
count = len(compiled)
theano.function([x], outputs)
headers = set()
for extra in ([], ["-fopenmp"]):
    flags = ["-O3", "-fno-math-errno", *cmodule.GCC_compiler.compile_args(), *extra]
    includes = [f"-I{folder}" for folder in cmodule.std_include_dirs()]
    told = subprocess.run(
        ["g++", *flags, *includes, "-fvisibility=hidden", "-H", "-fsyntax-only"]
        + ["-x", "c++", "-"],
        input="int x;", capture_output=True, text=True, check=True,
    ).stderr
    headers |= {line for line in told.splitlines() if line.startswith("!")}
print(json.dumps({"compiled": compiled, "again": len(compiled) - count,
    "found": found, "headers": sorted(os.path.basename(line) for line in headers)}))
"""


def run(cache: Path, how: str) -> dict[str, Any]:
    """What the script printed; ``how`` is ``sound``, or ``broken``: none is ahead."""
    job = Job("theano", "cpu", 32, 10, None, 1, 10)
    printed: dict[str, Any] = printed_by(job, "-c", SCRIPT, how, scratch=cache)
    return printed


def test_a_functions_modules_are_compiled_together(tmp_path: Path) -> None:
    """Each once, and none again from the cache.

    Of three operations one is simplified by computing a part of it: what that takes
    is compiled before the function is known. The folder's name has a space, at which
    Theano splits its flags.
    """
    outcome = run(tmp_path / "a folder", "sound")
    names = [name for name, _ in outcome["compiled"]]
    assert len(names) == len(set(names))
    assert sum(not main for _, main in outcome["compiled"]) == 3
    assert outcome["again"] == 0
    assert outcome["found"][0] == [1, 1]
    # Without OpenMP and with it: g++ took the compiled header for both.
    assert outcome["headers"] == ["openmp", "plain"]


def test_what_fails_ahead_is_compiled_in_its_turn(tmp_path: Path) -> None:
    """Then Theano tells of errors as ever; here the second try succeeds."""
    outcome = run(tmp_path, "broken")
    ahead = [name for name, main in outcome["compiled"] if not main]
    alone = [name for name, main in outcome["compiled"] if main]
    assert len(ahead) == 3
    assert set(ahead) < set(alone)
    assert outcome["found"][0] == [1, 1]


def test_what_was_killed_while_it_compiled_is_cleared_away(tmp_path: Path) -> None:
    """Folders without a key go, those with one stay; in the headers' folder too."""
    run(tmp_path, "sound")
    (compiled,) = tmp_path.rglob("compiledir_*")
    (headers,) = tmp_path.rglob("headers")
    kept = {path.parent for path in compiled.rglob("key.pkl")}
    half = [compiled / "tmphalfmade", headers / "tmphalfmade"]
    for folder in half:
        folder.mkdir()
        (folder / "mod.cpp").touch()
    for ready in headers.glob("*/*.h"):  # to be compiled anew
        ready.parent.rename(ready.parent.with_name("old"))
    run(tmp_path, "sound")
    assert kept
    assert all(path.exists() for path in kept)
    assert not any(folder.exists() for folder in half)
