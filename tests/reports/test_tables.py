"""Names in saved files come from anyone: no format acts upon them."""

import csv
import html
import io
import re
from argparse import Namespace

import pytest

from reports import tables
from reports.errors import printable
from reports.tables import Column, Table

HOSTILE = ("<script>x</script>", "a|b", "=1+1", "[5pt]", r"50% \x_{y}^~&#$", "*")


def render(table: Table, form: str) -> str:
    return tables.render([table], Namespace(format=form, table=None))


def _table(*names: str) -> Table:
    column = Column("engine", names, "left")
    return Table(shown=(column,), data=(column,), above=names, below=names)


def test_html_holds_no_mark_of_a_name() -> None:
    text = render(_table(*HOSTILE, '"&—'), "html")
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 3
    assert text.isascii()


def test_latex_escapes_names_even_where_a_row_begins() -> None:
    """A row that starts with '[' or '*' would be an argument of the line break."""
    text = render(_table(*HOSTILE, "±"), "latex")
    assert r"50\% \textbackslash{}x\_\{y\}\^{}\textasciitilde{}\&\#\$" in text
    rows = text.partition(r"\midrule")[2].partition(r"\bottomrule")[0].splitlines()
    assert not any(row.lstrip().startswith(("[", "*")) for row in rows)
    assert r"$\pm$" in text


def test_github_cells_keep_their_bars_and_tags_to_themselves() -> None:
    text = render(_table(*HOSTILE), "github")
    assert r"a\|b" in text
    assert "<script>" not in text
    assert "\n* " not in text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " ="])
def test_csv_defuses_what_a_spreadsheet_would_run(start: str) -> None:
    text = render(_table(f"{start}cmd(),x"), "csv")
    assert list(csv.reader(io.StringIO(text))) == [["engine"], [f"'{start}cmd(),x"]]


def test_github_mentions_nobody() -> None:
    """A mention outlives escapes and entities: only what parts the @ ends it."""
    cells = (Column("@heading", ("@octocat", "(@org/team)", "&#64;octocat"), "left"),)
    table = Table(shown=cells, data=cells, above=("@above",), below=("by @below",))
    text = render(table, "github")
    assert "| @&#8203;octocat " in text
    read = html.unescape(text)
    assert re.findall("@.", read) == ["@\u200b"] * 5
    assert "| &#64;octocat " in read, "no reference is read twice"


def test_csv_keeps_numbers_as_numbers_and_none_as_nothing() -> None:
    columns = tuple(
        Column(each, (cell,))
        for each, cell in {"a": 3, "b": 0.1 + 0.2, "c": None}.items()
    )
    assert render(Table(shown=(), data=columns), "csv") == "a,b,c\n3,0.3,\n"


@pytest.mark.parametrize(
    ("form", "shown"),
    [("plain", False), ("github", False), ("latex", False), ("html", True)],
)
def test_column_that_a_line_says_takes_no_width(form: str, shown: bool) -> None:
    """HTML has the room, and may be read without the lines above."""
    columns = (Column("loop", ("fit",), said=True), Column("cores", (2,)))
    text = render(Table(shown=columns, data=columns), form)
    assert ("loop" in text, "cores" in text) == (shown, True)


def test_plain_text_reaches_a_terminal_without_what_it_would_obey() -> None:
    assert printable("a\x1b[31m\nb\ud800") == r"a\x1b[31m\nb\ud800"
    assert printable("théano") == "théano"


def test_csv_defuses_headings_too() -> None:
    """Parameters of other projects become headings."""
    table = Table(shown=(), data=(Column('=HYPERLINK("x")', (1,)),))
    (heading, _) = csv.reader(io.StringIO(render(table, "csv")))
    assert heading == ['\'=HYPERLINK("x")']


def test_latex_leaves_the_hyphens_of_an_option_alone() -> None:
    """TeX would print ``--launches`` with a dash; dashes of our own stay such."""
    text = render(_table("--launches 3 for 5–7", "what?`"), "latex")
    assert "-{}-launches 3 for 5--7" in text
    assert "?{}`" in text
