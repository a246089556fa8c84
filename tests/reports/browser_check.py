"""What Debian's Chromium makes of a page: run in .envs/browser, prints JSON.

``python browser_check.py CHROMIUM PAGE`` uses the page as a reader would, with mouse
and keyboard, on wide and narrow screens, in light and dark, on paper and without
scripts. It judges nothing: that is the tests' own, which know what the page holds.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

CASES = "#speedup-cases table"
_LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""
# WCAG 2.2, relative luminance and contrast ratio; of each text against its background.
_CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => parse(colour).slice(0, 3)
    .map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, n) => sum + each * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if ((parse(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let worst = { ratio: 21, text: "" };
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    if (!text || ["SCRIPT", "OPTION", "title"].includes(element.tagName)) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ink = element.closest("svg") ? style.fill : style.color;
    const pair = [light(ink), light(behind(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text };
  }
  return worst;
}"""
_WIDTHS = """() => ({
  page: document.documentElement.scrollWidth,
  window: document.documentElement.clientWidth,
  outside: [...document.querySelectorAll("body *")].filter((each) =>
    !each.closest(".box, .drawing, #tip") && !each.hidden &&
    each.getBoundingClientRect().right > document.documentElement.clientWidth + 1
  ).map((each) => each.tagName + "." + each.className),
})"""


def main(chromium: str, page: Path) -> None:
    """Look at ``page`` in all ways and print what was seen as one JSON object."""
    address = page.absolute().as_uri()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            # as root it has no sandbox, and a container's /dev/shm is too small for it
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        heard: dict[str, list[str]] = {"console": [], "requests": [], "violations": []}

        def visit(look: Callable[[Any], Any], **options: Any) -> Any:
            context = browser.new_context(**options)
            context.add_init_script(_LISTEN)
            opened = context.new_page()
            opened.on("console", lambda message: heard["console"].append(message.text))
            opened.on("pageerror", lambda error: heard["console"].append(str(error)))
            opened.on("dialog", lambda dialog: heard["console"].append(_closed(dialog)))
            opened.on("request", lambda request: heard["requests"].append(request.url))
            context.route("**/*", lambda route: _let_through(route, address))
            opened.goto(address, wait_until="load")
            seen = look(opened)
            if options.get("java_script_enabled", True):
                heard["violations"] += opened.evaluate("window.violations")
            context.close()
            return seen

        seen = {
            "sorting": visit(sorting),
            "filtering": visit(filtering),
            "hovering": visit(hovering),
            "layout": {
                f"{scheme} {width}": visit(
                    layout,
                    color_scheme=scheme,
                    viewport={"width": width, "height": 900},
                )
                for scheme in ("light", "dark")
                for width in (1400, 380)
            },
            "paper": visit(paper),
            "without_script": visit(without_script, java_script_enabled=False),
        }
        browser.close()
    heard["requests"] = [each for each in heard["requests"] if each != address]
    print(json.dumps({**seen, **heard}))


def sorting(page: Any) -> dict[str, Any]:
    """Columns of the table of cases after clicks and keys on their headings."""
    table = page.locator(CASES)
    names = table.locator("th").all_inner_texts()

    def column(heading: str) -> dict[str, Any]:
        index = names.index(heading)
        cells = table.locator(f"tbody td:nth-child({index + 1})")
        return {
            "cells": cells.all_inner_texts(),
            "state": table.locator("th").nth(index).get_attribute("aria-sort"),
            "sorted": table.locator("th[aria-sort]").count(),
        }

    seen = {}
    for heading in ("epoch (s)", "device", "speed-up"):
        seen[f"{heading}, as it came"] = column(heading)
        button = table.get_by_role("button", name=heading, exact=True)
        for turn in ("first", "second", "third"):
            button.click()
            seen[f"{heading}, {turn}"] = column(heading)
    table.get_by_role("button", name="cores", exact=True).focus()
    for key in ("Enter", "Space"):
        page.keyboard.press(key)
        seen[f"cores, {key}"] = column("cores")
    return seen


