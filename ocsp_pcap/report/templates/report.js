document.documentElement.classList.add("scripted");
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Details of further rows: packed in the page, unpacked once, put in place when they are opened.
const packed = document.getElementById("packed");
const unpacked = packed && (async () => {
  const bytes = Uint8Array.from(atob(packed.textContent.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return (await new Response(stream).text()).split("\x1e");
})();
async function fill(details) {
  const place = details.querySelector(".packed");
  if (!place) return;
  const parts = await unpacked;
  place.innerHTML = parts[Number(place.dataset.place)];
  place.classList.remove("packed");
}
document.addEventListener("toggle", (event) => { if (event.target.open) fill(event.target); }, true);

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

// The table: rows stay in the group of their cause; sorting, filtering and folding work on these lists.
const first = 20;
const table = document.querySelector("table.verdicts");
const groups = [];
for (const body of all("tbody", table || document.createElement("table"))) {
  if (body.classList.contains("group")) {
    groups.push({ head: body, rows: [], whole: false, cause: body.querySelector(".cause").textContent });
  } else {
    const group = groups[groups.length - 1];
    const text = `${group.cause} ${body.dataset.find} ${body.rows[0].textContent} ${body.rows[1].querySelector("summary").textContent}`;
    group.rows.push({ body, text: text.toLowerCase(), cells: [...body.rows[0].cells].map((cell) => cell.textContent.trim()) });
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
    group.head.after(...group.rows.map((row) => row.body));
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
    for (const row of group.rows) {
      const holds = words.every((word) => row.text.includes(word)) && (!urgent.checked || row.body.classList.contains("urgent"));
      if (holds) found += 1;
      row.body.hidden = !holds || (!group.whole && found > first);
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
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target || !target.classList.contains("verdict")) return;
  const group = groups.find((each) => each.rows.some((row) => row.body === target));
  if (target.hidden) {
    search.value = "";
    urgent.checked = false;
    group.whole = true;
    select();
  }
  const details = target.querySelector("details");
  details.open = true;
  fill(details);
  target.scrollIntoView({ block: "start" });
}
addEventListener("hashchange", follow);
follow();
addEventListener("beforeprint", () => {
  for (const details of all("tbody.urgent:not([hidden]) details, details.line")) {
    if (!details.querySelector(".packed")) details.open = true;
  }
});
