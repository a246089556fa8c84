"""The GlaS folder as published, and every way in which it may not be."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from histocnn.data import DatasetSpec
from histocnn.data.glas import read_grades
from histocnn.errors import InputError
from histocnn.prepare import fill, prepare


def load(folder: Path, query: str = "") -> tuple[str, ...]:
    """Names of the samples of a folder."""
    dataset = DatasetSpec.parse(f"glas:{folder}{query}").load()
    return tuple(sample.name for sample in dataset.samples)


def test_masks_are_left_aside_and_splits_chosen(glas: Path) -> None:
    """`train_1_anno.bmp` is no image; `?split=` picks one or several splits."""
    assert len(load(glas)) == 6
    assert load(glas, "?split=train") == ("train_1", "train_2")
    assert load(glas, "?split=testA,testB") == (
        *("testA_1", "testA_2"),
        *("testB_1", "testB_2"),
    )


def test_labels_are_the_glas_grades(glas: Path) -> None:
    """Benign is class 0, malignant class 1, as the column says."""
    dataset = DatasetSpec.parse(f"glas:{glas}").load()
    assert dataset.classes == ("benign", "malignant")
    assert [sample.label for sample in dataset.samples] == [0, 1, 0, 1, 0, 1]


def test_suffixes_may_be_capitals(glas: Path) -> None:
    """As some archives unpack."""
    (glas / "train_1.bmp").rename(glas / "train_1.BMP")
    assert len(load(glas)) == 6


def test_a_message_is_one_line_whatever_it_quotes(tmp_path: Path) -> None:
    """A line break in a path is spelled."""
    with pytest.raises(InputError) as caught:
        load(tmp_path / "two\nlines")
    assert "two\\nlines" in str(caught.value)


def test_both_grade_columns_are_read(glas: Path) -> None:
    """Spaces behind commas are dropped; the fine grade is kept as published."""
    row = read_grades(glas)[1]
    assert (row.name, row.patient) == ("train_2", "2")
    assert (row.grade, row.fine_grade) == ("malignant", "poorly differentiated")


def test_columns_may_come_in_any_order(glas: Path) -> None:
    """They are found by their titles."""
    lines = (glas / "Grade.csv").read_text().splitlines()
    turned = [",".join(reversed(line.split(","))) for line in lines]
    (glas / "Grade.csv").write_text("\r\n".join(turned), encoding="utf-8-sig")
    assert len(load(glas)) == 6


def test_the_digest_follows_the_files(glas: Path) -> None:
    """Another grade or another file gives other cached arrays."""

    def digest() -> str:
        return DatasetSpec.parse(f"glas:{glas}").load().digest

    before = digest()
    assert digest() == before
    Image.new("RGB", (33, 21)).save(glas / "train_1.bmp")
    changed = digest()
    table = glas / "Grade.csv"
    table.write_text(table.read_text().replace("benign", "malignant", 1))
    assert len({before, changed, digest()}) == 3


def break_table(change: Callable[[str], str]) -> Callable[[Path], None]:
    """A way to break Grade.csv."""

    def apply(folder: Path) -> None:
        table = folder / "Grade.csv"
        table.write_text(change(table.read_text()))

    return apply


def loop(folder: Path) -> None:
    """A link to itself in an image's place."""
    (folder / "testA_1.bmp").unlink()
    (folder / "testA_1.bmp").symlink_to(folder / "testA_1.bmp")


def claim_to_be_huge(file: Path) -> None:
    """A header that asks for more pixels than anyone has memory."""
    data = bytearray(file.read_bytes())
    data[18:26] = (30_000).to_bytes(4, "little") * 2
    file.write_bytes(data)


