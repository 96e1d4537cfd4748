/** What both browser clients need of the provider: its addresses, random values, and the API. */

export const app = document.getElementById("app");
export const config = {
  clientId: app.dataset.clientId,
  issuer: app.dataset.issuer,
  scope: app.dataset.scope,
  redirectUri: location.origin + location.pathname,
};

const texts = JSON.parse(document.getElementById("texts").textContent);

/** In the visitor's language. */
export const told = (text) => texts[text] ?? text;

export function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** Leave for the provider's authorization endpoint (RFC 6749 §4.1.1, §4.2.1). */
export function leaveFor(parameters) {
  const query = new URLSearchParams({
    client_id: config.clientId,
    redirect_uri: config.redirectUri,
    scope: config.scope,
    ...parameters,
  });
  location.assign(`${config.issuer}/oauth/authorize/?${query}`);
}

/**
 * The parameters of an answer, when it is the answer to our question and from the provider that we
 * asked (RFC 6749 §10.12, RFC 9207 §2.4). Takes it out of the address and the history.
 */
export function received(parameters, state) {
  history.replaceState(null, "", location.pathname);
  if (!state || parameters.get("state") !== state) {
    throw new Error(told("This answer does not belong to a login that you began here."));
  }
  if (parameters.get("iss") !== config.issuer) {
    throw new Error(told("This answer comes from another provider than the one that was asked."));
  }
  if (parameters.get("error") === "access_denied") {
    throw new Error(told("You did not allow it, so nothing was shared."));
  }
  if (parameters.has("error")) {
    throw new Error(`${told("The provider refused:")} ${parameters.get("error_description") || parameters.get("error")}`);
  }
  return parameters;
}

export async function api(path, accessToken, options = {}) {
  const answer = await fetch(`${config.issuer}/api/${path}`, {
    ...options,
    headers: { ...options.headers, Authorization: `Bearer ${accessToken}` },
  });
  if (answer.status === 401) throw new Error(told("Your login here has ended. Log in again to go on."));
  if (!answer.ok) throw new Error(`${told("The API refused it.")} (${answer.status})`);
  return answer.json();
}

/** Tell the provider that a token is no longer needed (RFC 7009). */
export async function revoke(token) {
  await fetch(`${config.issuer}/oauth/revoke/`, {
    method: "POST",
    body: new URLSearchParams({ token, client_id: config.clientId }),
  });
}

function show(id, visible) {
  document.getElementById(id).hidden = !visible;
}

export function say(text, isWrong = false) {
  const message = document.getElementById("message");
  message.textContent = text;
  message.classList.toggle("wrong", isWrong);
}

export function showLoggedOut() {
  show("logged-in", false);
  show("logged-out", true);
}

/** Show who it is and what they wrote, as far as `scope` allows. Text only: it comes from elsewhere. */
export async function showLoggedIn(accessToken, scope) {
  const granted = scope.split(" ");
  document.getElementById("granted").textContent = scope;
  const me = granted.includes("profile") ? await api("me/", accessToken) : { username: "you" };
  document.getElementById("who").textContent = me.username;
  const mayRead = granted.includes("notes:read") || granted.includes("notes:write");
  const notes = mayRead ? await api("notes/", accessToken) : [];
  const items = notes.map((note) => {
    const item = document.createElement("li");
    item.className = "card";
    item.dir = "auto";
    item.textContent = note.text;
    return item;
  });
  document.getElementById("notes").replaceChildren(...items);
  show("logged-out", false);
  show("logged-in", true);
}

/** Run one thing the user asked for; say so if it fails. */
export async function attempt(action) {
  try {
    await action();
  } catch (error) {
    showLoggedOut();
    // What fetch throws when nobody answers.
    say(error instanceof TypeError ? told("The provider cannot be reached.") : error.message, true);
  }
}
