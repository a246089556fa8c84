"""The memory pool that a user's Theano settings ask for, as a value of the cnmem axis.

Training does not obey them, since they would change the case; they are read to be
offered (`--cnmem theanorc`) and spoken of.
"""

import configparser
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from histocnn.errors import InputError
from histocnn.memory import MemoryPool, PoolKind

#: What `--cnmem` calls it.
WORD = "theanorc"

#: Sections and options of a file. What Theano 1.0 obeys comes before what Theano up to
#: 0.9 had in its place; the last is how its flag is written, for those who copied that.
_PLACES = (("gpuarray", "preallocate"), ("lib", "cnmem"), ("global", "lib.cnmem"))


@dataclass(frozen=True)
class Setting:
    """A pool, where it was found (``~/.theanorc``) and how it is written there."""

    where: str
    written: str
    pool: MemoryPool
    is_old: bool

    def __str__(self) -> str:
        """The translation, in a line."""
        if self.is_old:
            means = f"gpuarray.preallocate={_preallocate(self.pool)} in Theano 1.0"
        else:
            means = f"cnmem={self.pool} here"
        return f"{self.where}: {self.written} is {means}"


def find(variables: Mapping[str, str] = os.environ) -> Setting | None:
    """The setting that Theano would find first; None where there is none.

    In the variable THEANO_FLAGS, then in the files of THEANORC, a colon list whose last
    comes first, or else in ``~/.theanorc``.

    Raises
    ------
    InputError
        for a file that cannot be read, and a value that is no pool.
    """
    flags = dict(_flags(variables.get("THEANO_FLAGS", "")))
    for name in ("gpuarray.preallocate", "lib.cnmem"):
        if name in flags:
            written = f"{name}={flags[name]}"
            return _setting("THEANO_FLAGS", written, flags[name], name)
    for path in reversed(_files(variables)):
        options = _read(path)
        for section, option in _PLACES:
            if options.has_option(section, option):
                value = options.get(section, option)
                written = f"[{section}] {option} = {value}"
                return _setting(_shown(path), written, value, option)
    return None


def required(variables: Mapping[str, str] = os.environ) -> Setting:
    """As `find`, but `InputError` where there is none, too."""
    if (found := find(variables)) is not None:
        return found
    files = ", ".join(_shown(path) for path in _files(variables)) or "THEANORC (empty)"
    raise InputError(
        f"--cnmem {WORD}: there is no [lib] cnmem in {files}, nor lib.cnmem in "
        "THEANO_FLAGS, nor gpuarray.preallocate in either; name a pool: 0, a "
        "fraction, MB, grow or async"
    )


def asks(cnmem: str | None) -> bool:
    """Whether the option ``--cnmem`` has the word among its values."""
    return WORD in [item.strip().lower() for item in (cnmem or "").split(",")]


def note(
    cnmem: str | None,
    pools: tuple[str, ...],
    variables: Mapping[str, str] = os.environ,
) -> str | None:
    """What to say of the user's setting where ``pools`` are measured; None: nothing.

    ``cnmem`` is what was asked for by ``--cnmem``: other pools are the user's choice.
    """
    if cnmem is not None and not asks(cnmem):
        return None
    try:
        found = find(variables)
    except InputError as error:
        return f"{error}; it is left out"
    if found is None:
        return None
    if cnmem is not None:
        return f"{found}; --cnmem {WORD} measures it as cnmem={found.pool}"
    return (
        f"{found}; the grid's own pools ({', '.join(pools)}) are measured, "
        f"--cnmem {WORD} measures that one"
    )


def _files(variables: Mapping[str, str]) -> list[Path]:
    """The files that Theano reads, as its variable lists them."""
    names = variables.get("THEANORC", "~/.theanorc").split(os.pathsep)
    return [_expanded(name) for name in names if name]


def _expanded(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:  # nobody of that name
        return Path(name)


def _shown(path: Path) -> str:
    home = _expanded("~")
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _read(path: Path) -> configparser.RawConfigParser:
    """The file's options; none where there is no file, as Theano has it."""
    # Python 2, on which Theano grew up, dropped what stands behind a semicolon.
    options = configparser.RawConfigParser(
        strict=False, inline_comment_prefixes=("#", ";")
    )
    try:
        options.read_string(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise InputError(f"{_shown(path)} cannot be read: {error.strerror}") from None
    except (configparser.Error, UnicodeDecodeError) as error:
        line = " ".join(str(error).split())[:120]
        raise InputError(f"{_shown(path)} is no Theano settings: {line}") from None
    return options


def _flags(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of THEANO_FLAGS, ``name=value,name=value``; the last of a name counts."""
    for pair in text.split(","):
        name, equals, value = pair.partition("=")
        if equals:
            yield name.strip(), value.strip().strip("\"'")


def _setting(where: str, written: str, value: str, option: str) -> Setting:
    """The setting's pool; `InputError` for a value that names none."""
    is_old = option.endswith("cnmem")
    try:
        amount = float(value)
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount) or (is_old and amount < 0):
        raise InputError(
            f"{where}: {written} is no memory pool; Theano knows 0, a fraction up to 1 "
            "or MB above"
        )
    if is_old or amount > 0:
        try:
            pool = MemoryPool.parse(repr(amount))
        except InputError as error:
            raise InputError(f"{where}: {written}: {error}") from None
    else:
        # Its 0 keeps a cache and reserves nothing; below 0 there is no cache.
        pool = MemoryPool(PoolKind.GROW if amount == 0 else PoolKind.OFF)
    return Setting(where, written, pool, is_old)


def _preallocate(pool: MemoryPool) -> str:
    """As `histocnn.engines.theano` gives the pool to Theano 1.0."""
    if pool.kind is PoolKind.OFF:
        return "-1"
    fraction = pool.reserved_fraction()
    return f"{pool.amount if fraction is None else fraction:.15g}"
