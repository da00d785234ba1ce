// Connects the official TypeScript client by OAuth, from the bare address.
// Argument: the MCP URL. Prints JSON lines: {open} is an address for the person's browser, {result} what was found.
// Then waits for a line on standard input, tries once more, and prints whether it was refused.
import { createServer } from "node:http";
import { once } from "node:events";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const url = new URL(process.argv[2]);
const say = (line) => console.log(JSON.stringify(line));

const listener = createServer().listen(0, "127.0.0.1");
await once(listener, "listening");
const redirectUrl = `http://127.0.0.1:${listener.address().port}/callback`;
const arrived = new Promise((resolve) =>
  listener.on("request", (request, response) => {
    const query = new URL(request.url, redirectUrl).searchParams;
    response.end("You can close this page");
    if (query.has("code")) resolve(query);
  }),
);

const kept = {};
const authProvider = {
  redirectUrl,
  clientMetadata: {
    client_name: "TypeScript app",
    redirect_uris: [redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  state: () => "the-state",
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  invalidateCredentials: (which) => void delete kept[which],
  redirectToAuthorization: (address) => say({ open: address.href }),
};

const connect = async () => {
  const client = new Client({ name: "tests", version: "1" });
  const transport = new StreamableHTTPClientTransport(url, { authProvider });
  try {
    await client.connect(transport);
    return { client, transport };
  } catch (error) {
    if (error instanceof UnauthorizedError) return { transport };
    throw error;
  }
};

const { transport } = await connect();
const answer = await arrived;
if (answer.get("state") !== "the-state" || !answer.get("iss")) throw new Error("The answer is not ours.");
await transport.finishAuth(answer.get("code"));

const { client } = await connect();
const before = (await client.callTool({ name: "whoami", arguments: {} })).structuredContent;
const first = kept.tokens.access_token;
kept.tokens = { ...kept.tokens, access_token: "rsto_expired" }; // refused, so that the client refreshes
const after = (await client.callTool({ name: "whoami", arguments: {} })).structuredContent;
const refreshed = kept.tokens.access_token !== first && kept.tokens.access_token.startsWith("rsto_");
say({ result: { before, after, refreshed, tools: (await client.listTools()).tools.length } });

await once(process.stdin, "data");
try {
  await client.callTool({ name: "whoami", arguments: {} });
  say({ refused: false });
} catch (error) {
  say({ refused: error instanceof UnauthorizedError });
}
process.exit(0);
