document.documentElement.classList.add("scripted");
for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", async () => {
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
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
}
const search = document.getElementById("search");
const urgent = document.getElementById("urgent");
function select() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const body of document.querySelectorAll("tbody.verdict")) {
    const text = body.rows[0].textContent.toLowerCase();
    const shown = words.every((word) => text.includes(word));
    body.hidden = !shown || (urgent.checked && !body.classList.contains("urgent"));
  }
}
if (search && urgent) {
  search.addEventListener("input", select);
  urgent.addEventListener("change", select);
}
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("tbody.urgent details")) details.open = true;
});
