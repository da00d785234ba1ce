// The page at /graphql: GraphiQL, which sends its documents with the credential that was typed in, and no cookie.
const { GraphiQL, React, ReactDOM } = window;
const START = `query Viewer {
  viewer {
    organizationId
    libraries {
      library
      access
    }
  }
}
`;

async function ask(body) {
  const credential = document.getElementById("credential").value.trim();
  const answer = await fetch("/graphql", {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/json", ...(credential && { Authorization: `Bearer ${credential}` }) },
    body: JSON.stringify(body),
  });
  return answer.json();
}

const schema = JSON.parse(document.getElementById("introspection").textContent);
ReactDOM.render(
  React.createElement(GraphiQL, { fetcher: ask, schema, defaultQuery: START, isHeadersEditorEnabled: false }),
  document.getElementById("graphiql"),
);
document.getElementById("playground").hidden = false;
