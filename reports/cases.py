"""What every table of training cases opens with: the files, and the axes' columns."""

from collections.abc import Sequence

from reports import texts
from reports.combination import ASSUMED, AXES, FIELDS, values, varying
from reports.errors import InputError, printable
from reports.load import SavedFile
from reports.pool import Pooled
from reports.tables import Column

_SHOWN = {"size": "size (px)", "gpu_memory": "GPU memory (MB)"}
_DATA = {"size": "size_px", "gpu_memory": "gpu_memory_mb"}
# What this suite's own cases may differ in.
_FIELDS = (*FIELDS, "dataset", "seed", "gpu_memory", "launcher", "interpreter")
_NAMES = ("engine", "device", "loop", "precision", "dataset")
# What everybody calls a loop, where all cases have the same; then how it differs.
_LOOPS = {
    "fit": ("model.fit", "Keras' own Model.fit"),
    "fused": ("fused loop", "the same Keras model, an epoch in compiled calls"),
    "peer": ("peers without Keras", "the same network by hand, without Keras"),
}


def training(files: Sequence[SavedFile]) -> tuple[SavedFile, ...]:
    """The files that hold training cases; the others are for other views.

    Raises
    ------
    InputError
        if none does.
    """
    found = tuple(file for file in files if file.cases)
    if not found:
        names = texts.few([printable(str(file.path)) for file in files])
        raise InputError(
            f"no training case in {names}; `pytest benchmarks --benchmark-autosave` "
            "measures and saves some"
        )
    return found


def has_run(case: Pooled) -> bool:
    """Whether anything was tried: what cannot run here is no row of a table."""
    return case.outcome is None or case.outcome.has_run


def what_was_read(files: Sequence[SavedFile], cases: Sequence[Pooled]) -> str:
    """One line: how many cases, from where, of what data, how, on which processors.

    Loop and precision are in it wherever they are no column: no time is without them.
    """
    paths = {file.path for file in files}
    where = printable(str(files[0].path)) if len(paths) == 1 else f"{len(paths)} files"
    untimed = sum(case.outcome is not None for case in cases)
    without = f", {untimed} of them without a time," if untimed else ""
    count = "1 case" if len(cases) == 1 else f"{len(cases)} cases"
    parts = [f"{count}{without} from {where}"]
    combinations = [case.combination for case in cases]
    datasets = set(values("dataset", combinations))
    images = set(values("images", combinations))
    if len(datasets) == 1 and None not in datasets:
        parts.append(f"dataset {datasets.pop()}")
    if len(images) == 1:
        parts.append(f"{images.pop()} images an epoch")
    loops = set(values("loop", combinations))
    precisions = set(values("precision", combinations))
    if len(loops) == 1:
        loop = str(loops.pop())
        parts.append(_LOOPS[loop][0] if loop in _LOOPS else f"loop {loop}")
    if len(precisions) == 1:
        parts.append(str(precisions.pop()))
    memory = set(values("gpu_memory", combinations))
    if len(memory) == 1 and None not in memory:
        parts.append(f"GPU memory {memory.pop()} MB")
    parts += dict.fromkeys(file.where for file in files)
    parts += dict.fromkeys(device for case in cases for device in gpus(case))
    return "; ".join(parts)


def gpus(case: Pooled) -> tuple[str, ...]:
    """The names of the GPUs that it was measured on; none for a case on the CPU."""
    if case.combination.device == "cpu":
        return ()
    found = dict.fromkeys([launch.device for launch in case.launches])
    return tuple(name for name in found if name)


def loops_explained(cases: Sequence[Pooled]) -> tuple[str, ...]:
    """A line that says what the column loop tells apart; none where it is no column."""
    loops = sorted({case.combination.loop for case in cases})
    told = [f"{loop}: {_LOOPS[loop][1]}" for loop in loops if loop in _LOOPS]
    return (f"loop {'; '.join(told)}",) if told and len(loops) > 1 else ()


def axis_columns(
    cases: Sequence[Pooled], without: Sequence[str] = ()
) -> tuple[Column, ...]:
    """The columns that say which case a row is: the axes, and whatever else differs.

    Those ``without`` are left out: rows are of several values there. A loop or a
    precision that is the same in all is `what_was_read`'s to say.
    """
    combinations = [case.combination for case in cases]
    axes = [axis for axis in AXES if axis not in without]
    if not any(c.cnmem for c in combinations):
        axes = [axis for axis in axes if axis != "cnmem"]
    columns = [
        Column(
            _SHOWN.get(axis, axis),
            tuple(["" if v is None else v for v in values(axis, combinations)]),
            _align(axis),
            said=axis in ASSUMED and len(set(values(axis, combinations))) == 1,
        )
        for axis in (*axes, *varying(combinations))
    ]
    if len({case.machine for case in cases}) > 1:
        columns.append(_source(cases))
    return tuple(columns)


def axis_data(
    cases: Sequence[Pooled], without: Sequence[str] = ()
) -> tuple[Column, ...]:
    """The same for programs: the usual axes are always there, differ or not."""
    combinations = [case.combination for case in cases]
    made_smaller = any(c.value("gpu_memory") for c in combinations)
    usual = (*AXES, "dataset", "images", *(["gpu_memory"] if made_smaller else []))
    rest = (axis for axis in varying(combinations) if axis not in usual)
    columns = [
        Column(
            _data_name(axis),
            tuple(values(axis, combinations)),
            _align(axis),
        )
        for axis in (*usual, *rest)
        if axis not in without
    ]
    if any(map(gpus, cases)):
        names = [", ".join(gpus(case)) or None for case in cases]
        columns.append(Column("gpu", tuple(names), "left"))
    return (*columns, _source(cases))


def _data_name(axis: str) -> str:
    """A heading that is no other column's: parameters may be called anything."""
    return _DATA.get(axis, axis if axis in _FIELDS else f"param_{axis}")


def _align(axis: str) -> str:
    return "left" if axis in _NAMES else "right"


def _source(cases: Sequence[Pooled]) -> Column:
    return Column("source", tuple([case.source for case in cases]), "left")
