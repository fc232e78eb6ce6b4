// The page: workers, queues, tasks and one task, drawn again from live data.
import { Refused, call, signIn } from "./api.js";
import { ago, card, command, duration, h, pill, table } from "./dom.js";

const EVERY = 1500;
const main = document.getElementById("main");
const lamp = document.getElementById("lamp");
let console_ = null;

const taskLink = (t) => (t ? h("a", { href: `/tasks/${t.id}` }, t.name || t.id) : null);

async function tasks(query = {}) {
  const body = {
    only_fields: ["id", "name", "status", "status_reason", "status_message", "created", "started",
      "completed", "last_update", "last_worker", "last_iteration", "project.name",
      "execution.queue.name", "user.name"],
    order_by: ["-last_update"], page: 0, page_size: 100, ...query,
  };
  return (await call("tasks.get_all_ex", body)).tasks;
}

function taskTable(found, empty) {
  const heads = ["Task", "Status", "Project", "Queue", "Where, or why", "User", "Step", "Age"];
  return table(heads, found.map((t) => [
    taskLink(t), pill(t.status), t.project?.name, t.execution?.queue?.name,
    t.status === "in_progress" ? t.last_worker : [t.status_reason, t.status_message].filter(Boolean).join(": ").slice(0, 80) || null,
    t.user?.name, t.last_iteration || null, ago(t.started ?? t.created),
  ]), empty);
}

const NO_TASKS = () => h("div", {}, "No task yet. In a folder with code:", command("taskyard run train.py --lr 0.1"));
const NO_WORKERS = () => h("div", {}, "No worker yet. A worker runs your tasks; on any machine:",
  command("taskyard agent daemon --queue default"));

const PAGES = {
  async overview() {
    const [active, queues, workers, ended] = await Promise.all([
      tasks({ status: ["queued", "in_progress"] }), queueRows(), workerRows(),
      tasks({ status: ["completed", "failed", "stopped"], page_size: 8 })]);
    return ["Overview", [
      card("Running and waiting", `${active.length}`, taskTable(active, "Nothing runs or waits.")),
      card("Queues", "", queueTable(queues)), card("Workers", "", workerTable(workers)),
      card("Ended last", "", taskTable(ended, NO_TASKS()))]];
  },
  async tasks() {
    return ["Tasks", [card("All tasks", "newest change first", taskTable(await tasks(), NO_TASKS()))]];
  },
  async queues() {
    const rows = await queueRows();
    const details = rows.filter((q) => q.entries?.length).map((q) =>
      card(`Waiting in ${q.name}`, `${q.entries.length}`, table(["#", "Task", "Waiting"],
        q.entries.slice(0, 200).map((e, i) => [String(i + 1), taskLink(e.task), ago(e.added)]), "")));
    return ["Queues", [card("Queues", "", queueTable(rows)), ...details]];
  },
  async workers() {
    return ["Workers", [card("Workers", "", workerTable(await workerRows()))]];
  },
};

const queueRows = async () => (await call("queues.get_all_ex", { page: 0, page_size: 500 })).queues;
const workerRows = async () => (await call("workers.get_all", { last_seen: 0 })).workers;

function queueTable(rows) {
  return table(["Queue", "Waiting", "Workers", "Next task", "Last change"], rows.map((q) => [
    h("span", {}, q.name, " ", q.paused ? pill("paused") : null,
      q.entries?.length && !q.workers?.length ? pill("no worker") : null),
    String(q.entries?.length ?? 0), String(q.workers?.length ?? 0),
    taskLink(q.entries?.[0]?.task), ago(q.last_update)]), "No queue.");
}

function workerTable(rows) {
  return table(["Worker", "Status", "Task", "Running for", "Queues", "User", "Seen"], rows.map((w) => [
    w.id, pill(w.task ? "busy" : "idle"), taskLink(w.task),
    w.task?.running_time ? duration(w.task.running_time / 1000) : null,
    (w.queues ?? []).map((q) => q.name).join(", ") || null, w.user?.name, ago(w.last_activity_time)]),
  NO_WORKERS());
}

