// What a component writes, as it writes it: the newest lines, which may come by the thousand.
import { useEffect, useRef, useState } from 'react';
import { componentLogUrl } from '../api.ts';
import type { ComponentLine } from '../api-types.ts';
import { type StreamState, useEventStream } from './use-event-stream.ts';

/** Lines kept in the browser; older ones are dropped, and the page says so. */
const maxLines = 20_000;
const kinds = ['log'] as const;

export interface ComponentLog {
  readonly lines: readonly string[];
  /** Lines dropped at the beginning. */
  readonly dropped: number;
  readonly stream: StreamState;
}

/** Of one component as long as it is shown: another one wants a component with another key. */
export function useComponentLog(name: string): ComponentLog {
  const [shown, setShown] = useState({ lines: [] as readonly string[], dropped: 0 });
  const gathered = useRef<string[]>([]);
  const frame = useRef<number | null>(null);
  const show = (): void => {
    frame.current = null;
    const more = gathered.current;
    gathered.current = [];
    setShown((before) => {
      const all = [...before.lines, ...more];
      const surplus = Math.max(0, all.length - maxLines);
      return { lines: surplus === 0 ? all : all.slice(surplus), dropped: before.dropped + surplus };
    });
  };
  useEffect(
    () => () => {
      if (frame.current !== null) clearTimeout(frame.current);
      frame.current = null;
    },
    [],
  );
  // After a broken connection the browser names the last line it has, and gets those after it.
  const stream = useEventStream({
    url: componentLogUrl(name, 'follow=true'),
    kinds,
    onEvent: (_kind, data) => {
      gathered.current.push((JSON.parse(data) as ComponentLine).line);
      // Shown together: a starting JVM writes hundreds of lines a second.
      frame.current ??= window.setTimeout(show, 50);
    },
  });
  return { ...shown, stream };
}
