import { FINAL, ask, bytes, duration, fill, find, make, mood, moment, path, signIn } from "/static/page.js";
import { Log } from "/static/log.js";
import { Steps } from "/static/steps.js";

const [workspace, name] = location.pathname.split("/").slice(2, 4).map(decodeURIComponent);
const base = `/api/v1/workspaces/${path(workspace)}/jobs/${path(name)}`;
const log = new Log(find("log"), find("log-note"));
const steps = new Steps(find("steps"), workspace, base);
let job = null;
let main = null;
const sizes = new Map();

// --- what is shown of the job -------------------------------------------------------------------

function show(view) {
  job = view;
  const title = view.display_name || view.name;
  document.title = `${view.status} · ${title} · Lazur`;
  fill(find("title"), title);
  fill(find("subtitle"), [title === view.name ? null : view.name, view.experiment_name, workspace].filter(Boolean).join(" · "));
  const badge = find("status");
  badge.className = `badge ${mood(view.status)}`;
  if (badge.textContent !== view.status) fill(badge, view.status);
  find("up").href = `/?workspace=${encodeURIComponent(workspace)}`;
  find("within").hidden = !view.parent_job_name;
  find("parent").href = `/jobs/${path(workspace, view.parent_job_name || "")}`;
  fill(find("parent"), view.parent_job_name || "");
  find("cancel").hidden = FINAL.has(view.status) || view.status === "CancelRequested";
  const waits = view.waiting_for && !FINAL.has(view.status);
  find("waiting").hidden = !waits;
  fill(find("waiting"), waits ? `Waiting for ${view.waiting_for}` : "");
  find("mini-batches").hidden = view.type !== "parallel";
  showError(view.error);
  showWarnings(view.warnings || []);
  showPhases();
  steps.show(view);
  find("log-section").hidden = Boolean(view.steps);
  pairs(find("inputs"), Object.entries(view.inputs || {}), "This job has no inputs.");
  pairs(find("outputs"), Object.entries(view.outputs || {}), "This job has no outputs.");
  fill(find("command"), view.command || "");
  find("command").hidden = !view.command;
  showAbout(view);
}

function showError(error) {
  find("error").hidden = !error;
  if (!error) return;
  find("error").classList.toggle("calm", error.code === "Canceled");
  fill(find("error-title"), [error.code, error.phase && `while ${error.phase}`].filter(Boolean).join(" "));
  fill(find("error-message"), error.message || "");
  find("error-hint").hidden = !error.hint;
  fill(find("error-hint"), error.hint ? `Next step: ${error.hint}` : "");
  const tail = Array.isArray(error.log_tail) ? error.log_tail.join("\n") : error.log_tail;
  find("error-tail").hidden = !tail;
  fill(find("error-tail").querySelector("pre"), tail || "");
}

function showWarnings(warnings) {
  find("warnings").hidden = !warnings.length;
  fill(find("warnings"), ...warnings.map((w) => make("li", {}, typeof w === "string" ? w : w.message || JSON.stringify(w))));
}

function showPhases() {
  const phases = (job.phases || []).filter((phase) => phase.start);
  const now = Date.now();
  const spans = phases.map((phase) => [Date.parse(phase.start), phase.end ? Date.parse(phase.end) : now]);
  const first = Math.min(...spans.map(([start]) => start));
  const whole = Math.max(1, Math.max(...spans.map(([, end]) => end)) - first);
  const rows = phases.map((phase, at) => {
    const [start, end] = spans[at];
    const open = !phase.end && !FINAL.has(job.status);
    const bar = make("div", { class: `span ${phase.name === "running" ? "main" : ""} ${open ? "open" : ""}` });
    bar.style.left = `${Math.min(99.5, ((start - first) / whole) * 100)}%`;
    bar.style.width = `${(Math.max(0, end - start) / whole) * 100}%`;
    const took = phase.end && phase.seconds != null ? phase.seconds : (end - start) / 1000;
    const label = phase.name[0].toUpperCase() + phase.name.slice(1);
    return make("li", {},
      make("span", { title: phase.detail }, label),
      make("div", { class: "track", "aria-hidden": "true" }, bar),
      make("span", { class: "took" }, open ? `${duration(took)} …` : duration(took)));
  });
  fill(find("phases"), ...(rows.length ? rows : [make("li", {}, make("span", { class: "note" }, "Not begun"))]));
}

function pairs(list, entries, nothing) {
  if (!entries.length) {
    fill(list, make("dd", { class: "note" }, nothing));
    return;
  }
  fill(list, ...entries.flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, said(value))]));
}

function said(value) {
  if (value === null || typeof value !== "object") return make("code", {}, String(value));
  const { path: where, type, mode, ...rest } = value;
  const about = [type, mode].filter(Boolean).join(", ");
  const main = where ?? (Object.keys(rest).length ? JSON.stringify(rest) : "");
  return make("span", {}, make("code", {}, main), main && about ? make("br") : "", make("span", { class: "note" }, about));
}

