"""TensorFlow under Keras 3: the paper's CPU engine."""

from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from histocnn.job import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DISTRIBUTIONS = ("tensorflow-cpu", "keras", "numpy")
# The pinned package is TensorFlow's CPU build.
DEVICES = ("cpu",)
# The other costs 1.6 times the CPU seconds an epoch at 64 px, batch 20.
DATA_FORMAT = "channels_last"
FLIPS_KERNELS = False
PRECISIONS = ("float32", "tf32", "bfloat16")


def unsupported(job: Job) -> str | None:
    """Nothing beyond `DEVICES`."""
    return None


def lacks(interpreter: Path) -> str | None:
    """Nothing: its package is complete."""
    return None


def environment(job: Job, cache: Path) -> dict[str, str]:
    """Keras' choice of engine, TensorFlow's threads, and its logging turned down."""
    return {
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": str(cache / "keras3"),
        "TF_NUM_INTRAOP_THREADS": str(job.cores),
        "TF_NUM_INTEROP_THREADS": str(job.cores),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
    }


class Fused:
    """An epoch of a Keras model as one graph: a `tf.while_loop` over its steps.

    The images lie in a variable, so that a run sends the device nothing but the order.
    """

    # None for the missing XLA: a graph without it is the faster one here. Images/s on
    # 2 cores at 32 px, batch 10: 2375; 1103 with XLA by the step, 176 by the epoch.
    notes: tuple[str, ...] = ()

    def __init__(self, tensorflow: Any, model: Any, batch: int) -> None:
        """For ``model``, compiled, in steps of ``batch`` images."""
        self._tensorflow = tensorflow
        self._model = model
        self._batch = batch
        self._images: Any = None
        self._labels: Any = None
        # A traced function may not make variables in its second trace.
        model.optimizer.build(model.trainable_variables)
        # A loop that we write ourselves needs no rewriting of our source.
        self._epoch = tensorflow.function(self._trace, autograph=False)

    def load(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> None:
        """Assign the variables, which the first call makes."""
        if self._images is None:
            variable = self._tensorflow.Variable
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
            loss, accuracy = self._step(order[step])
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
    _traced: set[str] = field(default_factory=set)

    @property
    def compile_options(self) -> dict[str, Any]:
        """No XLA: on a CPU it is the slower one, the more so the larger the images.

        As Keras' "auto" has it where it sees no GPU.
        """
        # Images/s on 2 cores, without and with: 1442 and 1034 at 32 px, batch 10; 873
        # and 284 at 64 px, batch 20; 324 and 77 at 128 px, batch 50.
        return {"jit_compile": False}

    def as_input(
        self, images: "NDArray[np.float32]", labels: "NDArray[np.float32]"
    ) -> tuple[Any, Any]:
        """The arrays as they are."""
        return images, labels

    def put(self, array: "NDArray[np.float32]") -> Any:
        """A tensor with memory of its own, filled before this returns."""
        return self.tensorflow.constant(array)

    def free_bytes(self) -> int | None:
        """None: the pinned package computes on the host alone."""
        return None

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
        """An epoch in one graph."""
        return Fused(self.tensorflow, model, job.batch)

    def seed(self, seed: int) -> None:
        """Seed Python, NumPy and TensorFlow, which shuffles."""
        self.keras.utils.set_random_seed(seed)

    def synchronise(self) -> None:
        """Run a barrier: eager operations on the CPU end before they return."""
        self.tensorflow.test.experimental.sync_devices()

    def threads(self) -> int:
        """Threads that one operation may use, as TensorFlow has them set."""
        return int(self.tensorflow.config.threading.get_intra_op_parallelism_threads())

    def device_name(self) -> str:
        """TensorFlow's name of the first device."""
        return str(self.tensorflow.config.list_logical_devices()[0].name)


def load(job: Job) -> TensorFlowRuntime:
    """Import TensorFlow, fix its threads before it makes any, then import Keras."""
    import tensorflow

    config = tensorflow.config
    config.threading.set_intra_op_parallelism_threads(job.cores)
    config.threading.set_inter_op_parallelism_threads(job.cores)
    config.experimental.enable_tensor_float_32_execution(job.precision == "tf32")
    import keras

    if job.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    return TensorFlowRuntime(keras, tensorflow)
