// What the pages share. Text reaches the page through text nodes only: there is no other way in.

const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Characters that hide or turn text around are spelled out. */
export function visible(text) {
  return String(text).replace(HIDDEN, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** An element with attributes and children; strings become text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  for (const child of children) {
    element.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
  return element;
}

export const find = (id) => document.getElementById(id);

export function fill(element, ...children) {
  element.replaceChildren(...children.map((c) => (c instanceof Node ? c : document.createTextNode(visible(c)))));
}

export function path(...segments) {
  return segments.map(encodeURIComponent).join("/");
}

export class Failed extends Error {
  constructor(status, error) {
    super(error?.message || `the server answered ${status}`);
    this.status = status;
    this.hint = error?.hint;
  }
}

/** JSON of the API. Without a session the reader is led to the sign-in page and back. */
export async function ask(url, options = {}) {
  const headers = { Accept: "application/json", "X-Lazur-Csrf": "1" };
  const response = await fetch(url, { ...options, headers, credentials: "same-origin" });
  if (response.status === 401) signIn();
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Failed(response.status, body?.error);
  return body;
}

/** A change, with a JSON body. */
export function send(method, url, body) {
  return ask(url, { method, body: JSON.stringify(body) });
}

export function pairs(element, rows) {
  fill(element, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  element.hidden = false;
}

export function signIn() {
  location.replace("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
}

const GOOD = new Set(["Completed"]);
const BAD = new Set(["Failed"]);
const BUSY = new Set(["Starting", "Running", "Finalizing", "CancelRequested"]);
export const FINAL = new Set(["Completed", "Failed", "Canceled"]);

export function mood(status) {
  return GOOD.has(status) ? "good" : BAD.has(status) ? "bad" : BUSY.has(status) ? "busy" : "";
}

export function duration(seconds) {
  if (seconds == null || !isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h} h ${m} min` : `${m} min ${s} s`;
}

export function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  while (count >= 1000 && at < units.length - 1) { count /= 1000; at += 1; }
  return `${at && count < 10 ? count.toFixed(1) : Math.round(count)} ${units[at]}`;
}

export function moment(iso) {
  const time = new Date(iso);
  if (isNaN(time)) return make("span", {}, "–");
  const shown = time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return make("time", { datetime: time.toISOString() }, shown);
}
