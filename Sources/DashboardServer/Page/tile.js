// One tile by itself: before and after in full resolution, and its curves.

import { figure } from "/curves.js";
import { stateWords, time } from "/lists.js";
import { json, picture } from "/server.js";

const byId = (id) => document.getElementById(id);

/** What is known of a fit, in words. */
function describe(fit) {
  const parts = [stateWords[fit.state]];
  if (fit.iteration) parts.push(`iteration ${fit.iteration}`);
  if (fit.seconds !== undefined) parts.push(time(fit.seconds));
  if (fit.worker) parts.push(`on ${fit.worker}`);
  if (fit.attempt) parts.push(`attempt ${fit.attempt}`);
  if (fit.failureCount) parts.push(`${fit.failureCount} failed`);
  return parts.join(", ") + (fit.reason ? `: ${fit.reason}` : "");
}

export class TileDialog {
  /** @param closed what is done when it closes. */
  constructor(element, closed) {
    this.element = element;
    this.tile = null;
    this.sources = {};
    byId("tile-close").addEventListener("click", () => element.close());
    byId("tile-split").addEventListener("input", () => this.clip());
    new ResizeObserver(() => this.clip()).observe(byId("compare"));
    element.addEventListener("close", () => {
      this.tile = null;
      for (const name of ["before", "after"]) this.put(name, null, null);
      closed();
    });
  }

  open(tile, state) {
    this.tile = tile;
    byId("tile-title").textContent = `Tile ${tile}`;
    byId("curves").replaceChildren();
    byId("tile-facts").textContent = "";
    byId("tile-wait").hidden = false;
    this.element.showModal();
    byId("tile-split").focus();
    this.update(state);
  }

  close() {
    if (this.element.open) this.element.close();
  }

  /** The fit that is looked at; null where none is. */
  fit(state) {
    if (this.tile === null || !state.job) return null;
    const { restarts } = state.job.description;
    const first = this.tile * restarts;
    const fits = state.fits.slice(first, first + restarts);
    return first + Math.max(fits.findIndex((fit) => fit.state === "fitting"), 0);
  }

  /** Shows what is known by now. */
  async update(state) {
    if (this.tile === null || this.isBusy) return;
    this.isBusy = true;
    const tile = this.tile;
    try {
      const answer = await this.ask(tile, state);
      this.latest = answer;
      if (this.tile === tile) this.show(answer);
      await this.load(tile, answer);
    } catch {
      // The page says elsewhere that nobody answers.
    } finally {
      this.isBusy = false;
    }
    if (this.tile !== null && this.tile !== tile) this.update(state);
  }

  /** What is known of a tile. When the program has ended only the page knows its fits' states. */
  async ask(tile, state) {
    if (!state.ending || this.latest?.tile !== tile) return json(`/api/tiles/${tile}`);
    const fits = this.latest.fits.map((fit) => ({ ...fit, ...state.fits[fit.number] }));
    return { ...this.latest, fits };
  }

  show(answer) {
    const { window } = answer;
    const { x, y, width, height } = window;
    const lines = [`${width} x ${height} pixels at column ${x}, row ${y}.`];
    for (const fit of answer.fits) {
      lines.push((answer.fits.length > 1 ? `Fit ${fit.number}: ` : "") + describe(fit));
    }
    byId("tile-facts").replaceChildren(...lines.map((text) => {
      const line = document.createElement("div");
      line.textContent = text;
      return line;
    }));
    const curves = (name) => answer.fits.map((fit) =>
      fit.curve.filter((point) => point[name] !== undefined)
        .map((point) => [point.iteration, Number(point[name])]));
    byId("curves").replaceChildren(
      figure("Loss", "", curves("loss"), true),
      figure("PSNR to the input", " dB", curves("psnrToInput"), false));
  }

  async load(tile, answer) {
    const stored = answer.fits.filter((fit) => fit.state === "stored").length;
    const preview = answer.fits.find((fit) => fit.state === "fitting" && fit.preview !== undefined);
    const after = stored
      ? { key: `${tile} stored ${stored}`, path: `/pictures/windows/${tile}/restored.jpg` }
      : preview
        ? {
          key: `${tile} ${preview.number} ${preview.preview}`,
          path: `/pictures/fits/${preview.number}.jpg`,
        }
        : null;
    await Promise.all([
      this.want("before", tile, { key: `${tile}`, path: `/pictures/windows/${tile}/given.jpg` }),
      this.want("after", tile, after),
    ]);
  }

  async want(name, tile, source) {
    if (!source) {
      if (this.tile === tile) this.put(name, null, null);
      return;
    }
    if (this.sources[name]?.key === source.key) return;
    const address = await picture(source.path);
    if (address && this.tile === tile) this.put(name, source.key, address);
    else if (address) URL.revokeObjectURL(address);
  }

  put(name, key, address) {
    const image = byId(`tile-${name}`);
    if (this.sources[name]) URL.revokeObjectURL(this.sources[name].address);
    this.sources[name] = address ? { key, address } : undefined;
    image.hidden = !address;
    if (!address) {
      image.removeAttribute("src");
      this.clip();
      return;
    }
    image.alt = name === "before" ? "The tile as it was" : "The tile as it is restored";
    image.onload = () => this.clip();
    image.src = address;
    byId("tile-wait").hidden = true;
  }

  /** Shows the left part of the tile as it was. */
  clip() {
    const before = byId("tile-before");
    const { clientWidth, clientHeight } = byId("compare");
    if (!before.naturalWidth) return;
    // The picture is as large as it can be within the box.
    const ratio = before.naturalWidth / before.naturalHeight;
    const width = Math.min(clientWidth, clientHeight * ratio);
    const share = this.sources.after ? byId("tile-split").value / 100 : 1;
    const right = clientWidth - ((clientWidth - width) / 2 + width * share);
    before.style.clipPath = `inset(0 ${Math.max(right, 0)}px 0 0)`;
  }
}