function showAbout(view) {
  const made = view.creation_context || {};
  const git = view.git || {};
  const facts = [
    ["Name", make("code", {}, view.name)],
    ["Type", view.type],
    ["Compute", view.compute],
    ["Environment", view.environment && said(view.environment.image || view.environment)],
    ["Created", made.created_at && make("span", {}, moment(made.created_at), made.created_by ? ` by ${made.created_by}` : "")],
    ["Ran for", view.duration != null && FINAL.has(view.status) ? duration(view.duration) : null],
    ["Attempt", view.attempt > 1 ? view.attempt : null],
    ["Code", git.commit && make("span", {}, make("code", {}, git.commit.slice(0, 12)), ` ${git.branch || ""}${git.dirty ? ", with changes" : ""}`)],
    ["Tags", Object.keys(view.tags || {}).length ? Object.entries(view.tags).map(([k, v]) => `${k}=${v}`).join(", ") : null],
    ["Description", view.description],
  ];
  fill(find("about"), ...facts.filter(([, value]) => value).flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, value)]));
}

// --- files --------------------------------------------------------------------------------------

async function showFiles() {
  const { value } = await ask(`${base}/files`);
  const rows = value.slice(0, 500).map((file) => make("li", {},
    make("a", { href: fileUrl(file.path), download: true }, file.path), make("span", {}, bytes(file.size))));
  fill(find("files"), ...(rows.length ? rows : [make("li", { class: "note" }, "No files yet.")]));
  find("tensorboard").hidden = !value.some((file) => file.path.split("/").pop().includes("tfevents"));
  chooseLog(value.filter((file) => file.path.startsWith("user_logs/")));
}

function fileUrl(file) {
  return `${base}/files/${path(...file.split("/"))}`;
}

function chooseLog(files) {
  const choose = find("log-file");
  const names = files.map((file) => file.path).sort();
  for (const file of files) sizes.set(file.path, file.size);
  const usual = names.find((n) => /\/std_log(_process_0*)?\.txt$/.test(n)) || names[0] || "user_logs/std_log.txt";
  choose.hidden = names.length < 2;
  if (names.length !== choose.options.length) {
    const chosen = choose.value || usual;
    fill(choose, ...names.map((n) => make("option", { value: n, selected: n === chosen }, n.replace("user_logs/", ""))));
  }
  if (!main) read(usual);
}

function read(file) {
  if (job?.steps) return; // It has no log of its own.
  main = file;
  find("log-download").href = fileUrl(file);
  log.follow(fileUrl(file), sizes.get(file) || 0, () => job && FINAL.has(job.status));
}

// --- live ---------------------------------------------------------------------------------------

function listen() {
  const events = new EventSource(`${base}/events`);
  const state = find("connection");
  let checked = false;
  events.addEventListener("open", () => fill(state, "Live"));
  events.addEventListener("job", (event) => {
    show(JSON.parse(event.data));
    if (!FINAL.has(job.status)) return;
    events.close();
    fill(state, "");
    showFiles().catch(() => {});
  });
  events.addEventListener("error", async () => {
    fill(state, "Reconnecting…");
    if (checked) return;
    checked = true;
    await ask(base).then(show).catch(lost);
    checked = false;
    if (events.readyState === EventSource.CLOSED && !FINAL.has(job?.status)) setTimeout(listen, 2000);
  });
}

function lost(error) {
  if (error.status === 401) return signIn();
  if (error.status !== 404) return fill(find("connection"), "The server cannot be reached; trying again");
  fill(find("title"), "There is no such job");
  fill(find("subtitle"), error.message);
  find("status").hidden = true;
}

function cancelling() {
  const sure = (yes) => {
    find("cancel-ask").hidden = yes;
    find("cancel-sure").hidden = !yes;
    find(yes ? "cancel-no" : "cancel-ask").focus();
  };
  find("cancel-ask").addEventListener("click", () => sure(true));
  find("cancel-no").addEventListener("click", () => sure(false));
  find("cancel-yes").addEventListener("click", async () => {
    find("cancel-yes").disabled = true;
    try {
      show(await ask(`${base}/cancel`, { method: "POST" }));
    } catch (error) {
      fill(find("connection"), error.message);
    }
    find("cancel-yes").disabled = false;
    find("cancel-ask").hidden = false;
    find("cancel-sure").hidden = true;
  });
}

async function start() {
  find("follow").addEventListener("change", (event) => log.stick(event.target.checked));
  find("wrap").addEventListener("change", (event) => find("log").classList.toggle("wrap", event.target.checked));
  find("log-file").addEventListener("change", (event) => read(event.target.value));
  log.onstick = (on) => { find("follow").checked = on; };
  cancelling();
  find("mini-batches").href = `/jobs/${path(workspace, name)}/mini-batches`;
  find("tensorboard").href = `/tensorboard/${path(workspace, name)}`;
  find("runs").href = `/mlflow/workspaces/${path(workspace)}/`;
  try {
    show(await ask(base));
  } catch (error) {
    lost(error);
    if (error.status === 404) return;
  }
  if (!job || !FINAL.has(job.status)) listen();
  await showFiles().catch(() => read("user_logs/std_log.txt"));
  setInterval(() => {
    if (job && !FINAL.has(job.status) && !document.hidden) showPhases();
  }, 500);
  setInterval(() => {
    if (job && !FINAL.has(job.status) && !document.hidden) showFiles().catch(() => {});
  }, 5000);
}

start();
