"""MemoryPool: what a cnmem value means."""

import pytest

from histocnn.errors import InputError
from histocnn.memory import MemoryPool, PoolKind, asked_bytes, ran_out

GIB = 2**30


@pytest.mark.parametrize(
    ("text", "kind", "reserved", "written"),
    [
        ("0", PoolKind.OFF, None, "0"),
        ("0.0", PoolKind.OFF, None, "0"),
        ("0e5", PoolKind.OFF, None, "0"),
        (".5", PoolKind.FRACTION, 2 * GIB, "0.5"),
        ("1e3", PoolKind.MEGABYTES, 1000 * 2**20, "1000"),
        ("0.5", PoolKind.FRACTION, 2 * GIB, "0.5"),
        ("1", PoolKind.FRACTION, int(0.95 * 4 * GIB), "1"),
        ("0.99", PoolKind.FRACTION, int(0.95 * 4 * GIB), "0.99"),
        ("1024", PoolKind.MEGABYTES, GIB, "1024"),
        ("1024MB", PoolKind.MEGABYTES, GIB, "1024"),
        (" 1024 MB", PoolKind.MEGABYTES, GIB, "1024"),
        ("grow", PoolKind.GROW, None, "grow"),
        ("async", PoolKind.ASYNC, None, "async"),
    ],
)
def test_values_mean_what_cnmem_meant(
    text: str, kind: PoolKind, reserved: int | None, written: str
) -> None:
    """0 is off, up to 1 a share clipped at 0.95, above 1 MB; texts are canonical."""
    pool = MemoryPool.parse(text)
    assert pool.kind is kind
    assert pool.reserved_bytes(4 * GIB) == reserved
    assert str(pool) == written
    assert MemoryPool.parse(str(pool)) == pool


@pytest.mark.parametrize(
    "text",
    [
        *("-0.5", "-1", "nan", "inf", "-inf", "", "lots", "0.5MB", "MB", "1e999"),
        *("1e305", "9999999999999", "0_5", "٠.٥", "1e-400", "1.0000000000000002", "."),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    """Negative, NaN, infinite and wordy values get one line that says what is valid.

    So do numbers that no GPU has, and those that would be measured as others.
    """
    with pytest.raises(InputError, match="is not a memory pool; use 0"):
        MemoryPool.parse(text)


#: What Theano said on an H100 of 4 GB, but for what stands after it.
GRADIENT = """GpuMaxPoolGrad: failed to allocate memory
Apply node that caused the error: GpuMaxPoolGrad{mode='max', ndim=2}(GpuContiguous.0, …)
Toposort index: 178
Inputs types: [GpuArrayType<None>(float32, 4D), GpuArrayType<None>(float32, 4D)]
Inputs shapes: [(208, 32, 198, 198), (208, 32, 99, 99), (208, 32, 99, 99), (2,)]
Inputs strides: [(5018112, 156816, 792, 4), (1254528, 39204, 396, 4)]
"""


class XlaRuntimeError(RuntimeError):
    """As JAX names what its compiler and allocator say."""


class OutOfMemoryError(RuntimeError):
    """As PyTorch names it, whatever it says."""


def raised_from(error: Exception) -> Exception:
    """An error of Keras' own that ``error`` caused."""
    try:
        raise ValueError("an epoch failed") from error
    except ValueError as caught:
        return caught


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("tried to allocate 20 GiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA_ERROR_OUT_OF_MEMORY"),
        XlaRuntimeError("RESOURCE_EXHAUSTED: allocating 1073741824 bytes"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("_EagerConst: Dst tensor is not initialized."),
        RuntimeError("Autotuning failed for HLO: NOT_FOUND: No valid config found!"),
        RuntimeError("Autotuner could not find any supported configs for HLO: f32[3]"),
        RuntimeError("DNN library initialization failed. Look at the errors above"),
        RuntimeError("BaseGpuCorrMM: Failed to allocate output of 6 x 32 x 9 x 9"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublas…"),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("Unable to allocate 3 GiB for an array"),
        raised_from(RuntimeError("out of memory")),
    ],
)
def test_want_of_memory_is_told_apart(error: Exception) -> None:
    """However a framework, a driver or an allocator says it, and who passes it on."""
    assert ran_out(error)


@pytest.mark.parametrize(
    "error",
    [
        *(RuntimeError("out of range"), ValueError("memory layout"), KeyError("m")),
        ImportError("libgomp: cannot allocate memory in static TLS block"),
    ],
)
def test_other_errors_are_not_for_want_of_memory(error: Exception) -> None:
    """Though they may speak of it."""
    assert not ran_out(error)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has …", 5 * 2**29),
        ("RESOURCE_EXHAUSTED: Out of memory allocating 16384 bytes.", 16384),
        ("Out of memory while trying to allocate 1.5GiB. [tf-allocator…", 3 * 2**29),
        ("Out of memory while trying to allocate 20480000 bytes.", 20480000),
        ("Trying to preallocate 77480 MB of GPU memory while only", 77480 * 2**20),
        ("Unable to allocate 3.00 GiB for an array with shape (9,)", 3 * 2**30),
        (
            "OOM when allocating tensor with shape[150,32,198,198] and type float on …",
            150 * 32 * 198 * 198 * 4,
        ),
        (
            "BaseGpuCorrMM: Failed to allocate output of 600 x 32 x 198 x 198",
            600 * 32 * 198 * 198 * 4,
        ),
        ("GpuCorrMM failed to allocate working memory of 27 x 39204\n", 27 * 39204 * 4),
        (GRADIENT, 208 * 32 * 198 * 198 * 4),
        (GRADIENT.partition("Inputs shapes")[0], None),
        ("cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY: out of memory", None),
        ("allocate 1.2.3 GiB", None),
        ("allocate " + "9" * 400 + " bytes", None),
        ("allocate output of " + "9" * 5000 + " x 2", None),
        (GRADIENT.replace("208, 32, 198, 198", "9" * 5000), None),
        (GRADIENT.replace("208, 32, 198, 198", " , "), None),
        ("allocat" * 100_000, None),
        ("OOM when allocating tensor with shape[,] and type float", 4),
        ("", None),
    ],
)
def test_how_much_was_asked_for_is_read_from_what_was_said(
    said: str, asked: int | None
) -> None:
    """In the words of PyTorch, JAX, Theano, NumPy and TensorFlow."""
    assert asked_bytes(RuntimeError(said)) == asked


def test_it_is_read_from_a_cause_too() -> None:
    """What an engine raised may be wrapped by Keras."""
    assert asked_bytes(raised_from(RuntimeError("tried to allocate 2 MiB"))) == 2**21
