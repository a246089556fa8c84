"""TensorFlow under Keras 3: the paper's CPU engine."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from histocnn.job import Job

DISTRIBUTIONS = ("tensorflow-cpu", "keras", "numpy")
# The pinned package is TensorFlow's CPU build.
DEVICES = ("cpu",)
DATA_FORMAT = "channels_last"
FLIPS_KERNELS = False


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


@dataclass(frozen=True)
class TensorFlowRuntime:
    """TensorFlow loaded under Keras 3."""

    keras: ModuleType
    tensorflow: Any

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

    threading = tensorflow.config.threading
    threading.set_intra_op_parallelism_threads(job.cores)
    threading.set_inter_op_parallelism_threads(job.cores)
    import keras

    return TensorFlowRuntime(keras, tensorflow)
