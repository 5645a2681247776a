import { ask, find, pairs, send } from "/static/page.js";

const asked = Object.fromEntries(new URLSearchParams(location.search));

function end(state, detail = "") {
  find("state").textContent = state;
  find("detail").textContent = detail;
  find("choice").hidden = true;
  find("facts").hidden = true;
}

/** The command line listens on this machine, and nowhere else. The server looks again. */
function port() {
  return /^http:\/\/(?:127\.0\.0\.1|\[::1\]):(\d{4,5})\/callback$/.exec(asked.redirect_uri || "")?.[1];
}

async function answer(approved) {
  find("choice").hidden = true;
  try {
    const { url } = await send("POST", "/api/v1/sign-in-requests", { ...asked, approved });
    location.replace(url);
  } catch (error) {
    end(`That did not work: ${error.message}`, error.hint || "Run lazur login again.");
  }
}

async function show() {
  if (!port()) {
    end("The program that asks is not on this machine.", "Nothing was sent to it. Run lazur login again.");
    return;
  }
  try {
    const me = await ask("/api/v1/me");
    find("state").textContent = "A command line on this machine wants to sign in as you.";
    pairs(find("facts"), [["You", me.name], ["Server", location.host], ["Waits on port", port()]]);
    find("choice").hidden = false;
  } catch (error) {
    end(`That did not work: ${error.message}`, error.hint);
  }
}

find("yes").addEventListener("click", () => answer(true));
find("no").addEventListener("click", () => answer(false));
show();
