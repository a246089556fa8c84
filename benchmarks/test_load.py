"""The data path on its own, from a folder as published to the device, step by step.

Each step stands beside the same one by Pillow and by scikit-image (`loaders`), on the
same folder: what differs in a group is the implementation alone.
"""

import itertools
import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks import gpu_memory
from benchmarks.failing import in_a_line, skip_without
from benchmarks.launchers import Launcher
from benchmarks.loaders import IMAGES, LOADERS, SIZE, SQUARE, Loader, Pixels, files_of
from benchmarks.replay import Stopwatch
from benchmarks.session import suite_of
from benchmarks.workers import worker
from histocnn import engines
from histocnn.cache import open_arrays
from histocnn.data import DatasetSpec, glas
from histocnn.job import DEVICES, Job
from histocnn.prepare import fill, prepare, squeeze
from histocnn.protocol import Copied, Opened

GEOMETRY = (775, 522)  # px, width and height, as in GlaS
# Mean over all values, of 255. Pillow's own choice (bicubic) lies 2.0 off ours
# (bilinear), scikit-image (Gaussian, then bilinear) 0.8. A picture that is not averaged
# over the pixels that it drops lies 5.9 off, one that is shifted by a pixel 14.
CLOSE = 3.0
COPIES = 20
STOPWATCH = Stopwatch()


@pytest.fixture(params=LOADERS)
def loader(request: pytest.FixtureRequest) -> Loader:
    """Each implementation, imported."""
    return LOADERS[request.param]()


@pytest.fixture(scope="module")
def glas_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of GlaS' layout, geometry and number: 165 BMP files, 200 MB.

    The pictures are one synthetic slide, shifted: a BMP is not compressed, so that
    decoding costs the same whatever it shows. They have just been written, so that
    they are read from memory, not from the disk.
    """
    folder = tmp_path_factory.mktemp("glas")
    slide = DatasetSpec.parse("synthetic").load().samples[0].read()
    assert slide.size == GEOMETRY
    pixels = np.asarray(slide)
    rows = ["name, patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)"]
    for number in range(1, IMAGES + 1):
        picture = Image.fromarray(np.roll(pixels, number, axis=1))
        picture.save(folder / f"train_{number}.bmp")
        grade = (
            "benign, adenomatous" if number % 2 else "malignant, poorly differentiated"
        )
        rows.append(f"train_{number}, {number}, {grade}")
    (folder / "Grade.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def files(glas_folder: Path) -> Iterator[Path]:
    """The folder's pictures, over and over."""
    return itertools.cycle(files_of(glas_folder))


def distance(pixels: Pixels, others: Pixels) -> float:
    """Mean absolute difference of two arrays of one shape, of 255."""
    assert pixels.shape == others.shape
    return float(np.abs(pixels.astype(np.int16) - others).mean())


@pytest.mark.benchmark(group="load-decode")
def test_decode(benchmark: Any, loader: Loader, files: Iterator[Path]) -> None:
    """A file to an RGB array, each file once; all implementations agree exactly."""
    asked: list[Path] = []

    def next_file() -> tuple[tuple[Path], dict[str, Any]]:
        asked.append(next(files))
        return (asked[-1],), {}

    pixels = benchmark.pedantic(
        loader.decode, setup=next_file, rounds=IMAGES, warmup_rounds=5
    )
    assert (pixels.shape, pixels.dtype) == ((*GEOMETRY[::-1], 3), np.uint8)
    assert np.array_equal(pixels, np.asarray(glas.read(asked[-1])))


@pytest.mark.benchmark(group="load-resize")
def test_resize(benchmark: Any, loader: Loader, files: Iterator[Path]) -> None:
    """A decoded picture to an array of 200×200 px; all implementations are close."""
    asked: list[Path] = []

    def next_picture() -> tuple[tuple[Any], dict[str, Any]]:
        asked.append(next(files))
        return (loader.picture(asked[-1]),), {}

    pixels = benchmark.pedantic(
        loader.resize, setup=next_picture, rounds=50, warmup_rounds=5
    )
    assert (pixels.shape, pixels.dtype) == ((*SQUARE, 3), np.uint8)
    assert distance(pixels, np.asarray(squeeze(glas.read(asked[-1]), SIZE))) < CLOSE


