document.documentElement.classList.add("scripted");
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.classList.contains("copy")) {
    const code = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(code);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    const words = button.firstChild;
    words.textContent = "copied";
    setTimeout(() => { words.textContent = "copy"; }, 1500);
  } else if (button.classList.contains("all")) {
    const group = groups.find((each) => each.head.contains(button));
    group.whole = !group.whole;
    button.textContent = group.whole ? `show the first ${first}` : `show all ${group.rows.length}`;
    select();
  } else if (button.dataset.sort) {
    sort(Number(button.dataset.sort));
  }
});

// The table: rows stay in the group of their cause; sorting, filtering and folding work on these lists. Rows
// beyond the first of a group stand in the page as a form, said once, and a table of values; each is put
// together when it is shown.
const first = 20;
const table = document.querySelector("table.verdicts");
const groups = [];

// A serial number as the octets of an ASN.1 INTEGER, as Wireshark's filters take it.
function octets(serial) {
  const even = serial.length % 2 ? `0${serial}` : serial;
  return ((/^[89a-f]/.test(even) ? "00" : "") + even).match(/../g).join(":");
}
// The HTML of a form in pieces: text, and the places of values.
function pieces(html) {
  return html.split(/(<var data-column="\d+"(?: data-as="octets")?>[^<]*<\/var>)/).map((piece) => {
    const place = piece.match(/^<var data-column="(\d+)"/);
    return place ? { column: Number(place[1]), octets: piece.includes("data-as") } : piece;
  });
}
function filled(form, values) {
  return form.map((piece) => {
    if (typeof piece === "string") return piece;
    return piece.octets ? octets(values[piece.column]) : values[piece.column];
  }).join("");
}
function plain(html) {
  const scrap = document.createElement("tbody");
  scrap.innerHTML = html;
  return scrap;
}
function searched(cause, find, body) {
  return `${cause} ${find} ${body.rows[0].textContent} ${body.querySelector("summary").textContent}`.toLowerCase();
}
class Written {
  constructor(group, body) {
    this.body = body;
    this.id = body.id;
    this.text = searched(group.cause, body.dataset.find, body);
    this.cells = [...body.rows[0].cells].map((cell) => cell.textContent.trim());
    this.urgent = body.classList.contains("urgent");
  }
}
class Packed {
  constructor(group, form, id, values) {
    Object.assign(this, { group, form, id, values, body: null, urgent: form.urgent });
  }
  // Details are not needed to search or sort: they are left out of the scrap that is read for that.
  get scrap() { return plain(filled(this.form.brief, this.values)); }
  get text() {
    const text = searched(this.group.cause, this.values.join(" "), this.scrap);
    Object.defineProperty(this, "text", { value: text });
    return text;
  }
  get cells() {
    const cells = [...this.scrap.rows[0].cells].map((cell) => cell.textContent.trim());
    Object.defineProperty(this, "cells", { value: cells });
    return cells;
  }
  put() {
    const body = plain(filled(this.form.whole, this.values));
    body.className = this.urgent ? "verdict urgent" : "verdict";
    body.id = this.id;
    body.querySelector("a.anchor").href = `#${this.id}`;
    this.body = body;
  }
}
for (const body of all(".verdicts > tbody")) {
  if (body.classList.contains("group")) {
    groups.push({ head: body, rows: [], whole: false, cause: body.querySelector(".cause").textContent });
    continue;
  }
  const group = groups[groups.length - 1];
  if (body.classList.contains("verdict")) {
    group.rows.push(new Written(group, body));
  } else if (body.classList.contains("form")) {
    const whole = body.innerHTML;
    body.querySelector(".inside").replaceChildren();
    const form = { whole: pieces(whole), brief: pieces(body.innerHTML), urgent: body.classList.contains("urgent") };
    const values = body.nextElementSibling;
    for (const row of values.querySelectorAll("tr[id]")) {
      group.rows.push(new Packed(group, form, row.id, [...row.cells].map((cell) => cell.innerHTML)));
    }
    body.remove();
    values.remove();
  }
}
const total = groups.reduce((sum, group) => sum + group.rows.length, 0);
if (table) {
  all("thead th", table).forEach((heading, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.dataset.sort = place + 1;
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
  });
}
function number(text) {
  const found = text.match(/\d+/g);
  return found ? Number(found[found.length > 1 && text.startsWith("[") ? 1 : 0]) : Infinity;
}
function sort(column) {
  const place = column - 1;
  const headings = all("thead th", table);
  const down = headings[place].getAttribute("aria-sort") === "ascending";
  headings.forEach((heading) => heading.removeAttribute("aria-sort"));
  headings[place].setAttribute("aria-sort", down ? "descending" : "ascending");
  const compare = headings[place].textContent === "Frames"
    ? (one, two) => number(one.cells[place]) - number(two.cells[place])
    : (one, two) => one.cells[place].localeCompare(two.cells[place], "en", { numeric: true });
  for (const group of groups) {
    group.rows.sort((one, two) => (down ? -compare(one, two) : compare(one, two)) || 0);
  }
  select();
}

