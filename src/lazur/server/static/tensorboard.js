import { ask, find, fill } from "/static/page.js";

// TensorBoard's own place for what a person chose in it.
const SETTINGS = "_tb_global_settings";

/** It shows what a running job writes without being asked, unless somebody chose otherwise. */
function keepUp() {
  try {
    const chosen = JSON.parse(localStorage.getItem(SETTINGS) || "{}");
    localStorage.setItem(SETTINGS, JSON.stringify({ autoReload: true, ...chosen }));
  } catch {
    // A browser that keeps nothing: then TensorBoard's own button reloads.
  }
}

async function show() {
  const board = location.pathname + "/";
  try {
    await ask(board + "data/environment");
  } catch (error) {
    fill(find("state"), error.message);
    fill(find("detail"), error.hint || "");
    find("again").hidden = false;
    return;
  }
  keepUp();
  location.replace(board + location.hash);
}

find("again").addEventListener("click", () => location.reload());
show();
