// The grid of assets: more of it as its end is scrolled to, what was uploaded, and pictures as soon as they are made.
const AHEAD = "900px";
const PAUSE = 1500;
const MOST_LOOKS = 40;

const grid = () => document.querySelector("[data-photos]");
const find = (id) => grid()?.querySelector(`[data-asset="${id}"]`);

async function read(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null; // Offline for a moment: the links still work, and the next look tells.
  }
}

// --- More of it -----------------------------------------------------------------------------------------------------

const watcher = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && more(), { rootMargin: AHEAD });

function watch() {
  const next = document.querySelector("[data-listing] .pagination a[rel=next]");
  if (next && grid()) watcher.observe(next);
}

async function more() {
  const next = document.querySelector("[data-listing] .pagination a[rel=next]");
  watcher.disconnect();
  const page = next && (await read(next.href));
  const items = page?.querySelectorAll("[data-photos] > [data-asset]");
  if (!items?.length) return;
  for (const item of items) if (!find(item.dataset.asset)) grid().append(item);
  const pages = page.querySelector("[data-listing] .pagination");
  pages?.querySelector("[rel=prev]")?.remove();
  next.closest(".pagination").replaceWith(pages ?? "");
  dispatchEvent(new Event("raster:photos"));
  watch();
}

// --- What is new ----------------------------------------------------------------------------------------------------

let looking = null;
let looks = 0;
let timer = 0;

// Takes what the first page shows now. Whoever looks at anything else than all assets finds them there later.
async function look() {
  const page = location.search ? null : await read(location.pathname);
  const listing = page?.querySelector("[data-listing]");
  if (!listing) return;
  if (grid() && listing.querySelector("[data-photos]")) {
    merge([...listing.querySelectorAll("[data-asset]")]);
    document.querySelector("[data-facts]").replaceWith(page.querySelector("[data-facts]"));
  } else if (!grid()) {
    document.querySelector("[data-listing]").replaceWith(listing);
    document.querySelector("[data-facts]").replaceWith(page.querySelector("[data-facts]"));
    watch();
  }
  dispatchEvent(new Event("raster:photos"));
}

function merge(items) {
  let before = null;
  const pending = grid().querySelectorAll("[data-state=pending]").length;
  for (const item of items) {
    const there = find(item.dataset.asset);
    if (!there) {
      if (before) before.after(item);
      else grid().prepend(item);
      before = item;
    } else if (there.dataset.state !== item.dataset.state && !there.contains(document.activeElement)) {
      const box = item.querySelector(".pick");
      if (box) box.checked = there.querySelector(".pick").checked;
      there.replaceWith(item);
      before = item;
    } else {
      before = there;
    }
  }
  if (grid().querySelectorAll("[data-state=pending]").length < pending) looks = 0;
}

// One look at a time, and another one after it if something came meanwhile.
function refresh() {
  clearTimeout(timer);
  looking = (looking ?? Promise.resolve()).then(look).then(waitForPictures);
}

function waitForPictures() {
  clearTimeout(timer);
  if (looks >= MOST_LOOKS || !grid()?.querySelector("[data-state=pending]")) return;
  looks += 1;
  timer = setTimeout(refresh, PAUSE);
}

addEventListener("raster:uploaded", () => {
  looks = 0;
  refresh();
});
watch();
waitForPictures();
