/** Figures and elements of the page. */

/** The element of an id. */
export const at = (id) => document.getElementById(id);

/** A new element with children, which are texts or elements. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A figure with as many digits as are read; a dash for none. */
export function figure(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e7))
    return value.toExponential(2);
  const precise = Number(value.toPrecision(digits));
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : String(precise);
}

export function percent(value) {
  return Number.isFinite(value ?? Number.NaN) ? `${(100 * value).toFixed(1)}%` : '–';
}

/** A share on an axis. */
export const share = (value) => `${figure(100 * value)}%`;

export function bytes(value) {
  if (!value) return '–';
  const power = Math.min(4, Math.floor(Math.log2(value) / 10));
  const number = value / 1024 ** power;
  return `${number.toFixed(number < 10 && power > 0 ? 1 : 0)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}

export function duration(seconds) {
  if (!Number.isFinite(seconds ?? Number.NaN)) return '–';
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes >= 10) return `${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** Seconds as on a clock. */
export function clock(seconds) {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) =>
    String(part).padStart(2, '0'),
  );
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${parts.join(':')}` : parts.join(':');
}

/** The colour of a variable of the style sheet. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** What the server replies, as an object. */
export async function ask(path, options) {
  const reply = await fetch(path, options);
  const body = await reply.json();
  if (!reply.ok) throw new Error(body.error?.sentence ?? reply.statusText);
  return body;
}

/** The path of something of a run. */
export const pathOf = (run, what) => `/api/runs/${encodeURIComponent(run)}/${what}`;
