import { ask, duration, fill, find, make, path } from "/static/page.js";

const [workspace, name] = location.pathname.split("/").slice(2, 4).map(decodeURIComponent);
const base = `/api/v1/workspaces/${path(workspace)}/jobs/${path(name)}`;
const EVERY = 5000;
const PAGE = 100;
const wanted = { order_by: "number", contains: "", status: "", start: 0, ...fromAddress() };
let asked = 0;

// --- what is asked for stands in the address, so that it can be sent to a colleague --------------

function fromAddress() {
  const given = Object.fromEntries(new URLSearchParams(location.search));
  return { ...given, start: Math.max(0, parseInt(given.start, 10) || 0) };
}

function change(values) {
  Object.assign(wanted, { start: 0 }, values);
  const kept = Object.entries(wanted).filter(([key, value]) => value && !(key === "order_by" && value === "number"));
  const query = new URLSearchParams(kept).toString();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
  refresh();
}

// --- the table -----------------------------------------------------------------------------------

function names(found, field) {
  return [...new Set(found.flatMap((batch) => Object.keys(batch[field] || {})))];
}

function figure(value) {
  return value == null ? "" : Number(value.toPrecision(5)).toString();
}

function columns(found) {
  return [
    { field: "number", title: "Number", number: true, of: (b) => b.number },
    ...names(found, "key").map((key) => ({ field: `key.${key}`, title: key, of: (b) => b.key?.[key] ?? "" })),
    { title: "Status", of: status },
    ...names(found, "metrics").map((metric) => ({ field: `metrics.${metric}`, title: metric, number: true, of: (b) => figure(b.metrics?.[metric]) })),
    { field: "items", title: "Items", number: true, of: (b) => b.items ?? "" },
    { field: "seconds", title: "Took", number: true, of: (b) => duration(b.seconds) },
    { field: "tries", title: "Tries", number: true, of: (b) => b.tries },
    { title: "Error", of: error },
  ];
}

function status(batch) {
  const mood = { done: "good", failed: "bad" }[batch.status] || "";
  return make("span", { class: `badge ${mood}` }, batch.status);
}

function error(batch) {
  const text = (batch.error || "").split("\n", 1)[0];
  const log = batch.log && make("a", { href: `${base}/files/${path(...batch.log.split("/"))}`, download: true }, "log");
  return make("span", {}, text, " ", log || "");
}

function head(column) {
  const kind = column.number ? "num" : null;
  if (!column.field) return make("th", { scope: "col", class: kind }, column.title);
  const [up, down] = [wanted.order_by === column.field, wanted.order_by === `-${column.field}`];
  const sort = make("button", { type: "button", class: "sort" }, column.title, up ? " ▲" : down ? " ▼" : "");
  sort.addEventListener("click", () => change({ order_by: wanted.order_by === column.field ? `-${column.field}` : column.field }));
  return make("th", { scope: "col", class: kind, "aria-sort": up ? "ascending" : down ? "descending" : null }, sort);
}

function row(batch, shown) {
  return make("tr", {}, ...shown.map((column) => make("td", { class: column.number ? "num" : null }, column.of(batch))));
}

function table(found) {
  const shown = columns(found);
  return make("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Mini-batches" }, make("table", { class: "figures" },
    make("thead", {}, make("tr", {}, ...shown.map(head))),
    make("tbody", {}, ...found.map((batch) => row(batch, shown)))));
}

// --- what is there -------------------------------------------------------------------------------

function show(answer) {
  const end = wanted.start + answer.value.length;
  fill(find("progress"), said(answer.progress));
  find("note").hidden = answer.value.length > 0;
  fill(find("note"), wanted.contains || wanted.status ? "None is like that." : "None has ended yet.");
  const focused = document.activeElement?.closest("th")?.cellIndex;
  fill(find("batches"), ...(answer.value.length ? [table(answer.value)] : []));
  if (focused != null) document.querySelectorAll("th")[focused]?.querySelector("button")?.focus();
  fill(find("range"), answer.value.length ? `${(wanted.start + 1).toLocaleString()} to ${end.toLocaleString()} of ${answer.total.toLocaleString()}` : "");
  find("before").disabled = wanted.start === 0;
  find("after").disabled = !answer.next;
}

function said(progress) {
  const { total, done, failed } = progress?.mini_batches || {};
  if (total == null) return "Not begun.";
  return `${(done || 0).toLocaleString()} of ${total.toLocaleString()} done, ${(failed || 0).toLocaleString()} failed`;
}

async function refresh() {
  const mine = ++asked;
  find("batches").setAttribute("aria-busy", "true");
  const query = new URLSearchParams({ limit: PAGE, order_by: wanted.order_by });
  if (wanted.start) query.set("cursor", wanted.start);
  for (const field of ["contains", "status"]) if (wanted[field]) query.set(field, wanted[field]);
  try {
    const answer = await ask(`${base}/mini-batches?${query}`);
    if (mine === asked) show(answer);
  } catch (failed) {
    if (mine !== asked) return;
    find("note").hidden = false;
    fill(find("note"), [failed.message, failed.hint].filter(Boolean).join(" "));
  }
  if (mine === asked) find("batches").removeAttribute("aria-busy");
}

async function watch() {
  const job = await ask(base).catch(() => null);
  const over = ["Completed", "Failed", "Canceled"].includes(job?.status);
  if (!document.hidden) await refresh();
  if (!over) setTimeout(watch, EVERY);
}

function start() {
  document.title = `Mini-batches · ${name} · Lazur`;
  const up = find("up");
  up.href = `/jobs/${path(workspace, name)}`;
  fill(up, name);
  find("contains").value = wanted.contains;
  find("status").value = wanted.status;
  let typed = 0;
  find("contains").addEventListener("input", (event) => {
    clearTimeout(typed);
    typed = setTimeout(() => change({ contains: event.target.value.trim() }), 250);
  });
  find("status").addEventListener("change", (event) => change({ status: event.target.value }));
  find("wanted").addEventListener("submit", (event) => event.preventDefault());
  find("before").addEventListener("click", () => change({ start: Math.max(0, wanted.start - PAGE) }));
  find("after").addEventListener("click", () => change({ start: wanted.start + PAGE }));
  watch();
}

start();
