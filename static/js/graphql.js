// The page at /graphql: sends a document with the credential that was typed in, and no cookie, and shows the answer.
const part = (id) => document.getElementById(id);

async function ask(body) {
  const answer = await fetch("/graphql", {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${part("credential").value.trim()}` },
    body: JSON.stringify(body),
  });
  return [answer.status, await answer.text()];
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function run() {
  let variables;
  try {
    variables = JSON.parse(part("variables").value.trim() || "{}");
  } catch {
    part("variables").setAttribute("aria-invalid", "true");
    part("variables").focus();
    part("state").textContent = "The variables are not valid JSON.";
    return;
  }
  part("variables").removeAttribute("aria-invalid");
  part("state").textContent = "Asking…";
  const started = performance.now();
  try {
    const operationName = part("operation").value.trim() || undefined;
    const [status, text] = await ask({ query: part("document").value, variables, operationName });
    part("answer").textContent = pretty(text);
    part("state").textContent = `Status ${status}, ${Math.round(performance.now() - started)} ms`;
  } catch {
    part("state").textContent = "The server was not reached.";
  }
}

part("run").addEventListener("click", run);
part("playground").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});
part("playground").hidden = false;
