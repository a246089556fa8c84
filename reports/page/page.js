"use strict";
// The page is whole without this: it adds sorting, filters and the values of points.

(() => {
  const collator = new Intl.Collator("en", { numeric: true });
  const make = (name, properties) => Object.assign(document.createElement(name), properties);

  // Tables: a click on a heading sorts up, a second down, a third as it was.
  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

  const keyOf = (cell, isNumeric) => {
    const text = cell.dataset.key ?? cell.textContent;
    if (!isNumeric) return text;
    return text === "" ? NaN : Number(text);
  };

  // Cells without a number come last, whichever way the others go.
  const compare = (a, b, sign, isNumeric) => {
    if (!isNumeric) return sign * collator.compare(a.key, b.key);
    if (Number.isNaN(a.key) || Number.isNaN(b.key)) {
      return Number.isNaN(a.key) - Number.isNaN(b.key) || collator.compare(a.text, b.text);
    }
    return sign * (a.key - b.key);
  };

  const makeSortable = (table) => {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const headings = [...table.tHead.rows[0].cells];
    const sort = (heading, index) => {
      const order = NEXT[heading.getAttribute("aria-sort") ?? "none"];
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      if (order === "none") {
        body.append(...original);
        return;
      }
      heading.setAttribute("aria-sort", order);
      const isNumeric = "numeric" in heading.dataset;
      const sign = order === "ascending" ? 1 : -1;
      const keyed = original.map((row) => {
        const cell = row.cells[index];
        return { row, key: keyOf(cell, isNumeric), text: cell.textContent };
      });
      keyed.sort((a, b) => compare(a, b, sign, isNumeric));
      body.append(...keyed.map((each) => each.row));
    };
    headings.forEach((heading, index) => {
      const button = make("button", { type: "button", textContent: heading.textContent });
      button.addEventListener("click", () => sort(heading, index));
      heading.replaceChildren(button);
    });
  };

  const label = (text, control) => {
    const made = make("label");
    made.append(text, control);
    return made;
  };

  const selectOf = (rows, heading, index) => {
    const isNumeric = "numeric" in heading.dataset;
    const cells = new Map(rows.map((row) => [row.cells[index].textContent, row.cells[index]]));
    const options = [...cells].map(([text, cell]) => ({ text, key: keyOf(cell, isNumeric) }));
    options.sort((a, b) => compare(a, b, 1, isNumeric));
    const select = make("select");
    select.append(new Option("all", "all"));
    options.forEach(({ text }) => select.append(new Option(text || "none", `=${text}`)));
    return select;
  };

  const makeFilterable = (table) => {
    const rows = [...table.tBodies[0].rows];
    const headings = [...table.tHead.rows[0].cells];
    const words = make("input", { type: "search", spellcheck: false });
    const count = make("output");
    const chosen = [];
    const tools = make("div", { className: "tools" });
    tools.append(label("filter", words));
    headings.forEach((heading, index) => {
      if (!("chosen" in heading.dataset)) return;
      const select = selectOf(rows, heading, index);
      chosen.push({ select, index });
      tools.append(label(heading.textContent, select));
    });
    tools.append(count);
    const texts = rows.map((row) => [...row.cells].map((each) => each.textContent));
    const lines = texts.map((cells) => cells.join(" ").toLowerCase());
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/);
      let shown = 0;
      rows.forEach((row, number) => {
        const fits =
          wanted.every((word) => lines[number].includes(word)) &&
          chosen.every(
            ({ select, index }) =>
              select.value === "all" || select.value === `=${texts[number][index]}`,
          );
        row.hidden = !fits;
        shown += fits;
      });
      const isNarrowed = shown < rows.length;
      tools.classList.toggle("narrowed", isNarrowed); // what paper has to say
      count.value = isNarrowed ? `${shown} of ${rows.length} rows` : `${shown} rows`;
    };
    tools.addEventListener("input", filter);
    filter();
    table.closest(".box").before(tools);
  };

  // Figures: the value of the nearest point under the pointer, or of the focused one.
  const REACH = 24; // px from the pointer
  const tip = make("div", { id: "tip", hidden: true });
  tip.setAttribute("role", "tooltip");

  const show = (point) => {
    document.querySelector(".point.active")?.classList.remove("active");
    tip.hidden = point === null;
    if (point === null) return;
    point.classList.add("active");
    tip.textContent = point.getAttribute("aria-label");
    const at = point.getBoundingClientRect();
    const size = tip.getBoundingClientRect();
    const centred = at.left + at.width / 2 - size.width / 2;
    const right = document.documentElement.clientWidth - size.width - 8;
    const above = at.top - size.height - 8;
    tip.style.left = `${Math.max(8, Math.min(centred, right))}px`;
    tip.style.top = `${above < 8 ? at.bottom + 8 : above}px`;
  };

  const distance = (box, x, y) =>
    Math.hypot(
      Math.max(box.left - x, 0, x - box.right),
      Math.max(box.top - y, 0, y - box.bottom),
    );

  const nearest = (points, x, y) => {
    const found = points.map((point) => {
      const box = point.getBoundingClientRect();
      const centre = Math.hypot((box.left + box.right) / 2 - x, (box.top + box.bottom) / 2 - y);
      return { point, edge: distance(box, x, y), centre };
    });
    found.sort((a, b) => a.edge - b.edge || a.centre - b.centre);
    return found[0].edge <= REACH ? found[0].point : null;
  };

  const STEP = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

  const makeTelling = (svg) => {
    const points = [...svg.querySelectorAll(".point")];
    if (points.length === 0) return;
    points.forEach((point, number) => {
      const title = point.querySelector("title");
      point.setAttribute("role", "img");
      point.setAttribute("aria-label", title.textContent);
      point.setAttribute("tabindex", number === 0 ? "0" : "-1");
      title.remove(); // the browser would show it a second time
    });
    svg.setAttribute("role", "group"); // of an image a screen reader sees no parts
    svg.addEventListener("pointermove", (event) =>
      show(nearest(points, event.clientX, event.clientY)),
    );
    svg.addEventListener("pointerleave", () => show(null));
    svg.addEventListener("focusin", (event) => show(event.target.closest(".point")));
    svg.addEventListener("focusout", () => show(null));
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") show(null);
      if (!(event.key in STEP)) return;
      event.preventDefault();
      const here = points.indexOf(document.activeElement);
      const next = points[(here + STEP[event.key] + points.length) % points.length];
      points[here]?.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  };

  document.querySelectorAll("table.sheet").forEach((table) => {
    if (table.tBodies[0].rows.length < 2) return;
    makeFilterable(table);
    makeSortable(table);
  });
  document.querySelectorAll(".drawing svg").forEach(makeTelling);
  document.body.append(tip);
})();
