// One provider on a loopback port, as {"port", "keys", "overrides"} in argv describe it. Says its
// issuer on stdout when it is ready, and ends when its stdin does.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const asked = JSON.parse(process.argv[2]);

const PEOPLE = {
  ada: { name: "Ada Lovelace", email: "ada@example.org", email_verified: true, groups: ["analysts", "admins"] },
  bob: { name: "Bob", email: "ada@example.org", email_verified: false, groups: [] },
};

const server = createServer();
await new Promise((resolve) => server.listen(asked.port ?? 0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const common = { redirect_uris: ["https://lazur.example.org/sign-in/oidc/callback"] };
const secret = { client_secret: "s3cr:et %/of the client" };
const signed = (alg) => ({ ...common, ...secret, client_id: `signs-${alg}`, id_token_signed_response_alg: alg });
const provider = new Provider(issuer, {
  clients: [
    { ...common, ...secret, client_id: "lazur" },
    { ...common, ...secret, client_id: "posts", token_endpoint_auth_method: "client_secret_post" },
    { ...common, client_id: "public", token_endpoint_auth_method: "none" },
    {
      client_id: "device", token_endpoint_auth_method: "none", redirect_uris: [], response_types: [],
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code"], application_type: "native",
    },
    ...["PS256", "ES256", "EdDSA", "HS256"].map(signed),
  ],
  jwks: { keys: asked.keys },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id, ...PEOPLE[id] }) }),
  claims: {
    email: ["email", "email_verified"],
    profile: ["name", "preferred_username"],
    groups: ["groups"],
  },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA", "HS256"] },
  features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
  cookies: { keys: ["only for tests"] },
  pkce: { required: () => true },
  // It reaches no loopback address by itself, and there we are when it tells us that somebody left.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  ...asked.overrides,
});
server.on("request", provider.callback());
console.log(JSON.stringify({ issuer }));
process.stdin.on("close", () => process.exit(0)).resume();
