"""Datasets: every other file of this folder is one, named as ``--dataset`` names it.

A dataset's module has one public function, ``load(path, options) -> Dataset`` (the
protocol `Loader`). It lists what there is and reads no pixel that it does not need:
each sample is decoded by its own ``read``, possibly from several threads at once.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import parse_qsl

from PIL import Image

from histocnn import listing
from histocnn.errors import InputError


@dataclass(frozen=True)
class Sample:
    """One image before decoding.

    ``label`` indexes `Dataset.classes`; ``read`` returns the image in mode RGB, at its
    own geometry, and raises `InputError` naming the file where it cannot.
    """

    name: str
    label: int
    read: Callable[[], Image.Image]


@dataclass(frozen=True)
class Dataset:
    """Images of two classes; the network's one sigmoid output is P(``classes[1]``).

    ``digest`` changes with the images and the labels, as far as that is seen without
    reading pixels (files: size and time of change): cached arrays are kept under it.
    ``about`` is one line on what the images are and how they were labelled.
    """

    name: str
    classes: tuple[str, str]
    samples: tuple[Sample, ...]
    digest: str
    about: str


class Loader(Protocol):
    """What a dataset's module offers."""

    def load(self, path: Path | None, options: Mapping[str, str]) -> Dataset:
        """List the dataset.

        ``path`` is where the user said it lies (None where the dataset needs none),
        ``options`` its own settings. Raises `InputError` for a path or an option that
        the dataset cannot use.
        """


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset as written on the command line: ``NAME[:PATH][?KEY=VALUE&…]``."""

    name: str
    path: Path | None
    options: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> "DatasetSpec":
        """Read ``glas:/data/glas?split=train`` and the like; `InputError` if it is not.

        The name is checked here; path and options are checked by the dataset itself.
        """
        head, _, query = text.partition("?")
        name, _, path = head.partition(":")
        listing.member(sys.modules[__name__], "dataset", name)
        try:
            options = tuple(parse_qsl(query, strict_parsing=True)) if query else ()
            if len(dict(options)) < len(options):
                raise ValueError("a key twice")
        except ValueError:
            raise InputError(
                f"dataset {text!r}: what follows '?' must read key=value&key=value, "
                "each key once"
            ) from None
        return cls(name, Path(path).expanduser() if path else None, options)

    @property
    def label(self) -> str:
        """The dataset without its path, so that results name no user's folders."""
        query = "&".join(f"{key}={value}" for key, value in self.options)
        return f"{self.name}?{query}" if query else self.name

    def load(self) -> Dataset:
        """List the dataset that this names."""
        module = listing.member(sys.modules[__name__], "dataset", self.name)
        return cast(Loader, module).load(self.path, dict(self.options))


def names() -> tuple[str, ...]:
    """The datasets there are."""
    return listing.names(sys.modules[__name__])


def reject_unknown(dataset: str, options: Mapping[str, str], known: set[str]) -> None:
    """Raise `InputError` for the first option that ``dataset`` does not have."""
    for key in sorted(set(options) - known):
        have = f"it has: {', '.join(sorted(known))}" if known else "it has none"
        raise InputError(f"dataset {dataset} has no option {key!r}; {have}")
