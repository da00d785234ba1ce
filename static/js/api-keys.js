// The grant table: a filter, "Set all shown", and the chosen levels in words.
const WORDS = ["write", "read"];

function inWords(chosen) {
  const count = (level) => chosen.filter((value) => value === level).length;
  const parts = WORDS.filter(count).map((level) => `${level[0].toUpperCase()}${level.slice(1)} on ${count(level).toLocaleString("en")}`);
  if (!parts.length) return "No access to any library";
  parts[0] += count(WORDS.find(count)) === 1 ? " library" : " libraries";
  return parts.join(", ");
}

function start(table) {
  const rows = [...table.querySelectorAll("[data-library]")];
  const filter = table.querySelector("[data-grant-filter]");
  const shown = table.querySelector("[data-grant-shown]");
  const summary = table.closest("form").querySelector("[data-grant-summary]");

  const summarize = () => {
    summary.textContent = inWords([...table.querySelectorAll("input[type=radio]:checked")].map((radio) => radio.value));
  };
  const narrow = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const library = row.dataset.library.toLowerCase();
      row.hidden = !words.every((word) => library.includes(word));
    }
    const count = rows.filter((row) => !row.hidden).length;
    shown.textContent = words.length ? `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown` : "";
  };

  filter.addEventListener("input", narrow);
  // Enter in the filter would save the whole form.
  filter.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  table.addEventListener("change", summarize);
  for (const button of table.querySelectorAll("[data-grant-set]")) {
    button.addEventListener("click", () => {
      for (const row of rows.filter((row) => !row.hidden)) {
        row.querySelector(`input[value=${button.dataset.grantSet}]`).checked = true;
      }
      summarize();
    });
  }
  table.querySelector("[data-grant-tools]").hidden = false;
  narrow();
  summarize();
}

document.querySelectorAll("[data-grants]").forEach(start);
