import { ask, duration, fill, make, mood, path } from "/static/page.js";

const EVERY = 1000;

/** What a job consists of: the steps of a pipeline, the trials of a sweep. */
export class Steps {
  constructor(place, workspace, base) {
    Object.assign(this, { place, workspace, base, shown: "", due: null });
  }

  show(view) {
    this.place.hidden = !view.steps;
    const seen = JSON.stringify(view.steps || null);
    if (!view.steps || seen === this.shown) return;
    this.shown = seen;
    this.view = view;
    // A sweep with short trials has news more often than anybody reads them.
    this.due ??= setTimeout(() => this.draw().catch(() => { this.shown = ""; }), this.drawn ? EVERY : 0);
  }

  async draw() {
    this.due = null;
    this.drawn = true;
    const { type, steps } = this.view;
    const title = make("h2", { id: "steps-title" }, type === "sweep" ? "Trials" : "Steps");
    if (!steps.length) return fill(this.place, title, make("p", { class: "note" }, "None has begun."));
    const table = type === "sweep" ? this.trials((await ask(`${this.base}/trials`)).value) : this.steps(steps);
    fill(this.place, title, make("div", { class: "table" }, table));
  }

  steps(steps) {
    const rows = steps.map((step) => [this.link(step.job, step.name), badge(step.status), took(step), why(step)]);
    return table(["Step", "Status", "Took", ""], rows);
  }

  trials(trials) {
    const names = [...new Set(trials.flatMap((trial) => Object.keys(flat(trial.values))))];
    const rows = trials.map((trial) => {
      const values = flat(trial.values);
      const score = trial.score == null ? "" : `${Number(trial.score.toPrecision(6))}${trial.best ? " · best" : ""}`;
      const status = trial.stopped_at == null ? trial.status : `Stopped at ${trial.stopped_at}`;
      return [this.link(trial.name, trial.number), badge(status), ...names.map((n) => values[n] ?? ""), score, took(trial), trial.error?.message || ""];
    });
    return table(["Trial", "Status", ...names, trials[0].metric, "Took", ""], rows);
  }

  link(job, text) {
    return job ? make("a", { href: `/jobs/${path(this.workspace, job)}` }, text) : text;
  }
}

const badge = (status) => make("span", { class: `badge ${mood(status)}` }, status);
const took = (step) => (step.reused_from || step.duration == null ? "" : duration(step.duration));

function why(step) {
  if (step.reused_from) return `done before, by ${step.reused_from}`;
  if (step.waiting_for) return `waits for ${step.waiting_for}`;
  if (step.status === "NotRun") return "what it needs did not end well";
  return step.error?.message || "";
}

/** Choices within choices: `{"model.depth": 3}`. */
function flat(values, before = "") {
  return Object.entries(values).reduce((made, [name, value]) => {
    const inner = value !== null && typeof value === "object" && !Array.isArray(value);
    return { ...made, ...(inner ? flat(value, `${before}${name}.`) : { [before + name]: said(value) }) };
  }, {});
}

const said = (value) => (typeof value === "number" ? Number(value.toPrecision(6)) : typeof value === "string" ? value : JSON.stringify(value));

function table(head, rows) {
  return make("table", { class: "figures" },
    make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell))))));
}
