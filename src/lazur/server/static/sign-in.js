import { fill, find, make } from "/static/page.js";

const REFUSED = {
  unknown: "This server does not know you yet. Ask its owner to add you by your e-mail address.",
  "not-ours": "This account may not sign in here.",
  "locked-out": "You are locked out here.",
  declined: "The sign-in was declined.",
  late: "This sign-in took too long, or was begun in another browser. Try again.",
  away: "The provider does not answer. Try again in a while.",
  failed: "That did not work. Try again.",
};

/** Only a place on this server, read as browsers read it: `//x`, `/\x`, `https:x` lead elsewhere. */
export function safeNext(wanted) {
  if (!wanted || wanted[0] !== "/") return "/";
  let url;
  try {
    url = new URL(wanted, location.origin);
  } catch {
    return "/";
  }
  const foreign = url.origin !== location.origin || url.pathname.startsWith("//");
  return foreign || url.pathname === "/sign-in" ? "/" : url.pathname + url.search + url.hash;
}

function say(state, detail, command) {
  find("state").textContent = state;
  find("way").hidden = !command;
  find("detail").textContent = detail;
  find("how").hidden = !command;
}

function wanted() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  return safeNext(fragment.get("next") || new URLSearchParams(location.search).get("next"));
}

async function open(proof) {
  const next = wanted();
  const answer = await fetch("/api/v1/sessions", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Lazur-Csrf": "1" },
    body: JSON.stringify(proof),
  }).catch(() => null);
  if (answer?.ok) {
    location.replace(location.origin + next);
    return null;
  }
  const error = await answer?.json().then((body) => body.error).catch(() => null);
  const why = answer ? `That did not work: ${error?.message || `the server answered ${answer.status}`}` : "The server cannot be reached.";
  return { why, hint: error?.hint };
}

async function byCode() {
  // The code travels in the fragment, which no server, log or Referer sees; it leaves the address at once.
  const fragment = new URLSearchParams(location.hash.slice(1));
  const code = fragment.get("code");
  if (!code) return false;
  const going = open({ code });
  history.replaceState(null, "", location.pathname + location.search);
  say("Signing in…", "", false);
  const failed = await going;
  if (failed) say(failed.why, failed.hint || "Codes work once, for a short time. Run this again:", true);
  return true;
}

async function byPassword(event) {
  event.preventDefault();
  const form = find("password");
  const button = form.querySelector("button");
  button.disabled = true;
  const failed = await open(Object.fromEntries(new FormData(form)));
  button.disabled = false;
  if (failed) {
    find("state").textContent = `${failed.why} ${failed.hint || ""}`;
    form.elements.password.value = "";
    form.elements.password.focus();
  }
}

async function showWays() {
  const refused = new URLSearchParams(location.search).get("refused");
  if (refused) find("state").textContent = Object.hasOwn(REFUSED, refused) ? REFUSED[refused] : REFUSED.failed;
  const ways = await fetch("/api/v1/sign-in-ways").then((answer) => answer.json()).catch(() => null);
  if (!ways) return;
  const next = encodeURIComponent(wanted());
  const buttons = (ways.providers || []).map(({ name, title }) =>
    make("a", { class: "button main", href: `/sign-in/oidc?provider=${encodeURIComponent(name)}&next=${next}` }, `Sign in with ${title}`));
  fill(find("providers"), ...buttons);
  find("providers").hidden = !buttons.length;
  find("password").hidden = !ways.password;
  if (buttons.length || ways.password) find("way").textContent = "Or, where a token of yours is, run this:";
  if (ways.contact) {
    find("contact").textContent = `Whom to ask: ${ways.contact}`;
    find("contact").hidden = false;
  }
}

async function signIn() {
  if (!await byCode()) await showWays();
}

find("password").addEventListener("submit", byPassword);
signIn();
addEventListener("hashchange", byCode);
