"""The paper's CNN, in the names that Keras 2.3 and Keras 3 have in common."""

import math
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHANNELS = 3
FILTERS = (32, 32, 64)
KERNEL = 3
POOL = 2
DENSE = 64
LEARNING_RATE = 1e-3
CONVOLUTIONS = tuple(f"conv{number}" for number in range(1, len(FILTERS) + 1))
LAYERS = (*CONVOLUTIONS, "dense", "malignant")


def feature_side(size: int) -> int:
    """Side, in px, of the maps behind the last pooling for images of ``size`` px.

    Zero or less: the image is too small for three valid convolutions with pooling.
    """
    for _ in FILTERS:
        size = (size - KERNEL + 1) // POOL
    return size


def smallest_size() -> int:
    """The smallest image, in px, that leaves one value a map."""
    return next(size for size in range(1, 1000) if feature_side(size) >= 1)


def initial_weights(
    size: int, seed: int
) -> "dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]":
    """Glorot-uniform kernels and zero biases, the same for every engine.

    Drawn with NumPy, so that losses of different engines start from one point.

    Returns
    -------
    kernel and bias by the layer's name, in the order of `LAYERS`: kernels (3, 3, in,
    out) for convolutions and (in, out) for dense layers, whatever the data format:
    Keras keeps both so.
    """
    # Imported here, since a worker must be pinned before NumPy starts its threads.
    import numpy as np

    rng = np.random.default_rng(seed)
    inputs = (CHANNELS, *FILTERS[:-1])
    shapes: list[tuple[int, ...]] = [
        (KERNEL, KERNEL, fan_in, fan_out)
        for fan_in, fan_out in zip(inputs, FILTERS, strict=True)
    ]
    shapes += [(feature_side(size) ** 2 * FILTERS[-1], DENSE), (DENSE, 1)]
    weights = {}
    for name, shape in zip(LAYERS, shapes, strict=True):
        area = math.prod(shape[:-2])
        limit = math.sqrt(6 / (area * (shape[-2] + shape[-1])))
        kernel = rng.uniform(-limit, limit, shape).astype(np.float32)
        weights[name] = (kernel, np.zeros(shape[-1], np.float32))
    return weights


def input_shape(size: int, data_format: str) -> tuple[int, int, int]:
    """Shape of one image of ``size`` px in Keras' ``data_format``."""
    if data_format == "channels_first":
        return (CHANNELS, size, size)
    return (size, size, CHANNELS)


def build_model(
    keras: ModuleType,
    size: int,
    data_format: str,
    seed: int,
    *,
    flip_kernels: bool,
    **options: Any,
) -> Any:
    """The compiled network, with the weights of `initial_weights`.

    Three 3×3 valid convolutions (32, 32, 64 filters, ReLU), each with 2×2 max-pooling,
    dense 64 (ReLU), dense 1 (sigmoid); binary cross-entropy, Adam 1e-3, accuracy. The
    paper draws this in its figure 2 and prints no filters: these are the ones that
    the Keras examples of its time used.

    Parameters
    ----------
    keras
        the `keras` package itself, 2.3 or 3.
    size
        side of the square images, px.
    data_format
        ``channels_last``: input (batch, size, size, 3); ``channels_first``: (batch, 3,
        size, size). The weights are the same for both.
    flip_kernels
        turn the starting kernels by half, for an engine that turns them back: then
        all engines compute the same function at the start.
    options
        more of what the engine wants of `Model.compile`.
    """
    layers = keras.layers
    # Zeros, since the weights are set below: on Theano, random ones cost a compilation.
    zeros = {"kernel_initializer": "zeros"}
    image = layers.Input(shape=input_shape(size, data_format))
    x = image
    for name, filters in zip(CONVOLUTIONS, FILTERS, strict=True):
        x = layers.Conv2D(
            filters,
            KERNEL,
            activation="relu",
            data_format=data_format,
            name=name,
            **zeros,
        )(x)
        x = layers.MaxPooling2D(POOL, data_format=data_format)(x)
    x = layers.Flatten(data_format=data_format)(x)
    x = layers.Dense(DENSE, activation="relu", name="dense", **zeros)(x)
    # In float32 whatever the policy: the loss takes the logarithm of what comes out.
    malignant = layers.Dense(
        1, activation="sigmoid", name="malignant", dtype="float32", **zeros
    )(x)
    model = keras.models.Model(inputs=image, outputs=malignant)
    for name, (kernel, bias) in initial_weights(size, seed).items():
        turned = flip_kernels and kernel.ndim == 4
        model.get_layer(name).set_weights(
            [kernel[::-1, ::-1] if turned else kernel, bias]
        )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=LEARNING_RATE),
        loss="binary_crossentropy",
        metrics=["accuracy"],
        **options,
    )
    return model
