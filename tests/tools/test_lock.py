"""requirements/: the locks fit pyproject.toml and name no machine."""

import re
import tomllib
from pathlib import Path

import pytest

from tools.checkout import Checkout
from tools.lock import targets

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
LOCKS = sorted(targets(Checkout(REPOSITORY)))


def test_every_extra_has_its_lock_and_every_lock_its_extra() -> None:
    """A new engine's extra without `make lock` shows here."""
    assert sorted(EXTRAS) == Checkout(REPOSITORY).names


@pytest.mark.parametrize("name", sorted(EXTRAS))
def test_a_lock_holds_the_pins_of_its_extra(name: str) -> None:
    """pyproject.toml changed without `make lock` shows here."""
    lock = Checkout(REPOSITORY).lock(name).read_text(encoding="utf-8")
    pins = set(re.findall(r"^(\S+==\S+)", lock, re.MULTILINE))
    # A package's own extras are resolved: the lock holds what jax[cuda12] brings.
    direct = {
        re.sub(r"\[.*\]", "", pin)
        for pin in EXTRAS[name]
        if not pin.startswith("histocnn[")
    }
    assert direct
    assert direct <= pins


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_names_neither_a_registry_nor_a_path(lock: Path) -> None:
    """It says what, never from where; each package has a hash; `make lock` made it."""
    text = lock.read_text(encoding="utf-8")
    assert "make lock" in text.splitlines()[1]
    assert "://" not in text
    assert not re.search(r"(^|\s)(--index|--extra|--find-links|-f |-i |/)", text)
    assert all(
        "--hash=" in block for block in re.split(r"^(?=\S+==)", text, flags=re.M)[1:]
    )


def test_both_sides_speak_with_the_same_msgspec() -> None:
    """The protocol's two ends are pinned alike in every environment."""
    pins = {pin for extra in EXTRAS.values() for pin in extra if "msgspec" in pin}
    assert len(pins) == 1
