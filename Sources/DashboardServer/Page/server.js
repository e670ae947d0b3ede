// What the page asks of the program, and the token that it was opened with.

const key = "dip-coord token";
const fragment = new URLSearchParams(location.hash.slice(1));
if (fragment.has("token")) {
  sessionStorage.setItem(key, fragment.get("token"));
  // Out of the address: it would be shown, kept and copied.
  history.replaceState(null, "", location.pathname);
}

/** Whether the page can change something. */
export const hasToken = () => sessionStorage.getItem(key) !== null;

function headers(more = {}) {
  const token = sessionStorage.getItem(key);
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

/** A refusal by the program, with its sentence. */
export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

async function get(path) {
  const response = await fetch(path, { headers: headers(), signal: AbortSignal.timeout(15000) });
  if (!response.ok) throw new Refused(response.status, (await response.text()).trim());
  return response;
}

export async function json(path) {
  return (await get(path)).json();
}

/** A picture as a bitmap; null while it is being made. */
export async function bitmap(path) {
  const response = await get(path);
  return response.status === 200 ? createImageBitmap(await response.blob()) : null;
}

/** A picture as an address for an img; null while it is being made. */
export async function picture(path) {
  const response = await get(path);
  return response.status === 200 ? URL.createObjectURL(await response.blob()) : null;
}

/** Asks for something of the running job. */
export async function control(action, worker) {
  const response = await fetch("/api/control", {
    method: "POST",
    headers: headers({ "Content-Type": "application/json" }),
    body: JSON.stringify({ action, worker }),
    signal: AbortSignal.timeout(15000),
  });
  if (!response.ok) throw new Refused(response.status, (await response.text()).trim());
}
