// Copy buttons: <button data-copy="id"> copies the text of the field or the <pre> with that id, and says so.
const SAID_FOR = 2000;

async function copy(source) {
  const text = "value" in source ? source.value : source.textContent;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without the clipboard (plain HTTP, or refused) the text is selected, ready for the keyboard.
    if ("select" in source) source.select();
    else getSelection().selectAllChildren(source);
    return false;
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = await copy(document.getElementById(button.dataset.copy));
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    button.dispatchEvent(new CustomEvent("raster:copied", { bubbles: true, detail: { copied } }));
    setTimeout(() => (button.textContent = label), SAID_FOR);
  });
}
