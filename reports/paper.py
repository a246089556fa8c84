"""What the paper measured and printed, to stand beside what is measured here."""

from reports.combination import ASSUMED, Combination

#: Image sizes in px, batch sizes and numbers of cores of its grid.
SIZES = (32, 64, 128, 180, 200)
BATCHES = (10, 20, 50, 100, 150)
CORES = (16, 8, 4, 2, 1)
POOLS = ("0", "1")

#: Of figure 6 and the abstract: image size in px and memory pool of its speed-ups.
SIZE = 200
POOL = "1"
#: The highest over batch sizes against so many cores, which is all that it prints.
HIGHEST = {16: 4.49, 8: 5.00, 4: 7.58, 2: 11.97, 1: 16.19}
GPU = "GTX-980"
IMAGES = 300  # an epoch, of this suite's: the paper does not tell its own
ENGINE = "theano"
CPU = "Core i7"
CPU_ENGINE = "tensorflow"


def applies(combination: Combination) -> bool:
    """Whether it printed figures for the like of a GPU case, in whatever engine.

    The like has its size and its pool, and was trained as it did: by Keras in float32.
    """
    return (
        combination.device != "cpu"
        and combination.size == SIZE
        and combination.cnmem == POOL
        and combination.images == IMAGES
        and combination.loop == ASSUMED["loop"]
        and combination.precision == ASSUMED["precision"]
    )