def filtering(page: Any) -> dict[str, Any]:
    """Rows left, and the line that counts them, after words and choices."""
    table = page.locator(CASES)
    tools = page.locator("#speedup-cases .tools")
    rows = table.locator("tbody tr:visible")

    def seen() -> dict[str, Any]:
        return {
            "rows": [row.inner_text().split("\t") for row in rows.all()],
            "count": tools.locator("output").inner_text(),
        }

    found = {"all": seen()}
    words = tools.get_by_label("filter")
    words.fill("180 CUDA")
    found["words"] = seen()
    words.fill("")
    device = tools.get_by_label("device")
    device.select_option(label="cuda")
    found["choice"] = seen()
    words.fill("no such row")
    found["nothing"] = seen()
    words.fill("")
    device.select_option(label="all")
    found["cleared"] = seen()
    found["options"] = {"device": device.locator("option").all_inner_texts()}
    size = tools.get_by_label("size (px)")
    found["options"]["size"] = size.locator("option").all_inner_texts()
    return found


def hovering(page: Any) -> dict[str, Any]:
    """What the tip says over points, on focused ones, and away from all."""
    tip = page.locator("#tip")
    points = page.locator(".drawing .point")
    seen: dict[str, Any] = {"points": points.count(), "before": tip.is_visible()}
    first, last = points.first, points.last
    for name, point in (("first", first), ("last", last)):
        point.scroll_into_view_if_needed()
        box = point.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        seen[name] = {
            "label": point.get_attribute("aria-label"),
            "tip": tip.inner_text(),
            "inside": tip.evaluate(
                "(tip) => { const box = tip.getBoundingClientRect(); return "
                "box.left >= 0 && box.right <= innerWidth && box.top >= 0; }"
            ),
        }
    page.mouse.move(1, 1)
    seen["away"] = tip.is_visible()
    first.focus()
    seen["focused"] = tip.inner_text()
    page.keyboard.press("ArrowRight")
    seen["next"] = tip.inner_text()
    seen["labels"] = [points.nth(n).get_attribute("aria-label") for n in (0, 1)]
    page.keyboard.press("Escape")
    seen["escaped"] = tip.is_visible()
    tabbed = page.locator(".drawing svg").first.locator('.point[tabindex="0"]')
    seen["tab stops"] = tabbed.count()
    return seen


def layout(page: Any) -> dict[str, Any]:
    """Widths, and the text that is hardest to read."""
    box = page.locator("#speedup-cases .box")
    heading = box.locator("th").first
    box.scroll_into_view_if_needed()
    top = heading.bounding_box()["y"]
    box.evaluate("(box) => box.scrollTo(0, 300)")
    return {
        **page.evaluate(_WIDTHS),
        "background": page.evaluate("getComputedStyle(document.body).backgroundColor"),
        "contrast": page.evaluate(_CONTRAST),
        "heading moved": heading.bounding_box()["y"] - top,
        "box scrolled": box.evaluate("(box) => box.scrollTop"),
    }


def paper(page: Any) -> dict[str, Any]:
    """What a printer gets of the longest table, and of what is of no use there."""
    page.emulate_media(media="print", color_scheme="dark")
    box = page.locator("#speedup-cases .box")
    return {
        "cut": box.evaluate("(box) => box.scrollHeight - box.clientHeight"),
        "background": page.evaluate("getComputedStyle(document.body).backgroundColor"),
        "controls": page.locator("nav:visible, select:visible, input:visible").count(),
        "contrast": page.evaluate(_CONTRAST),
        "pdf": len(page.pdf(prefer_css_page_size=True)),
    }


def without_script(page: Any) -> dict[str, Any]:
    """What is there, and that nothing is which would not work."""
    return {
        "rows": page.locator(CASES).locator("tbody tr:visible").count(),
        "controls": page.locator("button, select, input").count(),
        "titles": page.locator(".drawing .point > title").count(),
        "claim": page.locator("h1").inner_text(),
    }


def _closed(dialog: Any) -> str:
    """What it said; an open one would stop the page."""
    dialog.dismiss()
    return f"dialog: {dialog.message}"


def _let_through(route: Any, address: str) -> None:
    """Nothing but the page itself."""
    if route.request.url == address:
        route.continue_()
    else:
        route.abort()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
