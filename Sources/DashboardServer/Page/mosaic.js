// The image as tiles, on a canvas: it turns from damaged to restored.

const zoomMaximum = 24;

function canvasOf(width, height) {
  const made = document.createElement("canvas");
  [made.width, made.height] = [width, height];
  return made;
}

export class Mosaic {
  /**
   * @param canvas where it is drawn.
   * @param events choose(tile) and open(tile).
   */
  constructor(canvas, events) {
    this.canvas = canvas;
    this.events = events;
    this.job = null;
    /** The chosen tile. */
    this.chosen = null;
    this.hasGrid = true;
    this.split = 0;
    this.view = { scale: 1, x: 0, y: 0 };
    this.isFitted = true;
    this.pointers = new Map();
    new ResizeObserver(() => this.resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("dblclick", () => this.chosen !== null && events.open(this.chosen));
  }

  /** Another job, of which nothing is known yet. */
  begin(job) {
    const { width, height, factor, cells } = job.mosaic;
    const keepsGiven = this.given?.width === width && this.given?.height === height;
    this.job = job;
    if (!keepsGiven) this.given = canvasOf(width, height);
    this.restored = canvasOf(width, height);
    this.after = canvasOf(width, height);
    this.cells = cells.map((cell) => ({
      x: cell.x / factor, y: cell.y / factor,
      width: cell.width / factor, height: cell.height / factor,
    }));
    this.states = cells.map(() => ({ name: "waiting", share: 0 }));
    this.painted = new Set();
    this.chosen = null;
    this.compose();
    this.fit();
  }

  setState(tile, name, share) {
    this.states[tile] = { name, share };
    this.redraw();
  }

  /** @param image the given one, as large as the mosaic. */
  setGiven(image) {
    this.given.getContext("2d").drawImage(image, 0, 0);
    this.compose();
  }

  /** Pixels of the mosaic that a cell has part in. */
  place(tile) {
    const cell = this.cells[tile];
    const [x, y] = [Math.floor(cell.x), Math.floor(cell.y)];
    return [x, y, Math.ceil(cell.x + cell.width) - x, Math.ceil(cell.y + cell.height) - y];
  }

  /** @param isWhole whether the image is all of the mosaic, or the tile's cell. */
  setRestored(tile, image, isWhole) {
    const [x, y, width, height] = this.place(tile);
    if (isWhole) this.paint(tile, image, x, y, width, height, x, y, width, height);
    else this.paint(tile, image, x, y);
  }

  /** @param image of the tile's window, of any size. */
  setPreview(tile, image) {
    const { factor } = this.job.mosaic;
    const window = this.job.description.windows[tile];
    const scale = image.width / window.width;
    const [x, y, width, height] = this.place(tile);
    this.paint(
      tile, image, (x * factor - window.x) * scale, (y * factor - window.y) * scale,
      width * factor * scale, height * factor * scale, x, y, width, height);
  }

  /**
   * Draws the image on both canvases. One canvas drawn on the other would be copied as a whole for
   * each tile, as it changes in between: thousands of tiles would take many seconds.
   */
  paint(tile, image, ...places) {
    this.painted.add(tile);
    this.restored.getContext("2d").drawImage(image, ...places);
    this.after.getContext("2d").drawImage(image, ...places);
    this.redraw();
  }

  /** Shows tiles as they were given. */
  unpaint(tiles) {
    const gone = tiles.filter((tile) => this.painted.delete(tile));
    if (gone.length) this.compose();
  }

  /** Makes what is seen on the right of the split anew. */
  compose() {
    const context = this.after.getContext("2d");
    context.drawImage(this.given, 0, 0);
    for (const tile of this.painted) {
      const place = this.place(tile);
      context.drawImage(this.restored, ...place, ...place);
    }
    this.redraw();
  }

  setGrid(hasGrid) {
    this.hasGrid = hasGrid;
    this.redraw();
  }

  /** @param split how much is shown as it was, from the left, 0 to 1. */
  setSplit(split) {
    this.split = split;
    this.redraw();
  }

  // The view: a pixel of the mosaic at p is on the canvas at p * scale + (x, y), in CSS pixels.

  resize() {
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (this.isFitted) this.fit();
    this.redraw();
  }

  fitScale() {
    const { clientWidth, clientHeight } = this.canvas;
    return Math.min((clientWidth - 8) / this.given.width, (clientHeight - 8) / this.given.height);
  }

  fit() {
    if (!this.job) return;
    const scale = this.fitScale();
    this.view = {
      scale,
      x: (this.canvas.clientWidth - this.given.width * scale) / 2,
      y: (this.canvas.clientHeight - this.given.height * scale) / 2,
    };
    this.isFitted = true;
    this.redraw();
  }

  /** Zooms around a point of the canvas; its middle, where none is given. */
  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    if (!this.job) return;
    const least = this.fitScale();
    const most = Math.max(least, 1) * zoomMaximum;
    const scale = Math.min(Math.max(this.view.scale * factor, least), most);
    if (scale <= least) return this.fit();
    const ratio = scale / this.view.scale;
    this.view = { scale, x: x - (x - this.view.x) * ratio, y: y - (y - this.view.y) * ratio };
    this.isFitted = false;
    this.keepInside();
    this.redraw();
  }