async function taskPage(id) {
  const [{ tasks: [task] }, { attempts }] = await Promise.all([
    call("tasks.get_all_ex", { id: [id], search_hidden: true }), call("attempts.get_all", { task: id })]);
  if (!task) return ["No such task", [card("Not found", "", h("p", { class: "empty" }, `No task ${id}`))]];
  const why = [task.status_reason, task.status_message].filter(Boolean).join(": ");
  const hint = attempts.at(-1)?.hint;
  const facts = [["Id", task.id], ["Project", task.project?.name], ["Queue", task.execution?.queue?.name],
    ["Worker", task.last_worker], ["Repository", task.script?.repository], ["Commit", task.script?.version_num],
    ["Entry", task.script?.entry_point]].filter(([, v]) => v);
  const head = h("div", { class: "facts" }, facts.map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, v))));
  const parameters = Object.entries(task.hyperparams ?? {}).flatMap(([section, items]) =>
    Object.values(items).map((p) => [section, p.name, p.value]));
  if (!console_ || console_.task !== id) console_ = newConsole(id);
  return [task.name, [
    h("div", {}, pill(task.status), " ", why, hint ? h("p", { class: "hint" }, `What to do: ${hint}`) : null),
    card("Task", "", head),
    card("Attempts", "", table(["Attempt", "State", "Worker", "Cause", "Steps"], attempts.map((a) => [
      String(a.attempt), a.state, a.worker, a.cause, (a.phases ?? []).map((p) =>
        `${p.name} ${((p.ended || Date.now() / 1000) - p.started).toFixed(2)}s`).join(" · ")]), "This task has not run.")),
    parameters.length ? card("Parameters", "", table(["Section", "Name", "Value"], parameters, "")) : null,
    card("Console", console_.count, console_.element)].filter(Boolean)];
}

function newConsole(task) {
  const element = h("pre", { class: "log", tabindex: "0", "aria-label": "Console" });
  return { task, element, count: h("span"), after: 0, lines: 0 };
}

async function readConsole() {
  const log = console_;
  for (let more = true; log && more;) {
    const answer = await call("events.follow_log", { task: log.task, after: log.after });
    const atEnd = log.element.scrollTop + log.element.clientHeight >= log.element.scrollHeight - 20;
    const text = answer.lines.map((l) => (l.partial ? l.text : `${l.text}\n`)).join("");
    log.element.append(text);
    log.lines += text.split("\n").length - 1;
    log.count.textContent = `${log.lines} lines`;
    more = answer.lines.length > 0;
    log.after = answer.next;
    if (atEnd) log.element.scrollTop = log.element.scrollHeight;
  }
}

function signInForm(error) {
  const access = h("input", { id: "access", autocomplete: "username", required: true });
  const secret = h("input", { id: "secret", type: "password", autocomplete: "current-password", required: true });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await signIn(access.value, secret.value);
      draw();
    } catch (e) {
      main.replaceChildren(signInForm(e.message));
    }
  };
  return h("form", { class: "card signin", onsubmit: submit }, h("h1", {}, "Sign in"),
    h("p", {}, "With a key pair, or a user's name and password. `taskyard env` prints your keys."),
    error ? h("p", { role: "alert", class: "hint" }, error) : null,
    h("label", { for: "access" }, "Access key or name"), access,
    h("label", { for: "secret" }, "Secret key or password"), secret,
    h("button", { class: "btn pri" }, "Sign in"));
}

let drawing = "";
async function draw() {
  const [, page = "", id] = location.pathname.split("/");
  const name = page || "overview";
  for (const link of document.querySelectorAll("nav a"))
    link.dataset.page === name ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  try {
    if (name !== "tasks" || !id) console_ = null;
    const [title, content] = name === "tasks" && id ? await taskPage(id) : await (PAGES[name] ?? PAGES.overview)();
    const scroll = drawing === location.pathname ? main.scrollTop : 0;
    const logScroll = console_?.element.scrollTop;
    drawing = location.pathname;
    document.title = `${title} · Taskyard`;
    main.replaceChildren(h("header", {}, h("h1", {}, title)), h("div", { class: "content" }, content));
    main.scrollTop = scroll;
    if (console_ && logScroll) console_.element.scrollTop = logScroll;
    await readConsole();
    lamp.textContent = "Live";
    lamp.className = "live";
  } catch (error) {
    if (error instanceof Refused && error.code === 401) return main.replaceChildren(signInForm());
    lamp.textContent = error instanceof Refused ? error.message : "Server unreachable, trying again";
    lamp.className = "off";
  }
}

document.getElementById("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/']");
  if (!link || link.dataset.page === "reference" || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  draw();
});
addEventListener("popstate", draw);

async function live() {
  if (!document.hidden && !main.querySelector("form")) await draw();
  setTimeout(live, EVERY);
}
live();
