// What the page shows besides pictures: numbers, workers, events, the configuration.

const workersMaximum = 200;
const eventsMaximum = 200;

/** 42 s, 5 min 12 s, 3 h 20 min, 2 d 4 h. */
export function time(seconds) {
  const whole = Math.max(Math.round(seconds), 0);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

// From 0 to 23 hours wherever the page is read.
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hourCycle: "h23" });
const dayAndClock = (seconds) => new Date(seconds * 1000).toLocaleString([], { hourCycle: "h23" });
const rate = (value) => (value === undefined ? "-" : value.toFixed(value < 10 ? 2 : 1));

function make(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Puts a text into an element; names of options in it stay in one piece. */
export function put(place, text) {
  if (place.textContent === text) return;
  const parts = text.split(/((?<![^\s"'(])--?[a-z][a-z-]*)/);
  place.replaceChildren(...parts.map((part, index) =>
    (index % 2 ? make("span", part, { class: "whole" }) : part)));
}

/** Puts terms and descriptions into a list, and changes what is there where it can. */
function describe(list, entries) {
  entries.forEach(([term, text], place) => {
    let row = list.children[place];
    if (!row) {
      row = make("div");
      row.append(make("dt"), make("dd"));
      list.append(row);
    }
    if (row.firstChild.textContent !== term) row.firstChild.textContent = term;
    put(row.lastChild, text);
    row.lastChild.title = text;
  });
  while (list.children.length > entries.length) list.lastChild.remove();
}

/** Numbers that are none come as words. */
const decibels = (value) => (value === undefined ? "-" : `${Number(value).toFixed(1)} dB`);

/** What the states of tiles are called. */
export const stateWords = {
  waiting: "waiting", fitting: "being fitted", stored: "stored", setAside: "given up",
};

export function showFacts(list, bar, state) {
  const { progress } = state;
  if (!progress) return;
  const whole = Math.max(progress.iterationsPerTile, 1);
  const finished = progress.tilesStored + progress.tilesSetAside;
  const parts = progress.workers
    .map((worker) => Math.min((worker.iteration ?? 0) / whole, 1))
    .reduce((a, b) => a + b, 0);
  const left = Math.max(progress.tilesTotal - finished, 0);
  bar.value = progress.phase === "blending"
    ? 1 : (finished + Math.min(parts, left)) / Math.max(progress.tilesTotal, 1);
  const unit = progress.restarts > 1 ? "Fits" : "Tiles";
  const entries = [
    [unit, `${progress.tilesStored} / ${progress.tilesTotal}`],
    ["Time left", timeLeft(progress, state.ending)],
    ["Elapsed", time(progress.secondsElapsed)],
    ["Iterations/s", rate(progress.iterationsPerSecond)],
    ["PSNR to input", decibels(progress.psnrToInput)],
    ["Workers", String(progress.workerCount)],
    ["Retries", String(progress.retries)],
    ["Checkpoints", String(progress.checkpoints)],
  ];
  if (progress.tilesSetAside) entries.splice(1, 0, ["Given up", String(progress.tilesSetAside)]);
  describe(list, entries);
}

function timeLeft(progress, ending) {
  if (ending) return "-";
  if (progress.isPaused) return "paused";
  if (progress.secondsLeftHigh === undefined) return "-";
  return range(progress.secondsLeftLow, progress.secondsLeftHigh);
}

/** 4 to 6 min, 40 to 50 s: in the unit of the longer one, the shorter one rounded down. */
function range(low, high) {
  const [unit, name] = high < 20 ? [1, "s"] : high < 100 ? [10, "s"] : high < 6000 ? [60, "min"]
    : high < 172800 ? [3600, "h"] : [86400, "d"];
  const size = name === "s" ? 1 : unit;
  const last = (Math.ceil(high / unit - 1e-9) * unit) / size;
  if (low === undefined) return `at most ${last} ${name}`;
  const first = (Math.floor(low / unit + 1e-9) * unit) / size;
  if (first >= last) return `${last} ${name}`;
  return first === 0 ? `less than ${last} ${name}` : `${first} to ${last} ${name}`;
}

export function showLegend(list, state) {
  Object.entries(stateWords).forEach(([name, words], place) => {
    const item = list.children[place] ?? list.appendChild(make("li", "", { "data-state": name }));
    const text = `${state.counts[name] ?? 0} ${words}`;
    if (item.textContent !== text) item.textContent = text;
  });
}

// Workers

const doing = { idle: "idle", starting: "gets", fitting: "fits", delivering: "delivers" };

/** @param drain what is done for the name of a worker that is to leave; null where nobody may. */
export function showWorkers(table, gone, state, drain) {
  const body = table.tBodies[0];
  const stories = new Map(state.workers.map((story) => [story.name, story]));
  const present = state.ending ? [] : state.progress?.workers ?? [];
  const rows = new Map([...body.rows].map((row) => [row.dataset.name, row]));
  present.slice(0, workersMaximum).forEach((worker, place) => {
    const row = rows.get(worker.name) ?? newRow(table, worker, drain);
    rows.delete(worker.name);
    if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null);
    fill(row, worker, stories.get(worker.name), drain);
  });
  for (const row of rows.values()) row.remove();
  if (present.length > workersMaximum) {
    const row = body.insertRow();
    row.dataset.name = "";
    row.insertCell().textContent = `and ${present.length - workersMaximum} more`;
  }
  showGone(gone, state.workers.filter((story) => story.leftAt !== undefined));
}

function newRow(table, worker, drain) {
  const row = make("tr");
  row.dataset.name = worker.name;
  // Where there is no room for the head, each cell says what it is.
  for (const head of table.tHead.rows[0].cells) row.insertCell().dataset.is = head.textContent;
  for (const column of [2, 3, 4, 5]) row.cells[column].className = "number";
  const threads = `${worker.threads} thread${worker.threads === 1 ? "" : "s"}`;
  row.title = `${worker.name}, ${worker.processor}, ${threads}, version ${worker.version}`;
  if (drain) {
    const label = `Drain ${worker.name}`;
    const button = make("button", "Drain", { type: "button", "aria-label": label });
    button.addEventListener("click", () => drain(worker.name));
    row.cells[7].append(button);
  }
  return row;
}

function fill(row, worker, story, drain) {
  const isSilent = worker.silentSeconds >= 8;
  row.classList.toggle("silent", isSilent);
  const work = worker.tile === undefined ? "" : ` ${worker.tile}`;
  const texts = [
    `${worker.host} ${worker.processID}`,
    `${doing[worker.activity]}${work}`,
    worker.iteration === undefined ? "-" : `${worker.iteration} / ${worker.iterations}`,
    rate(worker.iterationsPerSecond),
    worker.silentSeconds < 3 ? "now" : `${time(worker.silentSeconds)} ago`,
    String(story?.fitsFinished ?? 0),
  ];
  texts.forEach((text, column) => {
    if (row.cells[column].textContent !== text) row.cells[column].textContent = text;
  });
  const count = story?.failureCount ?? 0;
  if (row.dataset.failures !== String(count)) {
    row.dataset.failures = String(count);
    row.cells[6].replaceChildren(failures(story, count));
  }
  if (!drain) row.cells[7].replaceChildren();
}

function failures(story, count) {
  if (!count) return make("span", "0");
  const details = make("details");
  const list = make("ul");
  for (const failure of story.failures.toReversed()) {
    const what = `tile ${failure.fit}, attempt ${failure.attempt}: ${failure.reason}`;
    list.append(make("li", `${clock(failure.time)} ${what}`));
  }
  details.append(make("summary", String(count), { class: "bad-text" }), list);
  return details;
}

function showGone(details, stories) {
  details.hidden = stories.length === 0;
  const sum = `${stories.length} gone`;
  const key = `${stories.length} ${stories.at(-1)?.leftAt}`;
  if (details.dataset.key === key) return;
  details.dataset.key = key;
  details.firstElementChild.textContent = sum;
  details.lastElementChild.replaceChildren(
    ...stories.toReversed().slice(0, workersMaximum).map((story) => {
      const failed = story.failureCount ? `, ${story.failureCount} failed` : "";
      const why = story.reason ? `: ${story.reason}` : "";
      const done = `${story.fitsFinished} done`;
      return make("li", `${clock(story.leftAt)} ${story.name}, ${done}${failed}${why}`);
    }));
}

// Events

/** The latest one first. */
export function showEvents(list, events) {
  const shown = Number(list.dataset.number ?? 0);
  for (const event of events.slice(-eventsMaximum)) {
    if (event.number <= shown) continue;
    const item = make("li");
    const words = make("span", "");
    put(words, event.sentence);
    const datetime = new Date(event.time * 1000).toISOString();
    const when = make("time", clock(event.time), { datetime });
    const isBad = ["tileFailed", "tileSetAside", "failed"].includes(event.kind)
      || event.sentence.startsWith("warning:");
    words.classList.toggle("bad-text", isBad);
    item.append(when, words);
    list.prepend(item);
  }
  while (list.children.length > eventsMaximum) list.lastChild.remove();
  list.dataset.number = String(events.at(-1)?.number ?? 0);
}

// What stays

export function showJob(list, job) {
  const window = job.windows[0];
  describe(list, [
    ["Input", job.input],
    ["Output", job.output],
    ["Size", `${job.width} x ${job.height}, ${job.bands} band${job.bands === 1 ? "" : "s"}`],
    ["Task", job.task],
    ["Preset", job.preset],
    ["Tiles", `${job.windows.length} of ${window.width} x ${window.height}`],
    ["Overlap", `${job.overlap}`],
    ["Fits of a tile", String(job.restarts)],
    ["Iterations", `at most ${job.iterationsPerTile}`],
    ["Seed", String(job.seed)],
    ["Began", dayAndClock(job.beganAt)],
    ["On", job.host],
    ["Version", job.version],
    ["Command", job.command.join(" ")],
  ]);
}

/** @param text JSON. */
export function showConfiguration(list, text) {
  const words = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  describe(list, Object.entries(JSON.parse(text)).map(([name, value]) => [name, words(value)]));
}
