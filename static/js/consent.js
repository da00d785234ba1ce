// The consent page: a filter over the libraries, and only those of the chosen organization are sent.
function start(form) {
  const organizations = [...form.querySelectorAll(".organization")];

  const follow = () => {
    const all = form.querySelector("[data-all]")?.checked;
    for (const organization of organizations) {
      const narrowing = organization.querySelector("[data-narrowing]");
      if (narrowing) narrowing.disabled = !all && !organization.querySelector("[name=organization]").checked;
    }
  };

  for (const radio of form.querySelectorAll("[name=organization]")) radio.addEventListener("change", follow);
  addEventListener("pageshow", follow);
  form.querySelectorAll("[data-narrowing]").forEach(narrow);
  follow();
}

function narrow(fieldset) {
  const rows = [...fieldset.querySelectorAll("li")].map((row) => [row, row.textContent.toLowerCase()]);
  const filter = fieldset.querySelector("[data-narrowing-filter]");
  const count = fieldset.querySelector("[data-narrowing-count]");

  const tell = () => {
    const chosen = fieldset.querySelectorAll("input[type=checkbox]:checked").length;
    count.textContent = chosen ? `${chosen.toLocaleString("en")} of ${rows.length.toLocaleString("en")} chosen` : "";
  };
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const [row, text] of rows) row.hidden = !words.every((word) => text.includes(word));
  });
  // Enter in the filter would answer the page.
  filter.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  fieldset.addEventListener("change", tell);
  fieldset.querySelector("[data-narrowing-tools]").hidden = false;
  tell();
}

document.querySelectorAll("[data-consent]").forEach(start);
