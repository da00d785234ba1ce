// Connects the official TypeScript client: lists the tools, calls one that works and one that is refused, reads a resource.
// Arguments: the MCP URL and the key. Prints one JSON object.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, key] = process.argv.slice(2);
const client = new Client({ name: "tests", version: "1" });
const headers = { Authorization: `Bearer ${key}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));

const { tools } = await client.listTools();
const at = { organizationId: "acme", libraryId: "barcelona" };
const listed = await client.callTool({ name: "list_assets", arguments: at });
const refused = await client.callTool({ name: "list_assets", arguments: { ...at, libraryId: "paris" } });
const resource = await client.readResource({ uri: "raster://organizations/acme/libraries/barcelona/tags" });
await client.close();

console.log(
  JSON.stringify({
    tools: tools.map((tool) => tool.name),
    assets: listed.structuredContent.data.map((asset) => asset.name),
    refused: { isError: refused.isError, ...JSON.parse(refused.content[0].text).error },
    tags: JSON.parse(resource.contents[0].text).data,
  }),
);
