// One run as it happens: its record, its progress and its log, which may be hundreds of thousands of lines.
import { useCallback, useEffect, useRef, useState } from 'react';
import { runEventsUrl } from '../api.ts';
import type { Progress, Run, RunEvent } from '../api-types.ts';
import { type StreamState, useEventStream } from './use-event-stream.ts';

/** Lines kept in the browser; older ones are dropped, and the page says so. */
const maxLines = 200_000;

export interface RunStream {
  /** Null before the first event. */
  readonly run: Run | null;
  readonly progress: Progress | null;
  readonly lines: readonly string[];
  /** Lines dropped at the beginning. */
  readonly dropped: number;
  readonly stream: StreamState;
}

const kinds = ['state', 'log', 'progress', 'end'] as const;
const empty = { run: null, progress: null, lines: [] as string[], dropped: 0 };

/** Events are gathered and shown once a frame: a job may print thousands of lines a second. */
export function useRunStream(id: string): RunStream {
  const [shown, setShown] = useState<Omit<RunStream, 'stream'>>(empty);
  const gathered = useRef({ lines: [] as string[], run: null as Run | null, progress: null as Progress | null });
  const frame = useRef<number | null>(null);

  const show = useCallback(() => {
    frame.current = null;
    const { lines, run, progress } = gathered.current;
    gathered.current = { lines: [], run: null, progress: null };
    setShown((before) => {
      const all = lines.length === 0 ? before.lines : [...before.lines, ...lines];
      const surplus = Math.max(0, all.length - maxLines);
      return {
        run: run ?? before.run,
        progress: progress ?? before.progress,
        lines: surplus === 0 ? all : all.slice(surplus),
        dropped: before.dropped + surplus,
      };
    });
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another run begins with an empty page.
  useEffect(() => {
    gathered.current = { lines: [], run: null, progress: null };
    setShown(empty);
    return () => {
      if (frame.current !== null) clearTimeout(frame.current);
      frame.current = null;
    };
  }, [id]);

  const stream = useEventStream({
    url: runEventsUrl(id),
    kinds,
    lastKind: 'end',
    onEvent: (_kind, data) => {
      const event = JSON.parse(data) as RunEvent;
      const waiting = gathered.current;
      if (event.kind === 'log') waiting.lines.push(event.line);
      else if (event.kind === 'progress') waiting.progress = event.progress;
      else {
        waiting.run = event.run;
        if (event.run.progress !== null) waiting.progress = event.run.progress;
      }
      // A timer and not an animation frame: a tab in the background has none.
      frame.current ??= window.setTimeout(show, 50);
    },
  });
  return { ...shown, stream };
}
