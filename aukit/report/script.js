"use strict";
// Without this script everything can still be read: it only enlarges, sorts and reads off.
(() => {
  const make = (name, attributes = {}, text = "") => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };

  // Pictures: one dialog; left and right step in time, up and down from one person to the next.
  const viewer = make("dialog", { class: "viewer", "aria-label": "Picture" });
  const large = make("img", { alt: "" });
  const caption = make("p", { "aria-live": "polite" });
  const bar = make("div", { class: "bar" });
  const buttons = [
    ["Previous person", "⇑", () => stepPerson(-1)],
    ["Previous picture", "←", () => step(-1)],
    ["Next picture", "→", () => step(1)],
    ["Next person", "⇓", () => stepPerson(1)],
    ["Close", "✕", () => viewer.close()],
  ];
  for (const [name, sign, act] of buttons) {
    const button = make("button", { type: "button", "aria-label": name, title: name }, sign);
    button.addEventListener("click", act);
    bar.append(button);
  }
  viewer.append(caption, bar);
  document.body.append(viewer);
  let shown = [];
  let place = 0;
  const person = (figure) => figure.dataset.person;
  const show = (next) => {
    place = (next + shown.length) % shown.length;
    const picture = shown[place].querySelector("img");
    large.src = picture.src;
    large.alt = picture.alt;
    if (!large.isConnected) viewer.prepend(large);
    // Small faces are enlarged to what can be looked at, and keep their pixels.
    large.style.width = `${Math.max(picture.naturalWidth, 480)}px`;
    caption.textContent = `${picture.alt} (${place + 1} of ${shown.length})`;
  };
  const step = (by) => show(place + by);
  const stepPerson = (by) => {
    let next = place;
    do next = (next + by + shown.length) % shown.length;
    while (next !== place && person(shown[next]) === person(shown[place]));
    while (by < 0 && next > 0 && person(shown[next - 1]) === person(shown[next])) next -= 1;
    show(next);
  };
  const keys = {
    ArrowLeft: () => step(-1), ArrowRight: () => step(1),
    ArrowUp: () => stepPerson(-1), ArrowDown: () => stepPerson(1),
  };
  viewer.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  for (const group of document.querySelectorAll(".pictures")) {
    const figures = [...group.querySelectorAll("figure")];
    figures.forEach((figure, number) => {
      const picture = figure.querySelector("img");
      const button = make("button", { type: "button", class: "enlarge" });
      button.setAttribute("aria-label", `Enlarge: ${picture.alt}`);
      picture.replaceWith(button);
      button.append(picture);
      button.addEventListener("click", () => {
        shown = figures;
        show(number);
        viewer.showModal();
      });
    });
  }

  // Tables: a button in each heading sorts by its column; the total stays last.
  const value = (row, column) => {
    const text = (row.cells[column]?.childNodes[0]?.textContent ?? "").trim();
    const number = Number.parseFloat(text.replaceAll(",", ""));
    return { text, number: /^[-+]?[.\d]/.test(text) ? number : Number.NaN };
  };
  const compare = (one, other) => {
    if (Number.isNaN(one.number) !== Number.isNaN(other.number)) return Number.isNaN(one.number) ? 1 : -1;
    if (Number.isNaN(one.number)) return one.text.localeCompare(other.text);
    return one.number - other.number;
  };
  const sort = (table, heading, column) => {
    const body = table.tBodies[0];
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...body.rows].filter((row) => !row.classList.contains("total"));
    const totals = [...body.rows].filter((row) => row.classList.contains("total"));
    rows.sort((a, b) => compare(value(a, column), value(b, column)) * (down ? -1 : 1));
    body.append(...rows, ...totals);
  };
  for (const table of document.querySelectorAll("main table")) {
    const headings = table.tHead?.rows[0]?.cells ?? [];
    if (!table.tBodies[0] || table.tBodies[0].rows.length < 2) continue;
    [...headings].forEach((heading, column) => {
      if (!heading.textContent.trim()) return;
      const button = make("button", { type: "button", class: "sort" }, heading.textContent);
      heading.replaceChildren(button);
      button.addEventListener("click", () => sort(table, heading, column));
    });
  }

  // Curves: the pointer, or the arrow keys, read off every line of a chart at one place.
  const points = (path) => [...path.getAttribute("d").matchAll(/[ML]([-\d.]+) ([-\d.]+)/g)]
    .map((found) => [Number(found[1]), Number(found[2])]);
  const short = (number) => Number(number.toPrecision(4)).toString();
  for (const chart of document.querySelectorAll("svg[data-x]")) {
    const series = [...chart.querySelectorAll("path.stroke")]
      .map((path) => ({ name: path.textContent, points: points(path) }))
      .filter((one) => one.points.length);
    if (!series.length) continue;
    const [left, right, x0, x1] = chart.dataset.x.split(" ").map(Number);
    const [bottom, top, y0, y1] = chart.dataset.y.split(" ").map(Number);
    const acrossOf = (x) => x0 + ((x - left) / (right - left)) * (x1 - x0);
    const heightOf = (y) => y0 + ((y - bottom) / (top - bottom)) * (y1 - y0);
    const places = [...new Set(series.flatMap((one) => one.points.map((point) => point[0])))]
      .sort((a, b) => a - b);
    const rule = document.createElementNS(chart.namespaceURI, "line");
    rule.setAttribute("class", "reading");
    rule.setAttribute("y1", top);
    rule.setAttribute("y2", bottom);
    const text = make("output", { class: "reading" });
    text.textContent = "\u00a0";
    chart.append(rule);
    chart.after(text);
    chart.setAttribute("tabindex", "0");
    let at = -1;
    const read = (number) => {
      at = Math.min(Math.max(number, 0), places.length - 1);
      const x = places[at];
      rule.setAttribute("x1", x);
      rule.setAttribute("x2", x);
      rule.style.visibility = "visible";
      const near = (one) => one.points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
      const values = series.map((one) => `${one.name} ${short(heightOf(near(one)[1]))}`.trim());
      text.textContent = `${short(acrossOf(x))}: ${values.join(", ")}`;
    };
    const forget = () => { rule.style.visibility = "hidden"; text.textContent = "\u00a0"; at = -1; };
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
      read(places.reduce((best, place, n) => (Math.abs(place - x) < Math.abs(places[best] - x) ? n : best), 0));
    });
    chart.addEventListener("pointerleave", forget);
    chart.addEventListener("blur", forget);
    chart.addEventListener("keydown", (event) => {
      const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: places.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      read(next);
    });
  }
})();
