"""JUnit's XML, as continuous integration reads it: a test for each case."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from reports.fingerprints import Difference
from reports.guard import failures, table, words
from reports.guard.judging import OPEN, REGRESSIONS, Row

_SUITE = "guard"


def document(rows: Sequence[Row], refused: Sequence[Difference]) -> bytes:
    """A test for each of ``rows``: a failure if it got slower, skipped if undecided.

    What forbids to compare at all is an error in a test of its own. ``time`` is that of
    an epoch in head, seconds. Of a test that passed, launches that failed beside those
    that count are its output.
    """
    suite = ET.Element("testsuite", name=_SUITE)
    for row in rows:
        suite.append(_test(row))
    if refused:
        suite.append(_error(words.refusals(refused)))
    counts = {
        "tests": len(suite),
        "failures": sum(row.word in REGRESSIONS for row in rows),
        "errors": int(bool(refused)),
        "skipped": sum(row.word in OPEN for row in rows),
    }
    root = ET.Element("testsuites", name=_SUITE)
    root.append(suite)
    for element in (root, suite):
        element.attrib |= {name: str(count) for name, count in counts.items()}
    ET.indent(root, " ")
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _test(row: Row) -> ET.Element:
    test = ET.Element("testcase", classname=_module(row.node_id), name=row.name)
    time = table.seconds(row.couple.head)
    if time is not None:
        test.set("time", f"{time:.6g}")
    if row.word in REGRESSIONS:
        told = words.figures(row)
        failure = ET.SubElement(test, "failure", type=row.word.value, message=told)
        failure.text = f"{row.node_id}\n{row.couple.combination.describe()}\n{told}"
    elif row.word in OPEN:
        ET.SubElement(test, "skipped", message=words.figures(row))
    elif failed := failures.of(row):
        ET.SubElement(test, "system-out").text = "\n".join(failed)
    return test


def _error(lines: Sequence[str]) -> ET.Element:
    test = ET.Element("testcase", classname=_SUITE, name="comparable")
    error = ET.SubElement(test, "error", type="not comparable", message=lines[0])
    error.text = "\n".join(lines)
    return test


def _module(node_id: str) -> str:
    """``benchmarks.test_train`` of ``benchmarks/test_train.py::test_train[…]``."""
    file, found, _ = node_id.partition("::")
    return file.removesuffix(".py").replace("/", ".") if found and file else _SUITE
