/**
 * A browser app from before PKCE: the implicit flow (RFC 6749 §4.2). The token arrives in the fragment
 * of the address, from which it is taken out at once. New apps should be built like spa.js.
 */
import { app, attempt, leaveFor, random, received, revoke, say, showLoggedIn, showLoggedOut, told } from "./provider.js";

let accessToken = null;

async function logIn() {
  const state = random();
  sessionStorage.setItem("legacy-state", state);
  leaveFor({ response_type: "token", state });
}

async function finish(fragment) {
  const state = sessionStorage.getItem("legacy-state");
  sessionStorage.removeItem("legacy-state");
  const answer = received(fragment, state);
  accessToken = answer.get("access_token");
  await showLoggedIn(accessToken, answer.get("scope"));
  say("");
}

async function logOut() {
  const token = accessToken;
  accessToken = null;
  await revoke(token);
  showLoggedOut();
  say(told("You are logged out here."));
}

document.getElementById("log-in").addEventListener("click", () => attempt(logIn));
document.getElementById("log-out").addEventListener("click", () => attempt(logOut));

const fragment = new URLSearchParams(location.hash.slice(1));
if (fragment.has("state")) await attempt(() => finish(fragment));
else showLoggedOut();
app.dataset.ready = "true";