  keepInside() {
    const { clientWidth, clientHeight } = this.canvas;
    const axis = (offset, length, room) =>
      length <= room ? (room - length) / 2 : Math.min(Math.max(offset, room - length), 0);
    this.view.x = axis(this.view.x, this.given.width * this.view.scale, clientWidth);
    this.view.y = axis(this.view.y, this.given.height * this.view.scale, clientHeight);
  }

  /** Moves the view so that a tile is seen. */
  reveal(tile) {
    const [x, y, width, height] = this.onCanvas(tile);
    const { clientWidth, clientHeight } = this.canvas;
    if (x < 0 || x + width > clientWidth) this.view.x += clientWidth / 2 - (x + width / 2);
    if (y < 0 || y + height > clientHeight) this.view.y += clientHeight / 2 - (y + height / 2);
    this.keepInside();
  }

  onCanvas(tile) {
    const cell = this.cells[tile];
    const { scale, x, y } = this.view;
    return [cell.x * scale + x, cell.y * scale + y, cell.width * scale, cell.height * scale];
  }

  tileAt(x, y) {
    const across = (x - this.view.x) / this.view.scale;
    const down = (y - this.view.y) / this.view.scale;
    const found = this.cells.findIndex((cell) =>
      across >= cell.x && across < cell.x + cell.width
      && down >= cell.y && down < cell.y + cell.height);
    return found < 0 ? null : found;
  }

  choose(tile) {
    this.chosen = tile;
    if (tile !== null) this.reveal(tile);
    this.events.choose(tile);
    this.redraw();
  }

  // Hands

