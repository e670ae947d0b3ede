// The page: asks once a second what has changed, and shows it.

import { Mosaic } from "/mosaic.js";
import { Refused, bitmap, control, hasToken, json } from "/server.js";
import {
  put, showConfiguration, showEvents, showFacts, showJob, showLegend, showWorkers, stateWords,
} from "/lists.js";
import { TileDialog } from "/tile.js";

const byId = (id) => document.getElementById(id);
const interval = 1000;
/** Pictures that are asked for at a time. */
const picturesAtOnce = 12;

const state = {
  /** What /api/job says; null before the first job. */
  job: null,
  /** By number. */
  fits: [],
  workers: [],
  events: [],
  progress: null,
  counts: {},
  since: 0,
  event: 0,
  picture: 0,
  rowsGiven: 0,
  ending: null,
};

const mosaic = new Mosaic(byId("mosaic"), {
  choose: () => showLine(),
  open: (tile) => dialog.open(tile, state),
});
const dialog = new TileDialog(byId("tile"), () => byId("mosaic").focus());

/** What a tile's fits are together. */
function stateOf(tile) {
  const { restarts } = state.job.description;
  const fits = state.fits.slice(tile * restarts, (tile + 1) * restarts);
  const has = (name) => fits.some((fit) => fit.state === name);
  return ["fitting", "waiting", "stored"].find(has) ?? "setAside";
}

const givenUp = (tiles) => tiles.filter((tile) => stateOf(tile) === "setAside");

/** Tiles that are not stored, as the job has ended. */
function unrestoredTiles() {
  const tiles = state.job?.description.windows.keys() ?? [];
  return [...tiles].filter((tile) => stateOf(tile) !== "stored");
}

/** How much of a tile's iterations is done, 0 to 1. */
function shareOf(tile) {
  const { restarts, iterationsPerTile } = state.job.description;
  const fits = state.fits.slice(tile * restarts, (tile + 1) * restarts);
  const parts = fits.map((fit) =>
    fit.state === "stored" ? 1 : fit.state === "fitting" ? fit.iteration / iterationsPerTile : 0);
  return parts.reduce((a, b) => a + b, 0) / restarts;
}

async function beginJob() {
  const answer = await json("/api/job");
  const { windows, restarts } = answer.description;
  Object.assign(state, {
    job: answer, workers: [], events: [], since: 0, event: 0, picture: 0, rowsGiven: 0,
    fits: Array.from({ length: windows.length * restarts }, () => (
      { state: "waiting", iteration: 0, failureCount: 0 })),
  });
  previewsShown.clear();
  byId("events").replaceChildren();
  byId("events").dataset.number = 0;
  dialog.close();
  mosaic.begin(answer);
  showJob(byId("job"), answer.description);
  showConfiguration(byId("configuration"), answer.description.configuration);
  const { input, page } = answer.description;
  const name = input.split("/").at(-1) + (page ? `, page ${page.number} of ${page.count}` : "");
  byId("name").textContent = name;
}

function take(answer) {
  state.since = answer.revision;
  state.progress = answer.progress ?? state.progress;
  state.counts = answer.counts;
  state.ending = answer.ending ?? null;
  if (answer.workers) state.workers = answer.workers;
  const touched = new Set();
  for (const fit of answer.fits) {
    state.fits[fit.number] = fit;
    touched.add(Math.floor(fit.number / state.job.description.restarts));
  }
  for (const tile of touched) mosaic.setState(tile, stateOf(tile), shareOf(tile));
  // What was half fitted has no part in the output.
  mosaic.unpaint(state.ending ? unrestoredTiles() : givenUp([...touched]));
  if (answer.events.length) {
    state.events.push(...answer.events);
    state.event = answer.events.at(-1).number;
    state.events.splice(0, Math.max(0, state.events.length - 500));
    showEvents(byId("events"), state.events);
  }
}

function show() {
  const { progress } = state;
  const names = {
    start: "making the weights that all fits begin with",
    pilots: "looking for the point to stop at",
    tiles: "fitting tiles",
    blending: "blending the output",
  };
  const doing = progress?.isPaused ? "paused" : names[progress?.phase] ?? "beginning";
  byId("phase").textContent = state.ending ? "ended" : doing;
  byId("pause").hidden = Boolean(progress?.isPaused);
  byId("resume").hidden = !progress?.isPaused;
  showFacts(byId("facts"), byId("bar"), state);
  showLegend(byId("legend"), state);
  showWorkers(byId("workers"), byId("gone"), state, hasToken() && !state.ending ? drain : null);
  const share = byId("bar").value;
  document.title = `${Math.floor(share * 100)} % ${byId("name").textContent} - dip-coord`;
  byId("controls").hidden = !hasToken() || state.ending !== null;
  byId("no-token").hidden = hasToken() || state.ending !== null;
  showLine();
}

function showLine() {
  const tile = mosaic.chosen;
  const line = byId("tile-line");
  if (tile === null || !state.job) {
    line.textContent = "Choose a tile.";
    return;
  }
  const { restarts } = state.job.description;
  const fits = state.fits.slice(tile * restarts, (tile + 1) * restarts);
  const fit = fits.find((fit) => fit.state === "fitting") ?? fits[0];
  const parts = [`Tile ${tile}: ${stateWords[stateOf(tile)]}`];
  if (fit.iteration) parts.push(`iteration ${fit.iteration}`);
  if (fit.psnrToInput !== undefined) {
    parts.push(`${Number(fit.psnrToInput).toFixed(1)} dB to the input`);
  }
  if (fit.host) parts.push(`on ${fit.host}`);
  if (fit.failureCount) parts.push(`${fit.failureCount} failed tries`);
  const text = parts.join(", ");
  if (line.textContent !== text) line.textContent = text;
}

