// The selection of assets: how many there are, ranges with Shift, Enter to what can be done with them, Escape to none.
let last = null;

const boxes = () => [...document.querySelectorAll("[data-photos] .pick")];
const bar = () => document.querySelector("[data-selection]");

function inWords(count, most) {
  if (!count) return "Nothing is selected.";
  const many = count > most ? `: at most ${most} at once` : "";
  return `${count.toLocaleString("en")} selected${many}`;
}

function tell() {
  if (!bar()) return;
  const count = boxes().filter((box) => box.checked).length;
  const words = inWords(count, Number(bar().dataset.most));
  bar().querySelector("[data-selection-count]").textContent = words;
  bar().querySelector("[data-selection-clear]").hidden = false;
  const told = document.querySelector("[data-selection-told]");
  if (count || told.textContent) told.textContent = count ? `${words}. Press Enter for what can be done with them.` : words;
}

function clear() {
  for (const box of boxes()) box.checked = false;
  last = null;
  tell();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-selection-clear]")) clear();
  const box = event.target.closest(".pick");
  if (!box) return;
  const all = boxes();
  if (event.shiftKey && last && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
    for (const between of all.slice(from, to + 1)) between.checked = box.checked;
  }
  last = box;
  tell();
});

document.addEventListener("keydown", (event) => {
  const open = bar()?.querySelector("details[open]");
  if (event.key === "Escape" && open) {
    open.open = false;
    open.querySelector("summary").focus();
  } else if (event.key === "Escape" && event.target.closest?.("[data-photos], [data-selection]")) {
    const box = boxes().find((box) => box.checked);
    clear();
    box?.focus();
  } else if (event.key === "Enter" && event.target.matches?.(".pick")) {
    // It would send the form without a word.
    event.preventDefault();
    event.target.checked = true;
    tell();
    bar().querySelector("summary, button").focus();
  }
});

addEventListener("raster:photos", tell);
addEventListener("pageshow", tell);
tell();
