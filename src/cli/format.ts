// Values as people read them on a terminal.
import Table from 'cli-table3';

/** `0.4 s`, `12 s`, `2 min 5 s`. */
export function formatSeconds(durationMs: number): string {
  const seconds = durationMs / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `512 MiB`, `1.5 GiB`. */
export function formatMemory(memoryMiB: number): string {
  return memoryMiB < 1024 ? `${Math.round(memoryMiB)} MiB` : `${trimZero((memoryMiB / 1024).toFixed(1))} GiB`;
}

/** `17 B`, `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
  let value = bytes;
  for (const unit of units) {
    if (value < 1024 || unit === 'PiB') return `${unit === 'B' ? value : trimZero(value.toFixed(1))} ${unit}`;
    value /= 1024;
  }
  return `${bytes} B`;
}

/** `2026-11-22 18:04:09`, in the reader's time zone. */
export function formatTime(iso: string | null): string {
  if (iso === null) return '';
  const time = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** `[████······] 4/10`. */
export function formatBar(done: number, total: number, width = 24): string {
  const filled = total === 0 ? 0 : Math.min(width, Math.floor((done / total) * width));
  return `[${'█'.repeat(filled)}${'·'.repeat(width - filled)}] ${done}/${total}`;
}

/** A value of a result row in one cell. */
export function formatCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A table without lines, columns apart by two spaces. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...head],
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const noLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

function trimZero(text: string): string {
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}
