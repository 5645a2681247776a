import { ask, duration, fill, find, make, mood, moment, path } from "/static/page.js";

const EVERY = 5000;
let shown = "";

function row(job, workspace) {
  const link = make("a", { href: `/jobs/${path(workspace, job.name)}` }, job.display_name || job.name);
  return make("tr", {},
    make("td", {}, link),
    make("td", {}, make("span", { class: `badge ${mood(job.status)}` }, job.status)),
    make("td", {}, job.experiment_name || "–"),
    make("td", {}, moment(job.creation_context?.created_at)),
    make("td", { class: "num" }, duration(job.duration)),
  );
}

function table(jobs, workspace) {
  const head = ["Job", "Status", "Experiment", "Created"].map((text) => make("th", { scope: "col" }, text));
  head.push(make("th", { scope: "col", class: "num" }, "Ran for"));
  return make("div", { class: "table" }, make("table", { class: "jobs" },
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...jobs.map((job) => row(job, workspace)))));
}

async function list(workspace) {
  find("runs").href = `/mlflow/workspaces/${path(workspace)}/`;
  const answer = await ask(`/api/v1/workspaces/${path(workspace)}/jobs?limit=50&order_by=-created_at`);
  const seen = JSON.stringify([workspace, answer.value]);
  if (seen === shown) return;
  shown = seen;
  const jobs = answer.value;
  find("note").hidden = jobs.length > 0;
  fill(find("note"), "No jobs yet. Submit one with: lazur job create --file job.yml --web");
  fill(find("jobs"), ...(jobs.length ? [table(jobs, workspace)] : []));
}

async function refresh() {
  if (document.hidden) return;
  try {
    await list(find("workspace").value);
  } catch (error) {
    find("note").hidden = false;
    fill(find("note"), [error.message, error.hint].filter(Boolean).join(" "));
    shown = "";
  }
}

async function start() {
  const { value } = await ask("/api/v1/workspaces");
  const wanted = new URLSearchParams(location.search).get("workspace");
  const choose = find("workspace");
  fill(choose, ...value.map((w) => make("option", { value: w.name, selected: w.name === wanted }, w.name)));
  choose.addEventListener("change", () => {
    history.replaceState(null, "", `/?workspace=${encodeURIComponent(choose.value)}`);
    refresh();
  });
  await refresh();
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
}

start().catch((error) => fill(find("note"), error.message));
