// The page that shows a new key: asks before it is left uncopied, and turns green at the key's first request.
const EVERY = 2000;
const note = document.querySelector("[data-first-request]");
let copied = false;

addEventListener("copy", () => (copied = true));
addEventListener("raster:copied", (event) => (copied ||= event.detail.copied));
addEventListener("beforeunload", (event) => {
  if (!copied) event.preventDefault();
});

async function firstUse() {
  try {
    const answer = await fetch(note.dataset.firstRequest, { headers: { Accept: "application/json" } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // Offline for a moment: the next look tells.
  }
}

async function wait() {
  const state = document.hidden ? null : await firstUse();
  if (!state?.used) return setTimeout(wait, EVERY);
  note.classList.add("good");
  note.querySelector(".badge").className = "badge good";
  note.querySelector(".dot").classList.remove("live");
  const client = state.client ? ` from ${state.client}` : "";
  note.querySelector("[data-first-request-text]").textContent = `It works: the first request came${client}.`;
}

wait();
