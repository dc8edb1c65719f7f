// The page is complete without this script. It adds the numbers under the pointer, from the table of each chart (which
// keyboards and screen readers use), and the search of the catalog.
"use strict";

for (const figure of document.querySelectorAll(".chart:has(.plot)")) {
  const plot = figure.querySelector(".plot");
  const svg = plot.querySelector("svg");
  const [left, width] = [Number(plot.dataset.left), Number(plot.dataset.width)];
  const rows = [...figure.querySelectorAll(".numbers tbody tr")].reverse();
  const shown = [...figure.querySelectorAll(".legend .at")];
  const when = figure.querySelector(".when");
  const cursor = document.createElementNS(svg.namespaceURI, "line");
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("y1", 0);
  cursor.setAttribute("y2", svg.viewBox.baseVal.height);

  const show = (number) => {
    const cells = rows[number].cells;
    when.textContent = cells[0].textContent;
    shown.forEach((place, line) => { place.textContent = cells[line + 1].textContent; });
  };
  plot.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width - left;
    const number = Math.max(0, Math.min(rows.length - 1, Math.round(x / width * (rows.length - 1))));
    const at = left + width * number / Math.max(1, rows.length - 1);
    cursor.setAttribute("x1", at);
    cursor.setAttribute("x2", at);
    svg.append(cursor);
    show(number);
  });
  plot.addEventListener("pointerleave", () => {
    cursor.remove();
    show(rows.length - 1);
  });
}

const words = document.getElementById("words");
const system = document.getElementById("system");
const found = document.getElementById("found");
const entries = [...document.querySelectorAll(".catalog tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);

const search = () => {
  const wanted = words.value.toLowerCase().split(/\s+/);
  let count = 0;
  for (const [row, text] of entries) {
    row.hidden = !(wanted.every((word) => text.includes(word)) && ["", row.dataset.system].includes(system.value));
    count += row.hidden ? 0 : 1;
  }
  found.textContent = count === 1 ? "1 metric" : `${count} metrics`;
};
words.addEventListener("input", search);
system.addEventListener("change", search);
words.form.addEventListener("submit", (event) => event.preventDefault());
search(); // the browser restores the typed words when a person goes back
