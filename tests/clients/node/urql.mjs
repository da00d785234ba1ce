// Queries and a mutation by urql, configured as its documentation begins: prints what came, and the methods it used.
import { Client, cacheExchange, fetchExchange } from "@urql/core";

const [url, key, assetId] = process.argv.slice(2);
const methods = [];
const client = new Client({
  url,
  exchanges: [cacheExchange, fetchExchange],
  fetchOptions: { headers: { Authorization: `Bearer ${key}` } },
  fetch: (address, options) => {
    methods.push(options.method);
    return fetch(address, options);
  },
});

const place = { organizationId: "acme", libraryId: "barcelona" };
const asset = await client.query(
  `query Asset($organizationId: String!, $libraryId: String!, $assetId: ID!) {
    asset(organizationId: $organizationId, libraryId: $libraryId, assetId: $assetId) { name }
  }`,
  { ...place, assetId },
);
const libraries = await client.query(
  "query Libraries($organizationId: ID!) { libraries(organizationId: $organizationId) { id } }",
  { organizationId: "acme" },
);
const renamed = await client.mutation(
  `mutation Rename($organizationId: ID!, $libraryId: ID!, $assetId: ID!, $name: String!) {
    renameAsset(organizationId: $organizationId, libraryId: $libraryId, assetId: $assetId, name: $name) { name }
  }`,
  { ...place, assetId, name: "Renamed" },
);
const refused = await client.query('{ asset(organizationId: "acme", libraryId: "nowhere", assetId: "x") { name } }', {});

console.log(
  JSON.stringify({
    methods,
    errors: [asset, libraries, renamed].map(result => result.error?.message ?? null),
    asset: asset.data?.asset,
    libraries: libraries.data?.libraries,
    renamed: renamed.data?.renameAsset,
    refused: refused.error?.graphQLErrors[0].extensions.code,
  }),
);
