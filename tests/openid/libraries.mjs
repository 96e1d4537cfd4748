// An app in JavaScript, driven line by line: it reads one JSON object per line and answers with one.
// The user's browser is played by whoever drives it.
import * as readline from "node:readline";

const [library, settings] = [process.argv[2], JSON.parse(process.argv[3])];
const { issuer, client_id, client_secret, redirect_uri, post_logout_redirect_uri, scope } = settings;

async function openidClient() {
  const client = await import("openid-client");
  const config = await client.discovery(new URL(issuer), client_id, client_secret, undefined, {
    execute: [client.allowInsecureRequests],
  });
  const verifier = client.randomPKCECodeVerifier();
  const nonce = client.randomNonce();
  const state = client.randomState();
  let tokens;
  return {
    async begin() {
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri, scope, nonce, state,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
      return { url: url.href };
    },
    async finish({ url }) {
      tokens = await client.authorizationCodeGrant(config, new URL(url), {
        pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state, idTokenExpected: true,
      });
      return { claims: tokens.claims(), access_token: tokens.access_token };
    },
    async refresh() {
      const id_token = tokens.id_token;
      tokens = { id_token, ...(await client.refreshTokenGrant(config, tokens.refresh_token)) };
      return { access_token: tokens.access_token };
    },
    async logout() {
      const url = client.buildEndSessionUrl(config, { post_logout_redirect_uri, id_token_hint: tokens.id_token, state });
      return { url: url.href, state };
    },
    async returned({ url }) {
      return { state: new URL(url).searchParams.get("state") };
    },
  };
}

async function oidcClientTs() {
  const { OidcClient, InMemoryWebStorage, WebStorageStateStore } = await import("oidc-client-ts");
  const client = new OidcClient({
    authority: issuer, client_id, redirect_uri, post_logout_redirect_uri, scope, loadUserInfo: true,
    stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
  });
  let answer;
  return {
    async begin() {
      return { url: (await client.createSigninRequest({})).url };
    },
    async finish({ url }) {
      answer = await client.processSigninResponse(url);
      return { claims: answer.profile, access_token: answer.access_token };
    },
    async refresh() {
      const { id_token, profile } = answer;
      const state = { ...answer, profile, id_token, session_state: null, data: null };
      answer = { id_token, profile, ...(await client.useRefreshToken({ state })) };
      return { access_token: answer.access_token };
    },
    async logout() {
      const request = await client.createSignoutRequest({ id_token_hint: answer.id_token, state: { here: "again" } });
      return { url: request.url };
    },
    async returned({ url }) {
      const { state } = await client.readSignoutResponseState(url);
      await client.processSignoutResponse(url);
      return { state: state.data.here };
    },
  };
}

const app = await { "openid-client": openidClient, "oidc-client-ts": oidcClientTs }[library]();
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { step, ...given } = JSON.parse(line);
  try {
    console.log(JSON.stringify(await app[step](given)));
  } catch (error) {
    console.log(JSON.stringify({ error: `${error.name}: ${error.message}` }));
  }
}
