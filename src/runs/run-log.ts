// The log of one run as a file: grows line by line, never past its cap, and can be taken up after a crash without
// losing or doubling a line (the file is cut back to what the database knows, and read again from there).
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LogLine } from './driver-host.ts';
import type { LogCursor } from './state/run-store.ts';

export interface LogPosition {
  readonly bytes: number;
  readonly lines: number;
}

export interface RunLog {
  readonly position: LogPosition;
  append(text: string): void;
  close(): void;
}

/** 64 MiB: a log is for reading; a job that writes more is looping. */
export const defaultCapBytes = 64 * 1024 * 1024;

export function runLogFile(folder: string, run: string): string {
  return join(folder, `${run}.log`);
}

/** Opens the file at `position`; whatever lies behind it is cut off. */
export function openRunLog(file: string, position: LogPosition, capBytes: number = defaultCapBytes): RunLog {
  mkdirSync(dirname(file), { recursive: true });
  const handle = openSync(file, 'a');
  // A file shorter than remembered lost its end (a full disk): go on from what is there.
  let bytes = Math.min(position.bytes, fstatSync(handle).size);
  let lines = position.lines;
  let full = position.bytes >= capBytes;
  ftruncateSync(handle, bytes);

  const write = (text: string): void => {
    bytes += writeSync(handle, `${text}\n`);
    lines += 1;
  };
  return {
    get position() {
      return { bytes: full ? Math.max(bytes, capBytes) : bytes, lines };
    },
    append: (text) => {
      if (full) return;
      full = bytes + Buffer.byteLength(text) + 1 > capBytes;
      write(full ? `[sparkplug] the log has reached ${capBytes} bytes: what follows is not kept` : text);
    },
    close: () => closeSync(handle),
  };
}

/** Where the log of an attempt that starts now begins, in Docker's own format of time. */
export function cursorAt(iso: string): LogCursor {
  return {
    timestamp: iso.replace(/(\.\d{3})?Z$/, (_, ms: string | undefined) => `${ms ?? '.000'}000000Z`),
    repeated: 0,
  };
}

/** Moves the cursor over one line. */
export function advanceCursor(cursor: LogCursor, line: LogLine): LogCursor {
  const same = line.timestamp === cursor.timestamp;
  return { timestamp: line.timestamp, repeated: same ? cursor.repeated + 1 : 1 };
}

/** Leaves out the lines up to the cursor: Docker's `--since` includes those of the very moment. */
export async function* linesAfter(cursor: LogCursor, lines: AsyncIterable<LogLine>): AsyncGenerator<LogLine> {
  let toSkip = cursor.repeated;
  for await (const line of lines) {
    if (line.timestamp < cursor.timestamp) continue;
    if (line.timestamp === cursor.timestamp && toSkip > 0) {
      toSkip -= 1;
      continue;
    }
    yield line;
  }
}
