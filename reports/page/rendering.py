"""Rendering: the content as one HTML file that loads nothing and obeys no name."""

import base64
import hashlib
from pathlib import Path

from reports.errors import InputError
from reports.page.content import Content
from reports.page.drawn import dark_colours

_FOLDER = Path(__file__).parent


def html(content: Content) -> bytes:
    """The page in UTF-8, the same for the same ``content``.

    Names from files are escaped by Jinja2. Its policy lets the browser run and apply
    nothing but the page's own script and style, which it knows by their hashes.

    Raises
    ------
    InputError
        where Jinja2 is not installed.
    """
    try:
        import jinja2
        from markupsafe import Markup
    except ImportError:
        raise InputError(
            "a page needs Jinja2, which this Python has not: run it with "
            ".envs/bench/bin/python, which `make report` sets up"
        ) from None
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _style(), (_FOLDER / "page.js").read_text(encoding="utf-8")
    text = environment.get_template("template.html.jinja").render(
        content=content,
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
    )
    return text.encode()


def _style() -> str:
    """The style sheet, the figures' colours of a dark page among it."""
    sheet = (_FOLDER / "page.css").read_text(encoding="utf-8")
    colours = "".join(f"  {name}: {value};\n" for name, value in dark_colours().items())
    dark = "@media screen and (prefers-color-scheme: dark)"
    return f"{sheet}{dark} {{ :root {{\n{colours}}} }}\n"


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_source(style)}; "
        f"script-src {_source(script)}; base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    """How a Content-Security-Policy names inline ``text``; source: CSP 3, 2.3.1."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
