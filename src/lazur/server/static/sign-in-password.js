import { ask, find } from "/static/page.js";

function say(state, detail) {
  find("state").textContent = state;
  if (detail !== undefined) find("detail").textContent = detail;
}

async function change(event) {
  event.preventDefault();
  const [current, fresh, again] = ["current", "new", "again"].map((id) => find(id).value);
  if (fresh !== again) return say("The new passwords are not the same.");
  const headers = { "Content-Type": "application/json", "X-Lazur-Csrf": "1" };
  const body = JSON.stringify({ current, new: fresh });
  const answer = await fetch("/api/v1/me/password", { method: "PUT", headers, body, credentials: "same-origin" });
  if (!answer.ok) {
    const { error } = await answer.json().catch(() => ({}));
    return say(error?.message || `The server answered ${answer.status}.`, error?.hint || "");
  }
  find("change").hidden = true;
  find("back").hidden = false;
  say("Your password is changed.", "Every browser of yours is signed out. Tokens are not: lazur token list shows them.");
}

find("change").addEventListener("submit", (event) => change(event).catch((error) => say(error.message)));
ask("/api/v1/me").then((me) => { find("name").value = me.name; }).catch((error) => say(error.message, error.hint || ""));
