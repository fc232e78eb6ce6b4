// Making elements from data. Text only ever becomes text: nothing from the server is markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

const SHOWN = {
  created: "draft",
  queued: "queued",
  in_progress: "running",
  stopped: "aborted",
  failed: "failed",
  completed: "completed",
  published: "published",
  closed: "closed",
};
const MARK = {
  draft: "◌", queued: "⧗", running: "▶", aborted: "■", failed: "✕", completed: "✓",
  published: "✓", closed: "■", idle: "○", busy: "▶", lost: "!",
};

export function pill(status) {
  const word = SHOWN[status] ?? status;
  return h("span", { class: `pill p-${word}` }, h("span", { "aria-hidden": "true" }, MARK[word] ?? "•"), word);
}

export function table(heads, rows, empty) {
  if (!rows.length) return h("p", { class: "empty" }, empty);
  const head = heads.map((name) => h("th", { scope: "col" }, name));
  const body = rows.map((cells) =>
    h("tr", {}, cells.map((cell, i) => h("td", { "data-label": heads[i] }, cell ?? "–"))));
  return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}

export function card(title, note, content) {
  return h("section", { class: "card" }, h("h2", {}, title, h("small", {}, note ?? "")), content);
}

export function ago(moment) {
  if (!moment) return "–";
  return duration((Date.now() - Date.parse(moment)) / 1000);
}

export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${String(s % 60).padStart(2, "0")}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}m`;
  return `${Math.floor(s / 86400)}d ${String(Math.floor((s % 86400) / 3600)).padStart(2, "0")}h`;
}

export function command(text) {
  return h("pre", { class: "command" }, h("code", {}, text));
}