const search = document.getElementById("search");
const urgent = document.getElementById("urgent");
const shown = document.getElementById("shown");
const nothing = document.getElementById("nothing");
function select() {
  if (!search) return;
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = words.length > 0 || urgent.checked;
  let certificates = 0;
  for (const group of groups) {
    let found = 0;
    const visible = [];
    for (const row of group.rows) {
      const holds = (!urgent.checked || row.urgent) && words.every((word) => row.text.includes(word));
      if (holds) found += 1;
      if (holds && (group.whole || found <= first)) {
        if (!row.body) row.put();
        visible.push(row.body);
      }
      if (row.body) row.body.hidden = true;
    }
    for (const body of visible) body.hidden = false;
    if (visible.some((body, place) => body.previousElementSibling !== (visible[place - 1] || group.head))) {
      group.head.after(...visible);
    }
    group.head.hidden = found === 0;
    const button = group.head.querySelector("button.all");
    if (button) {
      button.hidden = found <= first;
      if (!group.whole) button.textContent = `show all ${found}`;
    }
    certificates += found;
  }
  let others = 0;
  for (const filtered of all("table.filtered")) {
    let here = 0;
    for (const body of filtered.tBodies) {
      const units = body.rows.length && body.rows[0].cells[0].classList.contains("host") ? [[...body.rows]] : [...body.rows].map((row) => [row]);
      for (const rows of units) {
        const text = rows.map((row) => row.textContent).join(" ").toLowerCase();
        const holds = words.every((word) => text.includes(word));
        for (const row of rows) row.hidden = !holds;
        here += holds ? 1 : 0;
      }
    }
    filtered.closest("section").hidden = here === 0;
    others += here;
  }
  const whole = document.getElementById("certificate-table");
  if (whole) whole.hidden = certificates === 0;
  nothing.hidden = certificates + others > 0 || !chosen;
  shown.textContent = chosen ? `${certificates.toLocaleString("en")} of ${total.toLocaleString("en")} certificates` : `${total.toLocaleString("en")} certificates`;
}
if (search) {
  search.addEventListener("input", select);
  urgent.addEventListener("change", select);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { search.value = ""; select(); }
  });
  select();
}

// A link to one certificate opens it, whatever is folded or filtered.
function follow() {
  const id = decodeURIComponent(location.hash.slice(1));
  const group = id && groups.find((each) => each.rows.some((row) => row.id === id));
  if (!group) return;
  const row = group.rows.find((each) => each.id === id);
  if (!row.body || row.body.hidden) {
    search.value = "";
    urgent.checked = false;
    group.whole = true;
    select();
  }
  row.body.querySelector("details").open = true;
  row.body.scrollIntoView({ block: "start" });
}
addEventListener("hashchange", follow);
follow();
addEventListener("beforeprint", () => {
  for (const details of all("tbody.urgent:not([hidden]) details, details.line")) details.open = true;
});
