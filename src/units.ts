// Sizes and durations as people write them, to and from the numbers the code works with.

const mebibytesPerUnit: Readonly<Record<string, number>> = {
  m: 1,
  mib: 1,
  g: 1024,
  gib: 1024,
  t: 1024 * 1024,
  tib: 1024 * 1024,
};
const millisecondsPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Mebibytes of a size such as `4GiB`, `1.5GiB`, `512MiB` or `4g`, rounded down; null where it has no unit or another
 * form. Decimal units (`GB`) are refused: Docker and Spark read them as binary, and nobody is sure which one is
 * meant.
 */
export function parseMemoryMiB(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*$/.exec(text);
  const factor = mebibytesPerUnit[match?.[2]?.toLowerCase() ?? ''];
  if (match?.[1] === undefined || factor === undefined) return null;
  const value = Math.floor(Number(match[1]) * factor);
  return Number.isSafeInteger(value) ? value : null;
}

/** Milliseconds of a duration such as `2h`, `1h30m`, `90s` or `500ms`; null where it has no unit or another form. */
export function parseDurationMs(text: string): number | null {
  const compact = text.replaceAll(/\s+/g, '');
  if (!/^(?:\d+(?:\.\d+)?(?:ms|min|[smhd]))+$/.test(compact)) return null;
  let total = 0;
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ms|min|[smhd])/g)) {
    total += Number(amount) * (millisecondsPerUnit[unit ?? ''] ?? 0);
  }
  const value = Math.round(total);
  return Number.isSafeInteger(value) ? value : null;
}

/** `512 MiB`, `1.5 GiB`, `2 TiB`: at most one digit after the point, rounded half away from zero. */
export function formatMiB(memoryMiB: number): string {
  if (Math.abs(memoryMiB) < 1024) return `${Math.round(memoryMiB)} MiB`;
  const gibibytes = memoryMiB / 1024;
  return gibibytes < 1024 ? `${formatTenths(gibibytes)} GiB` : `${formatTenths(gibibytes / 1024)} TiB`;
}

/** `350 ms`, `12.5 s`, `3 min 20 s`, `2 h 5 min`, `4 d 2 h`: the two largest units, zeros left out. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${formatTenths(durationMs / 1000)} s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 3600) return joinUnits([Math.floor(seconds / 60), 'min'], [seconds % 60, 's']);
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return joinUnits([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min']);
  const hours = Math.round(minutes / 60);
  return joinUnits([Math.floor(hours / 24), 'd'], [hours % 24, 'h']);
}

function formatTenths(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function joinUnits(...parts: readonly (readonly [number, string])[]): string {
  return parts.flatMap(([amount, unit]) => (amount === 0 ? [] : [`${amount} ${unit}`])).join(' ');
}
