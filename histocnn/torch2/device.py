"""How PyTorch is at its best on a device: memory layout, and kernels compiled.

The engine and the peer heed it alike.
"""

import os
import shutil
import sysconfig
from pathlib import Path
from typing import Any

from histocnn.job import Job


def memory_format(torch: Any, job: Job) -> Any:
    """How images and maps are fastest to lie in memory.

    The channels of a pixel side by side, but for strict float32 on a GPU: what cuDNN
    has for that works on whole planes (H100, 200 px, batch 50: 15,400 images/s against
    13,900). Twice as fast on a CPU, and what the GPU's matrix units need.
    """
    if job.device == "cuda" and job.precision == "float32":
        return torch.contiguous_format
    return torch.channels_last


def why_no_compiler() -> str | None:
    """What `torch.compile` lacks here to write GPU kernels; None where it can."""
    from importlib.util import find_spec

    if find_spec("triton") is None:
        return "there is no Triton here"
    named = os.environ.get("CC")  # and Triton then looks for no other
    if named is not None and not shutil.which(named):
        return f"CC names {named!r}, which is not here, and Triton needs a C compiler"
    if named is None and not any(map(shutil.which, ("clang", "gcc"))):
        return "there is no C compiler here, which Triton needs"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "Python's headers are not here, which Triton needs"
    return None


def compiled(torch: Any, function: Any) -> Any:
    """``function`` compiled for a GPU, its tensors left in the layout they have."""
    return torch.compile(
        function, dynamic=False, options={"layout_optimization": False}
    )
