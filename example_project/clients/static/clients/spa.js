/**
 * A single-page app: authorization code with PKCE (RFC 7636), no secret. The tokens live in this
 * module's memory: closing the page forgets them, and no other page can read them.
 */
import { api, app, attempt, base64url, config, leaveFor, random, received, revoke, say, showLoggedIn, showLoggedOut, told } from "./provider.js";

let tokens = null;

async function logIn() {
  const verifier = random();
  const state = random();
  sessionStorage.setItem("login", JSON.stringify({ verifier, state }));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  leaveFor({
    response_type: "code",
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
}

/** The token endpoint is on another origin: it answers us because ours is registered (CORS). */
async function askForTokens(parameters) {
  const answer = await fetch(`${config.issuer}/oauth/token/`, {
    method: "POST",
    body: new URLSearchParams({ client_id: config.clientId, ...parameters }),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${told("The provider refused:")} ${body.error_description || body.error}`);
  tokens = body;
}

async function finish(query) {
  const begun = JSON.parse(sessionStorage.getItem("login") || "{}");
  sessionStorage.removeItem("login");
  const answer = received(query, begun.state);
  await askForTokens({
    grant_type: "authorization_code",
    code: answer.get("code"),
    redirect_uri: config.redirectUri,
    code_verifier: begun.verifier,
  });
  await showAll("");
}

async function showAll(message) {
  await showLoggedIn(tokens.access_token, tokens.scope);
  document.getElementById("add").hidden = !tokens.scope.split(" ").includes("notes:write");
  say(message);
}

async function refresh() {
  await askForTokens({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
  await showAll(told("These are fresh tokens."));
}

async function addNote() {
  const field = document.getElementById("text");
  await api("notes/", tokens.access_token, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text: field.value }),
  });
  field.value = "";
  await showAll(told("Added."));
}

async function logOut() {
  const { refresh_token: refreshToken, access_token: accessToken } = tokens;
  tokens = null;
  await revoke(refreshToken || accessToken);
  showLoggedOut();
  say(told("You are logged out here."));
}

document.getElementById("log-in").addEventListener("click", () => attempt(logIn));
document.getElementById("refresh").addEventListener("click", () => attempt(refresh));
document.getElementById("log-out").addEventListener("click", () => attempt(logOut));
document.getElementById("add").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(addNote);
});

const query = new URLSearchParams(location.search);
if (query.has("state")) await attempt(() => finish(query));
else showLoggedOut();
app.dataset.ready = "true";