def empty(folder: Path) -> None:
    """Leave nothing in the folder."""
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "No such file or directory; unpack"),
        (empty, "is empty"),
        (lambda f: (f / "Grade.csv").unlink(), "has no Grade.csv"),
        (lambda f: (f / "testA_1.bmp").unlink(), "a row testA_1, but testA_1.bmp"),
        (loop, "a row testA_1, but testA_1.bmp is not there"),
        (
            break_table(lambda t: "\n".join(t.splitlines()[:-1])),
            r"testB_2.bmp has no row in Grade.csv",
        ),
        (
            break_table(lambda t: t.replace("malignant", "uncertain", 1)),
            "line 3: unknown grade 'uncertain'; expected benign or malignant",
        ),
        (break_table(lambda t: t.replace("(GlaS)", "")), r"no column 'grade \(GlaS\)'"),
        (break_table(lambda t: ""), "no column 'name'; it has: none"),
        (break_table(lambda t: t + "train_9, 9\n"), "line 8 has fewer cells"),
        (break_table(lambda t: t + t.splitlines()[1]), "two rows for one image"),
        (
            lambda f: (f / "Grade.csv").write_bytes(b"\xff\xfe\x00name"),
            "cannot be read as CSV",
        ),
    ],
)
def test_a_damaged_folder_is_one_clear_line(
    glas: Path, damage: Callable[[Path], object], message: str
) -> None:
    """The line names the folder or the row, and what is wrong with it."""
    damage(glas)
    with pytest.raises(InputError, match=message) as caught:
        load(glas)
    assert "\n" not in str(caught.value)


def truncate(file: Path) -> None:
    """Cut a file in the middle."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "train_2.bmp cannot be decoded"),
        (lambda f: f.write_text("no picture"), "train_2.bmp cannot be decoded"),
        (claim_to_be_huge, "train_2.bmp cannot be decoded"),
        (lambda f: Image.new("L", (31, 21)).save(f), "train_2.bmp has mode L"),
        (lambda f: Image.new("RGBA", (31, 21)).save(f), "train_2.bmp has mode RGBA"),
    ],
)
def test_an_unusable_image_is_named(
    glas: Path, tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    """Cut off, no image, grey, RGBA: the line names the file; no cache is left."""
    damage(glas / "train_2.bmp")
    dataset = DatasetSpec.parse(f"glas:{glas}").load()
    with pytest.raises(InputError, match=message):
        prepare(dataset, 32, 6, tmp_path / "cache")
    assert not [p for p in (tmp_path / "cache" / "data").iterdir() if p.is_dir()]


def test_one_class_is_no_training_set(glas: Path) -> None:
    """A folder of benign images alone is refused by name of what is missing."""
    break_table(lambda t: t.replace("malignant", "benign"))(glas)
    with pytest.raises(InputError, match="dataset glas has no malignant image"):
        fill(DatasetSpec.parse(f"glas:{glas}").load(), 6, seed=0)


def test_glas_without_its_folder_says_how_to_name_it() -> None:
    """The data cannot be bundled, so the path is needed."""
    with pytest.raises(InputError, match="--dataset glas:/path/to/GlaS"):
        DatasetSpec.parse("glas").load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("imagenet", "unknown dataset 'imagenet'; there are: glas, synthetic, tissue"),
        ("glas:/x?split=dev", "unknown split 'dev'; GlaS has: train, testA, testB"),
        ("glas:/x?colour=1", "dataset glas has no option 'colour'; it has: split"),
        ("tissue?x=1", "dataset tissue has no option 'x'; it has none"),
        ("tissue:/x", "it takes no path /x"),
        ("glas:/x?split", r"must read key=value&key=value"),
        ("synthetic?count=3&count=4", "each key once"),
        ("synthetic?count=999999999", "count='999999999' must be a whole number"),
        ("", "unknown dataset ''; there are: glas"),
    ],
)
def test_a_bad_spec_is_one_clear_line(text: str, message: str) -> None:
    """Unknown names, splits and options list what there is."""
    with pytest.raises(InputError, match=message):
        DatasetSpec.parse(text).load()


def test_a_label_names_no_folder() -> None:
    """Results may be shared: a user's path is not in them."""
    assert DatasetSpec.parse("glas:/home/me/glas?split=train").label == (
        "glas?split=train"
    )
