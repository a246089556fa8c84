"""GlaS (Warwick-QU, MICCAI 2015), the paper's data, from the folder as published."""

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from histocnn.data import Dataset, Sample, reject_unknown
from histocnn.errors import InputError

CLASSES = ("benign", "malignant")
SPLITS = ("train", "testA", "testB")
_IMAGE = re.compile(rf"({'|'.join(SPLITS)})_\d+")


@dataclass(frozen=True)
class Grade:
    """A row of ``Grade.csv``.

    ``grade`` is the challenge's (benign or malignant), ``fine_grade`` that of
    Sirinukunwattana et al. 2015 (healthy, adenomatous, moderately differentiated, …),
    kept as published.
    """

    name: str
    patient: str
    grade: str
    fine_grade: str


def load(path: Path | None, options: Mapping[str, str]) -> Dataset:
    """The images of the folder ``path``, labelled by the column 'grade (GlaS)'.

    Masks (``*_anno.bmp``) are left aside. Option ``split`` takes ``train``, ``testA``
    and ``testB``, with commas for several (default: all three, 165 images).

    Raises
    ------
    InputError
        for a folder that is missing, empty or without ``Grade.csv``, a row without
        image, an image without row, an unknown grade or split. An image that cannot be
        read raises when it is read.
    """
    reject_unknown("glas", options, {"split"})
    splits = options.get("split", ",".join(SPLITS)).split(",")
    for split in splits:
        if split not in SPLITS:
            raise InputError(f"unknown split {split!r}; GlaS has: {', '.join(SPLITS)}")
    if path is None:
        raise InputError("dataset glas needs its folder: --dataset glas:/path/to/GlaS")
    rows = read_grades(path)
    grades = {row.name: row for row in rows}
    if len(grades) < len(rows):
        raise InputError(f"{path}/Grade.csv has two rows for one image; remove one")
    files = _find_images(path)
    _check_match(path, set(grades), set(files))
    kept = [name for name in grades if name.rpartition("_")[0] in splits]
    if not kept:
        raise InputError(f"{path} has no image of split {','.join(splits)}")
    return Dataset(
        name="glas",
        classes=CLASSES,
        samples=tuple(
            Sample(name, CLASSES.index(grades[name].grade), partial(read, files[name]))
            for name in kept
        ),
        digest=_digest([(grades[name], files[name]) for name in kept]),
        about=f"GlaS {','.join(splits)}: H&E colon glands, 'grade (GlaS)'",
    )


def read_grades(folder: Path) -> list[Grade]:
    """The rows of ``Grade.csv``, in order; headers and values have leading spaces."""
    table = folder / "Grade.csv"
    try:
        if not any(folder.iterdir()):
            raise InputError(f"GlaS folder {folder} is empty; unpack the data there")
    except OSError as error:
        raise InputError(
            f"GlaS folder {folder}: {error.strerror}; unpack the data there"
        ) from None
    if not table.is_file():
        raise InputError(f"{folder} has no Grade.csv; is it the GlaS folder itself?")
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{table} cannot be read as CSV: {error}; unpack it again"
        ) from None
    header = [cell.strip() for cell in lines[0]] if lines else []
    where = _columns(table, header)
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) < len(header):
            raise InputError(f"{table} line {number} has fewer cells than its header")
        rows.append(Grade(*(line[column].strip() for column in where)))
        if rows[-1].grade not in CLASSES:
            raise InputError(
                f"{table} line {number}: unknown grade {rows[-1].grade!r}; expected "
                f"{' or '.join(CLASSES)}"
            )
    return rows


def _columns(table: Path, header: list[str]) -> tuple[int, int, int, int]:
    """Where name, patient, GlaS' grade and the fine grade stand."""

    def find(wanted: str, pattern: str) -> int:
        for column, title in enumerate(header):
            if re.fullmatch(pattern, title, re.IGNORECASE):
                return column
        raise InputError(
            f"{table} has no column {wanted!r}; it has: {', '.join(header) or 'none'}"
        )

    return (
        find("name", r"name"),
        find("patient ID", r"patient.*"),
        find("grade (GlaS)", r"grade \(GlaS\)"),
        find("grade (Sirinukunwattana et al. 2015)", r"grade \((?!GlaS\)).*\)"),
    )


def _find_images(folder: Path) -> dict[str, Path]:
    """Images by name; ``train_*.bmp`` alone would also match the masks."""
    return {
        file.stem: file
        for file in sorted(folder.iterdir())
        if file.suffix.lower() == ".bmp"
        and _IMAGE.fullmatch(file.stem)
        and file.is_file()  # no folder, no pipe, no link to nowhere
    }


def _check_match(folder: Path, rows: set[str], files: set[str]) -> None:
    if missing := sorted(rows - files):
        raise InputError(
            f"{folder}: Grade.csv has a row {missing[0]}, but {missing[0]}.bmp is not "
            f"there ({len(missing)} such); unpack the images again"
        )
    if unknown := sorted(files - rows):
        raise InputError(
            f"{folder}: {unknown[0]}.bmp has no row in Grade.csv ({len(unknown)} such);"
            " take Grade.csv from the same archive"
        )


def read(file: Path) -> Image.Image:
    """Decode one image; only RGB is taken, since anything else is no GlaS image."""
    try:
        with Image.open(file) as image:
            # Pillow shows a BMP of 32 bits as RGB, its fourth channel dropped.
            mode = "RGBA" if _bits_per_pixel(file) == 32 else image.mode
            if mode != "RGB":
                raise InputError(
                    f"{file} has mode {mode}; GlaS images are RGB; unpack it anew"
                )
            image.load()
            return image
    except InputError:
        raise
    except (
        *(OSError, UnidentifiedImageError, ValueError),
        *(Image.DecompressionBombError, Image.DecompressionBombWarning),
    ) as error:
        raise InputError(
            f"{file} cannot be decoded: {error}; unpack it again"
        ) from None


def _bits_per_pixel(file: Path) -> int:
    """What a BMP's header says, at byte 28; 0 in a file that is none."""
    with file.open("rb") as stream:
        header = stream.read(30)
    return int.from_bytes(header[28:30], "little") if header[:2] == b"BM" else 0


def _digest(kept: list[tuple[Grade, Path]]) -> str:
    """Of names, grades, sizes and modification times: pixels are not read for it."""
    digest = hashlib.sha256()
    for grade, file in kept:
        facts = file.stat()
        digest.update(repr((grade, facts.st_size, facts.st_mtime_ns)).encode())
    return digest.hexdigest()
