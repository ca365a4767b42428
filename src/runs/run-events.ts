// One run as a stream of numbered events: its past replayed from the log file, then live, until it has ended.
import { open } from 'node:fs/promises';
import { finishedStates, type Progress, type RunEvent } from '../api/schemas.ts';
import type { ChangeSignal } from './change-signal.ts';
import { runLogFile } from './run-log.ts';
import { publicRun, type RunStore, runKey, type StoredRun } from './state/run-store.ts';

export interface NumberedEvent {
  /** Rises with every event and names the place in the stream: `from: seq + 1` goes on right behind it. */
  readonly seq: number;
  readonly event: RunEvent;
}

/**
 * An event's number is made of what it follows: lines × 2²² + changes of the run's record. So numbers need not be
 * stored, rise strictly, and say after a restart how many lines the reader has. 2²² changes are 48 days at 1 per second.
 */
const changesPerLine = 2 ** 22;

interface Reader {
  lines: number;
  version: number;
  /** Byte where the next line begins. */
  offset: number;
}

/** Reads at the pace of the consumer: nothing is held back in memory for a slow one. Throws when `signal` aborts. */
export async function* streamRunEvents(
  source: { readonly runs: RunStore; readonly changes: ChangeSignal; readonly logFolder: string },
  id: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<NumberedEvent> {
  const file = runLogFile(source.logFolder, id);
  const last = Math.max(0, from - 1);
  const wanted = Math.floor(last / changesPerLine);
  const reader: Reader = { lines: 0, version: last % changesPerLine, offset: 0 };
  let progress: string | null = null;
  let lastState: string | null = null;
  const numbered = (event: RunEvent): NumberedEvent => ({ seq: reader.lines * changesPerLine + reader.version, event });
  await skipLines(file, reader, wanted);

  for (;;) {
    const seen = source.changes.version(runKey(id));
    const run = source.runs.get(id);
    if (run === null) return;
    const finished = finishedStates.includes(run.state);
    // A finished run's log comes before its last state; a living one's state before its log.
    if (!finished) yield* stateEvents(run);
    for await (const line of readLines(file, reader)) yield numbered({ kind: 'log', line });
    if (finished) {
      yield* stateEvents(run);
      reader.version = run.version + 1;
      yield numbered({ kind: 'end', run: publicRun(run) });
      return;
    }
    await source.changes.after(runKey(id), seen, signal);
  }

  function* stateEvents(run: StoredRun): Generator<NumberedEvent> {
    if (run.version <= reader.version) return;
    const { progress: measured, ...rest } = publicRun(run);
    reader.version = run.version;
    const state = JSON.stringify(rest);
    if (measured !== null && state === lastState) {
      yield* progressEvent(measured);
      return;
    }
    lastState = state;
    progress = JSON.stringify(measured);
    yield numbered({ kind: 'state', run: publicRun(run) });
  }

  function* progressEvent(measured: Progress): Generator<NumberedEvent> {
    const text = JSON.stringify(measured);
    if (text === progress) return;
    progress = text;
    yield numbered({ kind: 'progress', progress: measured });
  }
}

/** Moves the reader behind `wanted` lines, without keeping them. */
async function skipLines(file: string, reader: Reader, wanted: number): Promise<void> {
  if (wanted === 0) return;
  for await (const _ of readLines(file, reader)) {
    if (reader.lines >= wanted) return;
  }
  // The file was cut back since: the reader has more than there is, and waits until it has grown again.
  reader.lines = wanted;
}

const chunkBytes = 64 * 1024;
const lineFeed = 10;

/** Complete lines from the reader's offset to the file's present end; the reader moves with each line. */
async function* readLines(file: string, reader: Reader): AsyncGenerator<string> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (handle === null) return;
  try {
    let rest = Buffer.alloc(0);
    for (let position = reader.offset; ; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(chunkBytes), 0, chunkBytes, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      for (let end = rest.indexOf(lineFeed); end >= 0; end = rest.indexOf(lineFeed)) {
        const line = rest.subarray(0, end).toString('utf8');
        rest = rest.subarray(end + 1);
        reader.offset += end + 1;
        reader.lines += 1;
        yield line;
      }
    }
  } finally {
    await handle.close();
  }
}
