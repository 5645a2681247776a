import { ask, find, pairs, path, send } from "/static/page.js";

let code = "";

function say(state, detail) {
  find("state").textContent = state;
  if (detail !== undefined) find("detail").textContent = detail;
}

function fail(error) {
  say(error.message, error.hint || "");
}

async function look(event) {
  event.preventDefault();
  try {
    const [found, me] = await Promise.all([ask(`/api/v1/${path("device-codes", find("code").value)}`), ask("/api/v1/me")]);
    code = found.user_code;
    find("enter").hidden = true;
    find("choice").hidden = false;
    pairs(find("facts"), [["Asks", found.label], ["Code", found.user_code], ["Signs in as", me.name]]);
    say("Is this your own machine, and does it show this code?", "It will be able to do what you may do here, for 90 days. Whoever talked you into this wants to be you.");
  } catch (error) {
    fail(error);
  }
}

async function decide(verb, done) {
  find("choice").hidden = true;
  try {
    await send("POST", `/api/v1/${path("device-codes", code, verb)}`, {});
    find("facts").hidden = true;
    say(done, "You can close this window.");
  } catch (error) {
    fail(error);
  }
}

find("enter").addEventListener("submit", look);
find("yes").addEventListener("click", () => decide("approve", "It is signed in."));
find("no").addEventListener("click", () => decide("deny", "It was not signed in."));
find("code").focus();
