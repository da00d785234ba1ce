// Uploads: files that are chosen or dropped anywhere on the page, a few at once, each with its progress.
const AT_ONCE = 3;
const form = document.querySelector("[data-upload]");
const input = form.querySelector("input[type=file]");
const panel = document.querySelector("[data-uploads]");
const list = panel.querySelector("[data-uploads-list]");
const told = panel.querySelector("[data-uploads-told]");
const item = document.querySelector("[data-uploads-item]");
const drop = document.querySelector("[data-drop]");

const waiting = [];
let running = 0;
let counts = { all: 0, done: 0, refused: 0 };

const counted = (count) => `${count.toLocaleString("en")} file${count === 1 ? "" : "s"}`;

function tell() {
  const { all, done, refused } = counts;
  const failed = refused ? ` ${counted(refused)} could not be uploaded.` : "";
  if (done + refused < all) told.textContent = `Uploading ${counted(all)}: ${done} done.${failed}`;
  else finish(`${counted(done)} ${done === 1 ? "was" : "were"} uploaded.${failed}`);
}

// Where the page shows a part of the library alone, what is new may not be among it.
function finish(words) {
  told.textContent = words;
  if (!location.search || !counts.done || !form.hasAttribute("data-upload-drop")) return;
  const link = document.createElement("a");
  link.href = location.pathname;
  link.textContent = "Show all assets";
  told.append(" ", link);
}

// --- One file -------------------------------------------------------------------------------------------------------

function send(file, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    for (const field of form.querySelectorAll("input[type=hidden]")) body.append(field.name, field.value);
    body.append(input.name, file, file.name);
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => progress(event.loaded / event.total));
    request.addEventListener("error", () => resolve("The connection broke off. Try it again."));
    request.addEventListener("load", () => resolve(request.status === 200 ? "" : refusal(request, file)));
    request.send(body);
  });
}

// The row has the file's name already.
function refusal(request, file) {
  let message = "It could not be uploaded. Try it again.";
  try {
    message = JSON.parse(request.responseText).error.message;
  } catch {
    return message;
  }
  const named = `Uploaded nothing. Left out: ${file.name} (`;
  return message.startsWith(named) ? `${message.slice(named.length, -2)}.` : message;
}

function row(file) {
  const made = item.content.firstElementChild.cloneNode(true);
  made.querySelector(".name").textContent = made.querySelector(".name").title = file.name;
  made.querySelector("progress").setAttribute("aria-label", `Upload of ${file.name}`);
  made.querySelector(".reason").textContent = "Waiting";
  list.append(made);
  return made;
}

function refuse(made, reason) {
  made.classList.add("refused");
  made.querySelector("progress").remove();
  made.querySelector(".reason").textContent = reason;
  list.prepend(made);
  counts.refused += 1;
}

async function upload(file, made) {
  const bar = made.querySelector("progress");
  const state = made.querySelector(".reason");
  state.textContent = "0 %";
  const reason = await send(file, (part) => {
    bar.value = part;
    state.textContent = part < 1 ? `${Math.floor(part * 100)} %` : "Checking";
  });
  if (reason) return refuse(made, reason);
  bar.value = 1;
  state.textContent = "Done";
  counts.done += 1;
  if (form.hasAttribute("data-upload-drop")) dispatchEvent(new Event("raster:uploaded"));
}

// --- All of them ----------------------------------------------------------------------------------------------------

function next() {
  while (running < AT_ONCE && waiting.length) {
    const [file, made] = waiting.shift();
    running += 1;
    upload(file, made).finally(() => {
      running -= 1;
      next();
    });
  }
  tell();
  // A variant changes the page that it is uploaded from.
  if (!running && !waiting.length && counts.done && !form.hasAttribute("data-upload-drop")) location.reload();
}

function take(files) {
  if (!files.length) return;
  if (!running && !waiting.length) {
    list.replaceChildren();
    counts = { all: 0, done: 0, refused: 0 };
  }
  panel.hidden = false;
  for (const file of files) {
    counts.all += 1;
    const made = row(file);
    if (file.size > Number(form.dataset.mostBytes)) refuse(made, `It is larger than ${form.dataset.mostText}.`);
    else waiting.push([file, made]);
  }
  next();
}

input.addEventListener("change", () => {
  take([...input.files]);
  input.value = "";
});
panel.querySelector("[data-uploads-close]").addEventListener("click", () => (panel.hidden = true));
addEventListener("beforeunload", (event) => running && event.preventDefault());

// --- Dropping -------------------------------------------------------------------------------------------------------

const hasFiles = (event) => event.dataTransfer?.types.includes("Files") && form.hasAttribute("data-upload-drop");
let inside = 0;

addEventListener("dragenter", (event) => {
  if (!hasFiles(event)) return;
  inside += 1;
  drop.hidden = false;
});
addEventListener("dragleave", (event) => {
  if (!hasFiles(event)) return;
  inside = Math.max(0, inside - 1);
  drop.hidden = inside > 0 ? drop.hidden : true;
});
addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  inside = 0;
  drop.hidden = true;
  const entries = [...event.dataTransfer.items].filter((entry) => entry.kind === "file");
  const files = entries.filter((entry) => !entry.webkitGetAsEntry?.()?.isDirectory).map((entry) => entry.getAsFile());
  take(files.filter(Boolean));
  if (files.length < entries.length) {
    panel.hidden = false;
    told.textContent += " Folders are left out: drop the files in them.";
  }
});
