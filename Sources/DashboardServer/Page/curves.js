// Curves over iterations as SVG.

const space = "http://www.w3.org/2000/svg";
const size = { width: 360, height: 170, left: 50, right: 10, top: 10, bottom: 24 };

function element(name, attributes, text) {
  const made = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

export function short(value, digits = 3) {
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude < 0.001 || magnitude >= 1e5) return value.toExponential(Math.max(digits - 2, 1));
  return String(Number(value.toPrecision(digits)));
}

/** The labels of an axis: with as many digits as tell each from the next. */
export function labels(values) {
  const gaps = values.slice(1).map((value, place) => Math.abs(value - values[place]));
  const tolerance = Math.min(...gaps) / 20;
  const areExact = (digits) => values.every((value) =>
    Math.abs(Number(short(value, digits)) - value) <= tolerance);
  const digits = [3, 4, 5, 6, 7, 8, 9].find(areExact) ?? 10;
  return values.map((value) => short(value, digits));
}

/** Numbers at which an axis is labelled, few and round. */
function ticks(low, high, count) {
  const step = 10 ** Math.floor(Math.log10((high - low) / count || 1));
  const factor = [1, 2, 5, 10].find((factor) => (high - low) / (step * factor) <= count) ?? 10;
  const found = [];
  const width = step * factor;
  for (let at = Math.ceil(low / width); at <= high / width + 1e-9; at += 1) found.push(at * width);
  return found;
}

/** The same between two powers of ten: 1, 2 and 5 of each where there is room, else fewer. */
function logarithmicTicks(low, high) {
  const found = [];
  const step = Math.max(1, Math.ceil((high - low) / 5));
  const fine = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];
  const digits = high - low > 2 ? [1] : high - low > 0.6 ? [1, 2, 5] : fine;
  for (let power = Math.floor(low); power <= high; power += step) {
    for (const digit of digits) {
      const at = power + Math.log10(digit);
      if (at >= low && at <= high) found.push(10 ** at);
    }
  }
  if (found.length < 2) return ticks(10 ** low, 10 ** high, 4);
  return found.length > 6 ? found.filter((_, place) => place % 2 === 0) : found;
}

/**
 * A figure with one or more curves.
 * @param curves each a list of [iteration, value].
 * @param isLogarithmic whether equal ratios are equal distances.
 */
export function figure(title, unit, curves, isLogarithmic) {
  const known = curves.map((curve) =>
    curve.filter(([, value]) => Number.isFinite(value) && (!isLogarithmic || value > 0)));
  const points = known.flat();
  const made = document.createElement("figure");
  const caption = document.createElement("figcaption");
  made.append(caption);
  if (points.length < 2) {
    caption.textContent = `${title}: not known yet`;
    return made;
  }
  const map = isLogarithmic ? Math.log10 : (value) => value;
  const last = known.find((curve) => curve.length)?.at(-1);
  caption.textContent = `${title}: ${short(last[1])}${unit} at iteration ${last[0]}`;
  let low = Math.min(...points.map((point) => map(point[1])));
  let high = Math.max(...points.map((point) => map(point[1])));
  if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
  const end = Math.max(...points.map((point) => point[0]), 1);
  const across = size.width - size.left - size.right;
  const down = size.height - size.top - size.bottom;
  const x = (at) => size.left + (at / end) * across;
  const y = (value) => size.height - size.bottom - ((map(value) - low) / (high - low)) * down;

  const svg = element("svg", {
    viewBox: `0 0 ${size.width} ${size.height}`,
    role: "img",
    "aria-label": caption.textContent,
  });
  const levels = isLogarithmic ? logarithmicTicks(low, high) : ticks(low, high, 4);
  const names = labels(levels);
  levels.forEach((value, place) => {
    const line = { x1: size.left, x2: size.width - size.right, y1: y(value), y2: y(value) };
    const label = { x: size.left - 6, y: y(value) + 4, "text-anchor": "end" };
    svg.append(element("line", { class: "axis", ...line }), element("text", label, names[place]));
  });
  for (const tick of ticks(0, end, 5)) {
    const anchor = tick > end * 0.95 ? "end" : "middle";
    const label = { x: x(tick), y: size.height - 7, "text-anchor": anchor };
    svg.append(element("text", label, String(Math.round(tick))));
  }
  known.forEach((curve, index) => {
    const path = curve
      .map(([at, value], place) => `${place ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`)
      .join("");
    if (path) svg.append(element("path", { d: path, class: index ? "other" : "" }));
  });
  made.append(svg);
  return made;
}
