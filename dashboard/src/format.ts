// Numbers and times as people read them.

const kibi = 1024;

/** Bytes with a binary unit: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / kibi ** step;
  return `${trimNumber(value, step === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[step]}`;
}

export function formatMiB(memoryMiB: number): string {
  return formatBytes(memoryMiB * kibi ** 2);
}

/** Milliseconds as its two largest units: `1 h 5 min`, `12.4 s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 60) return `${seconds < 10 ? trimNumber(seconds, 1) : Math.floor(seconds)} s`;
  const whole = Math.floor(seconds);
  if (whole < 3600) return joinUnits(Math.floor(whole / 60), 'min', whole % 60, 's');
  if (whole < 86_400) return joinUnits(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
  return joinUnits(Math.floor(whole / 86_400), 'd', Math.floor((whole % 86_400) / 3600), 'h');
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** How long ago, or how soon: `3 min ago`, `in 2 h`. */
export function formatRelative(moment: string, nowMs: number): string {
  const distance = Date.parse(moment) - nowMs;
  if (Math.abs(distance) < 5_000) return 'now';
  const [largest = ''] = /^[\d.]+ \w+/.exec(formatDuration(Math.abs(distance))) ?? [];
  return distance < 0 ? `${largest} ago` : `in ${largest}`;
}

/** Date and time, in the reader's zone or the one given (IANA name). */
export function formatMoment(moment: string, timeZone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(new Date(moment));
}

/** Weekday and time without seconds, for times to come: `Mon 23 Nov, 03:00`. */
export function formatTick(moment: string, timeZone: string): string {
  const options = { weekday: 'short', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' } as const;
  try {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone }).format(new Date(moment));
  } catch {
    // A zone that this browser does not know.
    return new Intl.DateTimeFormat('en-GB', options).format(new Date(moment));
  }
}

export function formatCount(value: number): string {
  return new Intl.NumberFormat('en-GB').format(value);
}

/** At most `digits` after the point, without trailing zeros. */
export function trimNumber(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

/** `1 core`, `3 cores`. */
export function formatPlural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** A cell of a result; objects and lists as JSON. */
export function formatCell(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}
