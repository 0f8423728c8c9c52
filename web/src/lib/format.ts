// Numbers, times, sizes and versions as people read them. Pure functions.

const numbers = new Intl.NumberFormat("en");
const compacts = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function count(value: number): string {
  return numbers.format(value);
}

/** Short form for narrow places: 12.3K. */
export function compact(value: number): string {
  return value < 10_000 ? numbers.format(value) : compacts.format(value);
}

/** `1 finding`, `2 findings`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** The parts that are known, with one space between: `trivy 0.58.1`, or `trivy` alone. */
export function spaced(...parts: (string | undefined)[]): string {
  return parts.map((part) => part?.trim()).filter(Boolean).join(" ");
}

/** A priority score: a whole number from 0 to 100. */
export function score(value: number): string {
  return String(Math.round(value));
}

/** A CVSS score always has one decimal. */
export function cvss(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(1);
}

/** A probability; small ones do not become "0 %". */
export function percent(value: number | undefined): string {
  if (value === undefined) return "–";
  const hundred = value * 100;
  if (hundred === 0) return "0 %";
  if (hundred > 0 && hundred < 0.1) return "< 0.1 %";
  return `${hundred < 10 ? hundred.toFixed(1) : Math.round(hundred)} %`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let amount = value;
  let unit = 0;
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[unit]}`;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** `2026-08-12`, in local time. */
export function day(time: string | undefined): string {
  if (time === undefined) return "–";
  const d = new Date(time);
  return Number.isNaN(d.getTime()) ? "–" : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

/** `2026-08-12 14:03`, in local time. */
export function dateTime(time: string | undefined): string {
  if (time === undefined) return "–";
  const d = new Date(time);
  return Number.isNaN(d.getTime()) ? "–" : `${day(time)} ${two(d.getHours())}:${two(d.getMinutes())}`;
}

const STEPS: readonly [number, string][] = [
  [60, "s"],
  [60, "min"],
  [24, "h"],
  [30, "d"],
  [12, "mo"],
  [Number.POSITIVE_INFINITY, "y"],
];

/** `3 h ago`, `in 2 d`, `just now`. */
export function ago(time: string | undefined, now = Date.now()): string {
  if (time === undefined) return "–";
  const seconds = (now - Date.parse(time)) / 1000;
  if (Number.isNaN(seconds)) return "–";
  if (Math.abs(seconds) < 10) return "just now";
  let amount = Math.abs(seconds);
  for (const [size, unit] of STEPS) {
    if (amount < size || size === Number.POSITIVE_INFINITY) {
      const text = `${Math.floor(amount)} ${unit}`;
      return seconds >= 0 ? `${text} ago` : `in ${text}`;
    }
    amount /= size;
  }
  return "–";
}

/** A waiting time: `45 s`, `2 min 05 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
}

/** A due date is a whole day: until its last second, in UTC. */
export function dueFromDay(value: string): string {
  return `${value}T23:59:59Z`;
}

/** The day of a due date, for a date field. */
export function dayOfDue(time: string | undefined): string {
  return time?.slice(0, 10) ?? "";
}

/** Only web addresses become links; `javascript:` and friends from a report do not. */
export function webAddress(text: string): string | undefined {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** The same view as a command line. Single quotes inside the address are escaped for sh. */
export function curl(origin: string, path: string): string {
  const address = `${origin}${path}`.replaceAll("'", "'\\''");
  return `curl -sS -H "Authorization: Bearer $VULNZERO_TOKEN" '${address}'`;
}
