"""Markup: matplotlib's SVG made lean, with an element, id and label for each point.

Style attributes become presentation attributes, which a page's policy may not forbid
and its style sheet may override.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from reports.figures import style
from reports.figures.drawing import Drawing, Point

#: What the group of a bar is called by its number, and that of a series of markers by
#: the number of the first, in what matplotlib writes.
POINT, POINTS = "point-", "points-"

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_GROUP = f"{_NAMESPACE}g"
_DEFINITIONS = f"{_NAMESPACE}defs"
_LINKS = "http://www.w3.org/1999/xlink"
_LINK = f"{{{_LINKS}}}href"  # not all programs know SVG 2, which has no prefix
_REACH = "4.5"  # radius in points around a marker that answers to a pointer
_REFERENCE = re.compile(r"(?<=#)[A-Za-z][\w.-]*")
_LENGTHS = {"d", "x", "y"}
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_INHERITED = (
    *("fill", "stroke", "stroke-width", "stroke-opacity", "stroke-linejoin"),
    *("stroke-linecap", "stroke-dasharray", "font-size", "font-weight", "text-anchor"),
)
_UNTURNED = re.compile(r"^rotate\(-?0 [^)]*\)$")
_ITSELF = "figure"

_Element = ElementTree.Element


def embedded(text: str, drawing: Drawing, prefix: str) -> str:
    """To stand in a page: colours and font are the page's, as is the size."""
    root = _cleaned(text, drawing.points, prefix)
    del root.attrib["width"], root.attrib["height"]
    root.set("role", "img")
    root.set("aria-label", drawing.title)
    for element in root.iter():
        element.attrib.pop("font-family", None)
        for name in ("fill", "stroke"):
            if (colour := element.get(name)) is not None:
                element.set(name, _of_page(colour))
    return _written(root)


def standalone(text: str, drawing: Drawing) -> str:
    """To be a file: with its title and caption for who cannot see it."""
    root = _cleaned(text, drawing.points, _ITSELF)
    for place, (name, said) in enumerate(
        (("title", drawing.title), ("desc", drawing.caption))
    ):
        element = _Element(f"{_NAMESPACE}{name}")
        element.text = said
        root.insert(place, element)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_written(root)}\n'


def _cleaned(text: str, points: Sequence[Point], prefix: str) -> _Element:
    root = ElementTree.fromstring(text)
    root.remove(_found(root, "metadata"))
    # rules for all elements, which are inherited as well
    root.remove(_found(root, "defs"))
    root.set("stroke-linejoin", "round")
    for element in root.iter():
        _attributes(element)
    named = _points(root)
    _rename(root, prefix)
    for element, number in named:
        element.set("id", f"{prefix}--{number}")
        element.set("class", "point")
        title = _Element(f"{_NAMESPACE}title")
        title.text = points[number].label
        element.insert(0, title)
    _share(root)
    return root


def _attributes(element: _Element) -> None:
    """Style as attributes, short numbers, and no white space between elements."""
    for part in element.attrib.pop("style", "").split(";"):
        name, _, value = part.partition(":")
        if value:
            element.set(name.strip(), value.strip())
    for name in _LENGTHS & element.attrib.keys():
        short = _NUMBER.sub(_rounded, element.attrib[name])
        element.set(name, " ".join(short.split()))
    if element.get("text-anchor") == "start":
        del element.attrib["text-anchor"]
    if _UNTURNED.match(element.get("transform", "")):
        del element.attrib["transform"]
    element.tail = None
    if element.text is not None and not element.text.strip():
        element.text = None


def _share(parent: _Element) -> None:
    """Give groups what all their elements have alike; leave out those that do nothing.

    It halves what is written.
    """
    for place, child in reversed([*enumerate(parent)]):
        _share(child)
        if child.tag == _GROUP and not child.attrib and len(child) < 2:
            parent[place : place + 1] = list(child)
    drawn = [child for child in parent if child.tag != _DEFINITIONS]
    if parent.tag != _GROUP or len(drawn) < 2:
        return
    for name in _INHERITED:
        values = {child.get(name) for child in drawn}
        if len(values) == 1 and None not in values and name not in parent.attrib:
            parent.set(name, drawn[0].attrib[name])
            for child in drawn:
                del child.attrib[name]


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}"


def _points(root: _Element) -> list[tuple[_Element, int]]:
    """The element of each point and its number; markers are given one of their own."""
    found = []
    for group in list(root.iter(_GROUP)):
        name = group.get("id", "")
        if name.startswith(POINT):
            found.append((group, int(name.removeprefix(POINT))))
        elif name.startswith(POINTS):
            first = int(name.removeprefix(POINTS))
            markers = _found(group, "g")
            _share(markers)
            for place, marker in enumerate(list(markers)):
                markers[place] = element = _Element(_GROUP)
                element.append(_answering(marker))
                element.append(marker)
                found.append((element, first + place))
    return found


def _answering(marker: _Element) -> _Element:
    """What nobody sees around a marker, since that is too small for a pointer."""
    place = {"cx": marker.get("x", ""), "cy": marker.get("y", "")}
    unseen = {"r": _REACH, "fill": "none", "stroke": "none", "pointer-events": "all"}
    return _Element(f"{_NAMESPACE}circle", {**place, **unseen})


def _rename(root: _Element, prefix: str) -> None:
    """Let ids that are referred to begin with ``prefix``; take all others away."""
    names: dict[str, str] = {}
    for element in root.iter():
        for attribute, value in element.items():
            if attribute == _LINK or value.startswith("url(#"):
                for name in _REFERENCE.findall(value):
                    names.setdefault(name, f"{prefix}--d{len(names)}")
    for element in root.iter():
        for attribute, value in element.items():
            if attribute == _LINK or value.startswith("url(#"):
                new = _REFERENCE.sub(lambda found: names[found[0]], value)
                element.set(attribute, new)
        name = names.get(element.attrib.pop("id", ""))
        if name is not None:
            element.set("id", name)


def _of_page(colour: str) -> str:
    """``colour`` as the page's own, or one that the page may change."""
    if colour == style.INK:
        return "currentColor"
    name = style.PROPERTIES.get(colour)
    return f"var({name}, {colour})" if name else colour


def _found(parent: _Element, tag: str) -> _Element:
    child = parent.find(f"{_NAMESPACE}{tag}")
    if child is None:
        raise AssertionError(f"matplotlib wrote no {tag} into {parent.tag}")
    return child


def _written(root: _Element) -> str:
    ElementTree.register_namespace("", _NAMESPACE.strip("{}"))
    ElementTree.register_namespace("xlink", _LINKS)
    return ElementTree.tostring(root, encoding="unicode")
