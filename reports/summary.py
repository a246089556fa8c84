"""The tables of a run that has just ended, before or without being saved."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import msgspec

from reports import load, tables
from reports.errors import InputError
from reports.pool import pool
from reports.saved import Saved
from reports.views import frontier, speedup

#: Stands for a file's path in what is printed.
NAME = Path("this run")


def of(document: dict[str, Any]) -> str:
    """Speed-ups and memory frontiers in ``document``, as pytest-benchmark saves it.

    In plain text; "" where it holds no case that has run.
    """
    try:
        content = load.interpret(NAME, msgspec.json.encode(document))
    except InputError:
        return ""
    saved = Saved(content.files, pool(content.files).cases)
    asked = Namespace(format="plain", table=None, baseline=None)
    texts = []
    for view in (speedup, frontier):
        try:
            texts.append(tables.render(view.report(saved, asked), asked))
        except InputError:  # it has none of these
            continue
    faults = [f"left out {fault}" for fault in content.left_out] + [*content.damage]
    return "\n".join([*texts, *[f"{fault}\n" for fault in faults]])