  key(event) {
    if (!this.job || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (steps[event.key]) this.step(...steps[event.key]);
    else if (event.key === "Enter" && this.chosen !== null) this.events.open(this.chosen);
    else if (event.key === "+" || event.key === "=") this.zoom(1.5);
    else if (event.key === "-") this.zoom(1 / 1.5);
    else if (event.key === "0") this.fit();
    else if (event.key === "Escape") this.choose(null);
    else return;
    event.preventDefault();
  }

  /** Chooses the nearest tile in a direction. */
  step(dx, dy) {
    if (this.chosen === null) return this.choose(0);
    const middle = (cell) => [cell.x + cell.width / 2, cell.y + cell.height / 2];
    const [x, y] = middle(this.cells[this.chosen]);
    let best = null;
    let bestDistance = Infinity;
    this.cells.forEach((cell, tile) => {
      const [cx, cy] = middle(cell);
      const along = (cx - x) * dx + (cy - y) * dy;
      const aside = Math.abs((cx - x) * dy) + Math.abs((cy - y) * dx);
      if (along <= 0.01 || aside > along) return;
      if (along + 3 * aside < bestDistance) [best, bestDistance] = [tile, along + 3 * aside];
    });
    if (best !== null) this.choose(best);
  }

  wheel(event) {
    event.preventDefault();
    const { left, top } = this.canvas.getBoundingClientRect();
    this.zoom(1.0015 ** -event.deltaY, event.clientX - left, event.clientY - top);
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    this.moved = this.pointers.size > 1 ? Infinity : 0;
  }

  move(event) {
    const former = this.pointers.get(event.pointerId);
    if (!former || !this.job) return;
    const [dx, dy] = [event.clientX - former.clientX, event.clientY - former.clientY];
    if (this.pointers.size === 2) {
      const other = [...this.pointers.values()].find((one) => one.pointerId !== event.pointerId);
      const distance = (one) =>
        Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      const { left, top } = this.canvas.getBoundingClientRect();
      this.zoom(
        distance(event) / Math.max(distance(former), 1),
        (event.clientX + other.clientX) / 2 - left, (event.clientY + other.clientY) / 2 - top);
    } else {
      this.moved += Math.hypot(dx, dy);
      if (this.moved < 4) return;
      this.view.x += dx;
      this.view.y += dy;
      this.keepInside();
      this.redraw();
    }
    this.pointers.set(event.pointerId, event);
  }

  up(event) {
    const wasDown = this.pointers.delete(event.pointerId);
    if (!wasDown || !this.job || this.moved >= 4) return;
    const { left, top } = this.canvas.getBoundingClientRect();
    this.choose(this.tileAt(event.clientX - left, event.clientY - top));
  }

  // Drawing

  redraw() {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      if (this.job) this.draw();
    });
  }

  draw() {
    const context = this.canvas.getContext("2d");
    const ratio = this.canvas.width / Math.max(this.canvas.clientWidth, 1);
    const style = getComputedStyle(this.canvas);
    const color = (name) => style.getPropertyValue(`--${name}`);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { scale, x, y } = this.view;
    const [width, height] = [this.given.width * scale, this.given.height * scale];
    context.imageSmoothingEnabled = scale * ratio < 3;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.after, x, y, width, height);
    const border = width * this.split;
    if (border > 0) {
      context.save();
      context.beginPath();
      context.rect(x, y, border, height);
      context.clip();
      context.drawImage(this.given, x, y, width, height);
      context.restore();
      this.line(context, x + border, y, height);
    }
    this.drawTiles(context, resolve(color, this.canvas));
  }

  line(context, x, y, height) {
    context.fillStyle = "#000";
    context.fillRect(x - 1.5, y, 3, height);
    context.fillStyle = "#fff";
    context.fillRect(x - 0.5, y, 1, height);
  }

  drawTiles(context, colors) {
    const { clientWidth, clientHeight } = this.canvas;
    this.states.forEach((state, tile) => {
      if (!this.hasGrid && tile !== this.chosen) return;
      const [x, y, width, height] = this.onCanvas(tile);
      if (x > clientWidth || y > clientHeight || x + width < 0 || y + height < 0) return;
      const isSmall = Math.min(width, height) < 10;
      if (this.hasGrid && state.name !== "stored") {
        if (state.name === "waiting") {
          context.globalAlpha = 0.6;
          if (!isSmall) outline(context, colors.waiting, 0.75, x, y, width, height);
          context.globalAlpha = 1;
        } else {
          // A tile at work keeps its shades where its outline is seen.
          context.globalAlpha = isSmall ? 0.7 : state.name === "setAside" ? 0.3 : 0;
          context.fillStyle = colors[state.name];
          context.fillRect(x, y, width, height);
          context.globalAlpha = 1;
          if (!isSmall) outline(context, colors[state.name], 2, x, y, width, height);
        }
        if (state.name === "fitting" && !isSmall) {
          const bar = Math.min(6, height / 8);
          context.fillStyle = "rgb(0 0 0 / 55%)";
          context.fillRect(x + 2, y + height - bar - 3, width - 4, bar);
          context.fillStyle = colors.fitting;
          const share = Math.min(state.share, 1);
          context.fillRect(x + 2, y + height - bar - 3, (width - 4) * share, bar);
        }
      }
      if (tile === this.chosen) {
        outline(context, "#000", 5, x, y, width, height);
        outline(context, colors.accent, 3, x, y, width, height);
      }
    });
  }
}

function outline(context, color, width, x, y, w, h) {
  context.strokeStyle = color;
  context.lineWidth = width;
  const inside = (length) => Math.max(length - width, 0.5);
  context.strokeRect(x + width / 2, y + width / 2, inside(w), inside(h));
}

const probe = document.createElement("i");

/** The page's colours as a canvas understands them. */
function resolve(color, canvas) {
  canvas.after(probe);
  const found = {};
  for (const name of ["waiting", "fitting", "stored", "setAside", "accent"]) {
    probe.style.color = color(name);
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}
