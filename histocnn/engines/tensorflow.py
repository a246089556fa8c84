"""TensorFlow under Keras 3: the paper's CPU engine, and on a GPU beside the others."""

import contextlib
import ctypes
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from histocnn import cuda
from histocnn.errors import InputError
from histocnn.job import Job
from histocnn.measurement import EngineMemory
from histocnn.memory import LARGEST_FRACTION, MEBIBYTE, PoolKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# TensorFlow is one package with CUDA and another without; an environment has either.
DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu", "keras", "numpy")
DEVICES = ("cpu", "cuda")
# Its packages are CUDA 12's. For GPUs newer than Ada (8.9) the pinned one has some of
# its kernels (Cast, DivNoNan) as PTX of CUDA 12.5 alone, which the driver translates:
# there it takes 555.42.
LEAST_DRIVER = (525, 60)
# The other costs 1.6 times the CPU seconds an epoch at 64 px, batch 20.
DATA_FORMAT = "channels_last"
FLIPS_KERNELS = False
PRECISIONS = ("float32", "tf32", "bfloat16")

#: Whom TensorFlow asks for GPU memory in place of its own pool, and their names there.
ALLOCATOR = "TF_GPU_ALLOCATOR"
_ALLOCATORS = {PoolKind.OFF: "cuda_malloc", PoolKind.ASYNC: "cuda_malloc_async"}


def unsupported(job: Job) -> str | None:
    """Nothing beyond `DEVICES` and `PRECISIONS`."""
    return None


def lacks(interpreter: Path) -> str | None:
    """Nothing: its packages are complete."""
    return None