// Pictures

/** Iterations of the pictures of fits that are shown. */
const previewsShown = new Map();
let isLoading = false;

async function loadPictures(answer) {
  if (isLoading || document.hidden || !answer.pictures) return;
  isLoading = true;
  // What comes after another job has begun is a picture of neither.
  const job = state.job;
  try {
    const { rowsGiven, revision, painted } = answer.pictures;
    if (rowsGiven > state.rowsGiven) {
      const image = await bitmap("/pictures/given.jpg");
      if (state.job !== job) return;
      if (image) mosaic.setGiven(image);
      state.rowsGiven = rowsGiven;
    }
    if (painted.length > picturesAtOnce) {
      const image = await bitmap("/pictures/restored.jpg");
      if (image && state.job === job) {
        for (const tile of painted) mosaic.setRestored(tile, image, true);
      }
    } else {
      await Promise.all(painted.map(async (tile) => {
        const image = await bitmap(`/pictures/tiles/${tile}.jpg`);
        if (image && state.job === job) mosaic.setRestored(tile, image, false);
      }));
    }
    if (state.job !== job) return;
    state.picture = revision;
    await loadPreviews();
  } finally {
    isLoading = false;
  }
}

async function loadPreviews() {
  const { job } = state;
  const { restarts } = job.description;
  const wanted = state.fits.filter((fit) =>
    fit.state === "fitting" && fit.preview !== undefined
    && previewsShown.get(fit.number) !== fit.preview);
  await Promise.all(wanted.slice(0, picturesAtOnce).map(async (fit) => {
    const image = await bitmap(`/pictures/fits/${fit.number}.jpg`);
    if (state.job !== job) return;
    previewsShown.set(fit.number, fit.preview);
    const isFitting = state.fits[fit.number]?.state === "fitting";
    if (image && isFitting) mosaic.setPreview(Math.floor(fit.number / restarts), image);
  }));
}

// Asking

let failures = 0;

function notice(text, isBad) {
  const place = byId("notice");
  place.hidden = !text;
  place.classList.toggle("bad", Boolean(isBad));
  put(place, text);
}

function noticeOfEnd(more) {
  notice(`The job has ended. ${state.ending}${more}`, unrestoredTiles().length > 0);
}

async function ask() {
  const { since, event, picture } = state;
  const query = new URLSearchParams({ since, event, picture });
  const fit = dialog.fit(state);
  if (fit !== null) query.set("fit", fit);
  const answer = await json(`/api/changes?${query}`);
  if (answer.job !== state.job?.description.job) {
    await beginJob();
    return ask();
  }
  take(answer);
  show();
  loadPictures(answer).catch((error) => {
    // What the network does passes; a mistake of this page is to be seen.
    if (![TypeError, DOMException, Refused].some((kind) => error instanceof kind)) throw error;
  });
  dialog.update(state);
  return answer;
}

async function run() {
  let pause = interval;
  try {
    await ask();
    failures = 0;
    if (state.ending) noticeOfEnd("");
    else notice(asked, false);
    if (document.hidden) pause = 4 * interval;
  } catch (error) {
    failures += 1;
    if (error instanceof Refused && error.status === 401) {
      notice(error.message, true);
    } else if (error instanceof Refused && error.status === 503) {
      notice("The job has not begun yet.", false);
    } else if (state.ending) {
      noticeOfEnd(" This is the last state.");
      dialog.update(state);
    } else if (failures > 2) {
      byId("phase").textContent = "no connection";
      notice(
        "dip-coord does not answer: it has ended, or cannot be reached. "
        + "This is the last state that was seen.", true);
    }
    pause = Math.min(interval * failures, 5000);
  }
  setTimeout(run, pause);
}

// Changing

let asked = "";
let askedTimer = 0;

function confirm(text) {
  const sure = byId("sure");
  put(byId("sure-text"), text);
  sure.returnValue = "";
  sure.showModal();
  return new Promise((resolve) =>
    sure.addEventListener("close", () => resolve(sure.returnValue === "yes"), { once: true }));
}

byId("sure-yes").addEventListener("click", () => byId("sure").close("yes"));
byId("sure-no").addEventListener("click", () => byId("sure").close("no"));

async function change(action, words, worker) {
  try {
    await control(action, worker);
    asked = words;
  } catch (error) {
    asked = error instanceof Refused ? error.message : "dip-coord does not answer.";
  }
  notice(asked, false);
  clearTimeout(askedTimer);
  askedTimer = setTimeout(() => { asked = ""; }, 6000);
}

async function drain(worker) {
  if (await confirm(`Let ${worker} hand over what it has, and leave?`)) {
    change("drain", `${worker} was asked to leave.`, worker);
  }
}

byId("pause").addEventListener("click", () =>
  change("pause", "A pause was asked for: fits hand over what they have."));
byId("resume").addEventListener("click", () => change("resume", "The job was asked to go on."));
byId("stop").addEventListener("click", async () => {
  const text = "Stop here, and make the output of the tiles that are stored? "
    + "All others stay as they were, until the same command with --retry-failed restores them.";
  if (await confirm(text)) change("stopAndBlend", "The job was asked to stop and blend.");
});

byId("zoom-in").addEventListener("click", () => mosaic.zoom(1.5));
byId("zoom-out").addEventListener("click", () => mosaic.zoom(1 / 1.5));
byId("zoom-fit").addEventListener("click", () => mosaic.fit());
byId("grid").addEventListener("change", (event) => mosaic.setGrid(event.target.checked));
byId("split").addEventListener("input", (event) => mosaic.setSplit(event.target.value / 100));

run();
