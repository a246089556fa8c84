"""The drawn glands: their geometry, their determinism, and what sets classes apart."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.filters import threshold_otsu
from skimage.measure import label

from histocnn.data import Dataset, DatasetSpec, synthetic
from histocnn.errors import InputError

EACH = 6  # pictures of a class, where the classes are compared


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """As many pictures as the comparison of the classes needs."""
    return synthetic.load(None, {"count": str(2 * EACH)})


@pytest.fixture(scope="module")
def drawn(dataset: Dataset) -> list[NDArray[np.uint8]]:
    """Every picture of the dataset, in order."""
    return [pixels(sample.read()) for sample in dataset.samples]


def of_class(
    dataset: Dataset, drawn: list[NDArray[np.uint8]], name: str
) -> list[NDArray[np.uint8]]:
    """The pictures of one class."""
    wanted = dataset.classes.index(name)
    pairs = zip(dataset.samples, drawn, strict=True)
    return [picture for sample, picture in pairs if sample.label == wanted]


def nuclear_share(picture: NDArray[np.uint8]) -> float:
    """Share of the picture that is dark in red, where haematoxylin absorbs most.

    The threshold is the picture's own, so the strength of its stain does not matter.
    """
    red = picture[..., 0]
    return float((red < threshold_otsu(red)).mean())


def lumen_spread(picture: NDArray[np.uint8]) -> float:
    """Spread of the areas of white regions above 60 px, over their mean."""
    areas = np.bincount(label(picture[..., 1] > 215).ravel())[1:]
    areas = areas[areas > 60]
    return float(areas.std() / areas.mean())


def test_geometry_and_mode_are_those_of_glas(dataset: Dataset) -> None:
    """A picture is RGB, 775 px wide and 522 px high."""
    image = dataset.samples[0].read()
    assert (image.mode, image.size) == ("RGB", (775, 522))


def test_order_of_reading_does_not_matter(
    dataset: Dataset, drawn: list[NDArray[np.uint8]]
) -> None:
    """Read backwards, a second time, pictures are the same to the last bit."""
    for index in (3, 2, 0):
        again = pixels(dataset.samples[index].read())
        assert np.array_equal(again, drawn[index]), index


def test_thread_of_reading_does_not_matter(
    dataset: Dataset, drawn: list[NDArray[np.uint8]]
) -> None:
    """Two threads at once read what one thread read."""
    with ThreadPoolExecutor(2) as pool:
        images = list(pool.map(lambda sample: sample.read(), dataset.samples[:6]))
    for index, image in enumerate(images):
        assert np.array_equal(pixels(image), drawn[index]), index


def test_count_does_not_change_a_picture(drawn: list[NDArray[np.uint8]]) -> None:
    """Picture 1 is the same in a dataset of 2 as in one of 12."""
    few = synthetic.load(None, {"count": "2"})
    assert np.array_equal(pixels(few.samples[1].read()), drawn[1])


def test_seeds_and_indices_give_other_pictures(
    drawn: list[NDArray[np.uint8]],
) -> None:
    """Another seed, and another index of the same class, draw something else."""
    other = pixels(synthetic.load(None, {"seed": "1"}).samples[0].read())
    assert (other != drawn[0]).mean() > 0.5
    assert (drawn[2] != drawn[0]).mean() > 0.5


def test_digest_follows_seed_and_count() -> None:
    """The digest repeats for equal options and differs for any other."""
    options: tuple[dict[str, str], ...]
    options = ({}, {"seed": "1"}, {"count": "164"}, {"seed": "1", "count": "164"})
    digests = [synthetic.load(None, each).digest for each in options]
    assert len(set(digests)) == len(options)
    assert digests[0] == synthetic.load(None, {"seed": "0", "count": "165"}).digest


def test_digest_follows_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version of the drawing makes caches of the old one miss."""
    before = synthetic.load(None, {}).digest
    monkeypatch.setattr(synthetic, "VERSION", synthetic.VERSION + 1)
    assert synthetic.load(None, {}).digest != before


@pytest.mark.parametrize("count", [2, 3, 164, 165])
def test_classes_are_balanced_to_within_one(count: int) -> None:
    """Benign and malignant alternate; an odd count has one benign more."""
    dataset = synthetic.load(None, {"count": str(count)})
    labels = [sample.label for sample in dataset.samples]
    assert labels == [index % 2 for index in range(count)]
    assert dataset.classes == ("benign", "malignant")


def test_it_has_as_many_pictures_as_glas_by_default() -> None:
    """165 pictures, each with a name of its own, as ``--dataset synthetic`` says."""
    samples = DatasetSpec.parse("synthetic").load().samples
    assert len({sample.name for sample in samples}) == len(samples) == 165


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"count": "0"}, "count='0'"),
        ({"count": "1"}, "count='1'"),
        ({"count": "x"}, "count='x'"),
        ({"count": "2.5"}, "count='2.5'"),
        ({"count": "9999999999"}, "count='9999999999'"),
        ({"seed": "-1"}, "seed='-1'"),
        ({"seed": ""}, "seed=''"),
        ({"seed": "²"}, "seed='²'"),
        ({"sede": "1"}, "'sede'"),
    ],
)
def test_a_bad_option_is_named(options: dict[str, str], named: str) -> None:
    """An option that is unknown or out of range is an InputError that quotes it."""
    with pytest.raises(InputError) as caught:
        synthetic.load(None, options)
    assert named in str(caught.value)


def test_a_path_is_refused() -> None:
    """There is nothing to read, so a path is a mistake; the message names it."""
    with pytest.raises(InputError, match=r"synthetic.*needs no path.*some/folder"):
        synthetic.load(Path("some/folder"), {})


def test_malignant_glands_have_more_nuclei(
    dataset: Dataset, drawn: list[NDArray[np.uint8]]
) -> None:
    """Stratified nuclei cover more of every malignant picture than of any benign."""
    benign = [nuclear_share(each) for each in of_class(dataset, drawn, "benign")]
    malignant = [nuclear_share(each) for each in of_class(dataset, drawn, "malignant")]
    assert len(benign) == len(malignant) == EACH
    assert max(benign) < min(malignant)


def test_malignant_lumina_vary_more_in_size(
    dataset: Dataset, drawn: list[NDArray[np.uint8]]
) -> None:
    """Slits, wide lumina and cribriform holes spread more than the crypts' lumina."""
    benign = [lumen_spread(each) for each in of_class(dataset, drawn, "benign")]
    malignant = [lumen_spread(each) for each in of_class(dataset, drawn, "malignant")]
    assert np.median(malignant) > 1.3 * np.median(benign)


def test_mean_colour_does_not_tell_the_class(
    dataset: Dataset, drawn: list[NDArray[np.uint8]]
) -> None:
    """In every channel the classes overlap, their means within two deviations."""
    benign = np.array([p.mean((0, 1)) for p in of_class(dataset, drawn, "benign")])
    malignant = np.array(
        [p.mean((0, 1)) for p in of_class(dataset, drawn, "malignant")]
    )
    assert (malignant.max(axis=0) > benign.min(axis=0)).all()
    apart = np.abs(benign.mean(axis=0) - malignant.mean(axis=0))
    spread = np.sqrt((benign.var(axis=0) + malignant.var(axis=0)) / 2)
    assert (apart < 2 * spread).all()