def environment(job: Job, cache: Path) -> dict[str, str]:
    """Keras' choice of engine, TensorFlow's threads, the pool, and less logging."""
    variables = {
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": str(cache / "keras3"),
        "TF_NUM_INTRAOP_THREADS": str(job.cores),
        "TF_NUM_INTEROP_THREADS": str(job.cores),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    pool = job.pool
    if pool is None:
        variables["CUDA_VISIBLE_DEVICES"] = "-1"  # it would take a GPU unasked
    elif pool.kind in _ALLOCATORS:
        variables[ALLOCATOR] = _ALLOCATORS[pool.kind]
    elif pool.kind is PoolKind.GROW:
        variables["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    if pool is not None and job.gpu_memory is not None:
        # It would leave up to 1.8 GB alone; what cnmem=1 leaves is enough.
        rest = round(job.gpu_memory * (1 - LARGEST_FRACTION))
        variables["TF_DEVICE_MIN_SYS_MEMORY_IN_MB"] = str(rest)
    return variables  # a share of the GPU's memory: `load` sees the GPU


class Fused:
    """An epoch of a Keras model as one graph: a `tf.while_loop` over its steps.

    The images lie in a variable, so that a run sends the device nothing but the order.
    """

    # None for the missing XLA: a graph without it is the faster one on a CPU. Images/s
    # on 2 cores at 32 px, batch 10: 2375; 1103 with XLA by the step, 176 by the epoch.
    notes: tuple[str, ...] = ()

    def __init__(
        self, tensorflow: Any, model: Any, batch: int, device: str, *, xla: bool
    ) -> None:
        """For ``model``, compiled, in steps of ``batch`` images on ``device``.

        ``device`` is as TensorFlow names it: ``CPU:0``. With ``xla`` a step is compiled
        by it, and the loop over the steps is not.
        """
        self._tensorflow = tensorflow
        self._model = model
        self._batch = batch
        self._device = device
        self._images: Any = None
        self._labels: Any = None
        # A traced function may not make variables in its second trace.
        model.optimizer.build(model.trainable_variables)
        # A loop that we write ourselves needs no rewriting of our source.
        self._one = (
            tensorflow.function(self._step, autograph=False, jit_compile=True)
            if xla
            else self._step
        )
        self._epoch = tensorflow.function(self._trace, autograph=False)

    def load(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> None:
        """Assign the variables, which the first call makes."""
        if self._images is None:
            variable = self._tensorflow.Variable
            with self._tensorflow.device(self._device):
                self._images = variable(images, trainable=False)
                self._labels = variable(labels, trainable=False)
        else:
            self._images.assign(images)
            self._labels.assign(labels)

    def run(self, order: "NDArray[np.int32]") -> tuple[Any, Any]:
        """One call of the graph; losses and accuracies are tensors, (steps,)."""
        losses, accuracies = self._epoch(order.reshape(-1, self._batch))
        return losses, accuracies

    def weights(self) -> "list[NDArray[np.float32]]":
        """The model's own, which are trained in place."""
        weights: list[NDArray[np.float32]] = self._model.get_weights()
        return weights

    def _trace(self, order: Any) -> tuple[Any, Any]:
        """Train on ``order``, (steps, batch) int32."""
        tensorflow = self._tensorflow
        steps = order.shape[0]

        def body(step: Any, losses: Any, accuracies: Any) -> tuple[Any, Any, Any]:
            loss, accuracy = self._one(order[step])
            return step + 1, losses.write(step, loss), accuracies.write(step, accuracy)

        empty = tensorflow.TensorArray(tensorflow.float32, steps, element_shape=())
        _, losses, accuracies = tensorflow.while_loop(
            lambda step, *_: step < steps, body, (0, empty, empty)
        )
        return losses.stack(), accuracies.stack()

    def _step(self, indices: Any) -> tuple[Any, Any]:
        """Loss and accuracy of the batch at ``indices``, (batch,), before its update.

        As `keras.Model.train_step` goes, but for the running means of its metrics.
        """
        tensorflow, model = self._tensorflow, self._model
        images = tensorflow.gather(self._images, indices)
        labels = tensorflow.gather(self._labels, indices)
        with tensorflow.GradientTape() as tape:
            malignant = model(images, training=True)
            loss = model.compute_loss(y=labels, y_pred=malignant, training=True)
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply(gradients, model.trainable_variables)
        right = tensorflow.equal(malignant > 0.5, labels > 0.5)
        return loss, tensorflow.reduce_mean(tensorflow.cast(right, loss.dtype))


@dataclass(frozen=True)
class TensorFlowRuntime:
    """TensorFlow loaded under Keras 3."""

    keras: ModuleType
    tensorflow: Any
    gpu: Any = None  # the `PhysicalDevice`; None on the CPU
    #: Bytes of the GPU that the pool was made with; None where it was made empty.
    reserved: int | None = None
    #: By how much that made the driver's free memory less; None where it was empty.
    held: int | None = None
    _traced: set[str] = field(default_factory=set)

    @property
    def compile_options(self) -> dict[str, Any]:
        """No XLA on a CPU, where it is the slower one; on a GPU what Keras does: XLA.

        As Keras' "auto" has it on either.
        """
        # Images/s on 2 cores, without and with: 1442 and 1034 at 32 px, batch 10; 873
        # and 284 at 64 px, batch 20; 324 and 77 at 128 px, batch 50.
        return {"jit_compile": "auto" if self.gpu else False}

    def as_input(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> tuple[Any, Any]:
        """The arrays as they are."""
        return images, labels

    def put(self, array: "NDArray[np.float32]") -> Any:
        """A tensor with memory of its own, filled before this returns."""
        with self.tensorflow.device(self._device):
            copy = self.tensorflow.constant(array)
        self.synchronise()
        return copy

    @property
    def _device(self) -> str:
        """What is computed on, as TensorFlow names it."""
        return "GPU:0" if self.gpu else "CPU:0"

    def free_bytes(self) -> int | None:
        """What the reserved pool may still hand out, else what the driver has free.

        TensorFlow does not tell how much a pool that grows holds unused.
        """
        if self.gpu is None:
            return None
        if self.reserved is None:
            free, _ = cuda.memory()
            return free
        return self.reserved - int(self._count()["current"])

    def memory(self) -> EngineMemory | None:
        """As its pool counts; what the pool has, by the driver's free memory."""
        if self.gpu is None:
            return None
        allocator = os.environ.get(ALLOCATOR, "bfc")
        if allocator == _ALLOCATORS[PoolKind.OFF]:
            return EngineMemory(allocator)
        count = self._count()
        return EngineMemory(
            allocator, self.held, in_use=count["current"], peak=count["peak"]
        )

    def _count(self) -> dict[str, int]:
        """The pool's bytes in use, ``current`` and ``peak``."""
        count: dict[str, int] = self.tensorflow.config.experimental.get_memory_info(
            self._device
        )
        return count

    def compilations(self) -> int:
        """Functions that were traced, whoever asked for them, Keras' among them.

        TensorFlow's own counters cannot be read from Python, so the names of its
        functions are counted: each trace adds some, and none comes twice.
        """
        # Keras takes the same module for its loop: there is no public name for it.
        from tensorflow.python.eager import context

        self._traced.update(context.context().list_function_names())
        return len(self._traced)

    def fused(self, model: Any, job: Job) -> Fused:
        """An epoch in one graph; on a GPU its steps go through XLA, as `fit`'s do."""
        # XLA by the step is what Keras' own loop has there: so the two loops differ in
        # nothing but what is around a step.
        gpu = self.gpu is not None
        return Fused(self.tensorflow, model, job.batch, self._device, xla=gpu)

    def seed(self, seed: int) -> None:
        """Seed Python, NumPy and TensorFlow, which shuffles."""
        self.keras.utils.set_random_seed(seed)

    def synchronise(self) -> None:
        """Wait for the GPU; on the CPU an operation ends before it returns."""
        self.tensorflow.test.experimental.sync_devices()

    def threads(self) -> int:
        """Threads that one operation may use, as TensorFlow has them set."""
        return int(self.tensorflow.config.threading.get_intra_op_parallelism_threads())

    def device_name(self) -> str:
        """The GPU's name; on the CPU TensorFlow's own, which tells no make."""
        config = self.tensorflow.config
        if self.gpu is None:
            return str(config.list_logical_devices()[0].name)
        details = config.experimental.get_device_details(self.gpu)
        return str(details.get("device_name", self.gpu.name))


def _show_cuda() -> None:
    """Show TensorFlow its packages' cuSOLVER, and XLA their compiler of PTX.

    2.21 loads CUDA's libraries by a path that lacks cuSOLVER, without which it
    registers no GPU; what is loaded already it finds by its name. XLA would take the
    compiler of /usr/local/cuda, of whatever version, before the package's.
    """
    for library in cuda.packaged("cusolver/lib/libcusolver.so.*"):
        with contextlib.suppress(
            OSError
        ):  # then it sees no GPU, and `_take_gpu` says so
            ctypes.CDLL(str(library))
    for folder in cuda.packaged("cuda_nvcc"):
        if not re.search(r"\s", str(folder)):  # which would end the flag
            os.environ["XLA_FLAGS"] = f"--xla_gpu_cuda_data_dir={folder}"


def _fail_at_once() -> None:
    """Have TensorFlow's pool refuse at once what it has not got.

    It would wait 10 s first, each time, and XLA asks for each algorithm that it tries.
    """
    # There is no public name for it; where it has another one, it waits.
    from tensorflow.python.eager import context

    eager = context.context()
    options = getattr(eager, "_compute_gpu_options", None)
    if options is None:
        return

    def impatient() -> Any:
        found = options()
        found.experimental.disallow_retry_on_allocation_failure = True
        return found

    eager._compute_gpu_options = impatient


def _take_gpu(tensorflow: Any, job: Job) -> tuple[Any, int | None, int | None]:
    """The GPU to compute on, the bytes that its pool may have, and those it has taken.

    Raises
    ------
    InputError
        where TensorFlow sees no GPU: it would train on the CPU without a word.
    MemoryError
        where less is free than is to be reserved: it would quietly reserve less.
    """
    config = tensorflow.config
    gpus = config.list_physical_devices("GPU")
    if not gpus:
        raise InputError(
            "TensorFlow sees no GPU here and would train on the CPU; a library of "
            "CUDA's is missing or not for this driver, or CUDA_VISIBLE_DEVICES hides "
            "the GPU: import tensorflow without TF_CPP_MIN_LOG_LEVEL to read which"
        )
    config.set_visible_devices(gpus[:1], "GPU")  # of others it would fill the memory
    if job.reserved_bytes(1) is None:
        return gpus[0], None, None  # without asking the driver, which makes a context
    free, total = cuda.memory()
    megabytes = (job.reserved_bytes(total) or 0) // MEBIBYTE
    if megabytes * MEBIBYTE > free:
        raise MemoryError(
            f"cnmem={job.cnmem} asks to allocate {megabytes * MEBIBYTE} bytes of a GPU "
            f"that has {free} free"
        )
    share = config.LogicalDeviceConfiguration(memory_limit=megabytes)
    config.set_logical_device_configuration(gpus[0], [share])
    with tensorflow.device("GPU:0"):
        tensorflow.zeros(1)  # the limit is a ceiling until something is allocated
    left, _ = cuda.memory()
    return gpus[0], megabytes * MEBIBYTE, free - left


def load(job: Job) -> TensorFlowRuntime:
    """Import TensorFlow, fix its threads before it makes any, then import Keras.

    Raises `InputError` or `MemoryError` where a GPU is asked for and cannot be had.
    """
    import tensorflow

    config = tensorflow.config
    config.threading.set_intra_op_parallelism_threads(job.cores)
    config.threading.set_inter_op_parallelism_threads(job.cores)
    config.experimental.enable_tensor_float_32_execution(job.precision == "tf32")
    taken: tuple[Any, int | None, int | None] = (None, None, None)
    if job.pool is not None:
        _show_cuda()
        _fail_at_once()
        taken = _take_gpu(tensorflow, job)
    import keras

    if job.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    return TensorFlowRuntime(keras, tensorflow, *taken)