@pytest.mark.benchmark(group="load-prepare")
def test_prepare(
    benchmark: Any, loader: Loader, glas_folder: Path, tmp_path: Path
) -> None:
    """GlaS from its folder to 200 px: ours once a dataset and size, into the cache.

    Ours uses all cores, shuffles, and writes what it made, with checksums; the plain
    loops use one core and keep nothing.
    """
    cache = tmp_path / "cache"

    def forget() -> tuple[tuple[Path, Path], dict[str, Any]]:
        shutil.rmtree(cache, ignore_errors=True)
        return (glas_folder, cache), {}

    images = benchmark.pedantic(loader.load, setup=forget, rounds=5)
    assert (images.shape, images.dtype) == ((IMAGES, *SQUARE, 3), np.uint8)
    names = [file.stem for file in files_of(glas_folder)]
    if cache.exists():
        dataset = DatasetSpec.parse(f"glas:{glas_folder}").load()
        names = [sample.name for sample, _ in fill(dataset, IMAGES, seed=0)]
    for name, pixels in zip(names, images, strict=True):
        picture = glas.read(glas_folder / f"{name}.bmp")
        assert distance(pixels, np.asarray(squeeze(picture, SIZE))) < CLOSE


def _load_plainly(entry: Path) -> tuple[Pixels, NDArray[np.uint8]]:
    images, labels = (np.load(entry / f"{name}.npy") for name in ("images", "labels"))
    return images, labels


@pytest.mark.parametrize("opener", ["histocnn", "numpy"])
@pytest.mark.benchmark(group="load-open")
def test_open(benchmark: Any, glas_folder: Path, tmp_path: Path, opener: str) -> None:
    """The prepared arrays mapped and checked again: what each worker does.

    Beside it `numpy.load` of the same files, which copies and checks nothing.
    """
    entry = prepare(
        DatasetSpec.parse(f"glas:{glas_folder}").load(), SIZE, IMAGES, tmp_path
    )
    ours = opener == "histocnn"
    images, labels = benchmark.pedantic(
        open_arrays if ours else _load_plainly,
        args=(entry,),
        rounds=20,
        warmup_rounds=1,
    )
    assert isinstance(images, np.memmap) == ours
    assert images.flags.writeable != ours
    for opened, kept in zip((images, labels), open_arrays(entry), strict=True):
        assert np.array_equal(opened, kept)


def _copied(
    launcher: Launcher, job: Job, arrays: str, rounds: int
) -> tuple[Opened, Copied]:
    """What a worker says of itself, and of the copies that it made."""
    if job.device == "cuda":
        gpu_memory.require(job, gpu_memory.read(launcher.GPU))
    with worker(launcher, job, timeout=600) as process:
        process.ping()
        opened = process.open(job, arrays)
        copied = process.copy(rounds)
        process.leave()
    return opened, copied


# Where a worker failed there is nothing to replay; what it said is enough.
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
@pytest.mark.parametrize(
    ("engine", "device"),
    [
        pytest.param(engine, device, id=f"{engine}-{device}")
        for engine, device in itertools.product(engines.names(), DEVICES)
    ],
)
@pytest.mark.benchmark(group="load-copy", timer=STOPWATCH)
def test_copy(
    benchmark: Any,
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
    engine: str,
    device: str,
) -> None:
    """300 images of 200 px, 144 MB in float32, from the host to the engine's device.

    Timed within a worker, as training is. On a CPU the device is the host, and the copy
    one within its memory, or none.
    """
    suite = suite_of(pytestconfig)
    asked = pytestconfig.getoption("engines")
    if asked is not None and engine not in suite.grid.engines:
        pytest.skip(f"--engines {asked} leaves {engine} out")
    launcher = suite.launcher
    job = Job(
        engine=engine,
        device=device,
        size=SIZE,
        batch=50,
        cnmem=None if device == "cpu" else "1",
        cores=launcher.cores(),
    )
    skip_without(launcher, job)
    arrays = prepare(DatasetSpec.parse(job.dataset).load(), job.size, job.images)
    rounds = 1 if pytestconfig.getoption("benchmark_disable") else COPIES

    def waiting() -> None:
        with capsys.disabled():
            print(f"\n{job.id}: waiting for another session", end=" ", flush=True)

    with in_a_line(job.id), suite.alone(job, waiting):
        opened, copied = _copied(launcher, job, launcher.path(arrays), rounds)
    assert copied.nbytes == job.images * SIZE * SIZE * 3 * 4
    assert len(copied.seconds) == STOPWATCH.load(copied.seconds) == rounds
    benchmark.extra_info["device_name"] = opened.device_name
    benchmark.extra_info["nbytes"] = copied.nbytes
    benchmark.extra_info["gigabytes_per_second"] = (
        copied.nbytes / statistics.median(copied.seconds) / 1e9
    )
    benchmark.pedantic(STOPWATCH.advance, rounds=rounds)
