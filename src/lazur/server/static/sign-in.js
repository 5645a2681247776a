import { find } from "/static/page.js";

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
  find("detail").textContent = detail;
  find("how").hidden = !command;
}

async function signIn() {
  // The code travels in the fragment, which no server, log or Referer sees; it leaves the address at once.
  const fragment = new URLSearchParams(location.hash.slice(1));
  const code = fragment.get("code");
  const next = fragment.get("next") || new URLSearchParams(location.search).get("next");
  if (!code) return;
  history.replaceState(null, "", location.pathname + location.search);
  say("Signing in…", "", false);
  const answer = await fetch("/api/v1/sessions", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Lazur-Csrf": "1" },
    body: JSON.stringify({ code }),
  }).catch(() => null);
  if (answer?.ok) {
    location.replace(location.origin + safeNext(next));
    return;
  }
  const error = await answer?.json().then((body) => body.error).catch(() => null);
  say(
    answer ? `That did not work: ${error?.message || `the server answered ${answer.status}`}` : "The server cannot be reached.",
    error?.hint || "Codes work once, for a short time. Run this again:",
    true,
  );
}

signIn();
addEventListener("hashchange", signIn);
