// The cluster's events, newest first: what was kept, then live.
import { useEffect, useRef, useState } from 'react';
import type { ClusterEvent } from '../api-types.ts';
import { type StreamState, useEventStream } from './use-event-stream.ts';

const keptAtMost = 5_000;

export interface ClusterEventsState {
  readonly events: readonly ClusterEvent[];
  readonly stream: StreamState;
}

export function useClusterEvents(url: string): ClusterEventsState {
  const [events, setEvents] = useState<readonly ClusterEvent[]>([]);
  const gathered = useRef<ClusterEvent[]>([]);
  const timer = useRef<number | null>(null);
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
    },
    [],
  );
  const stream = useEventStream({
    url,
    kinds: ['event', 'message'],
    onEvent: (_kind, data) => {
      gathered.current.push(JSON.parse(data) as ClusterEvent);
      timer.current ??= window.setTimeout(() => {
        timer.current = null;
        const fresh = gathered.current.reverse();
        gathered.current = [];
        // A stream that was opened anew may repeat what is here already.
        setEvents((before) => {
          const newest = before[0]?.seq ?? -1;
          return [...fresh.filter(({ seq }) => seq > newest), ...before].slice(0, keptAtMost);
        });
      }, 50);
    },
  });
  return { events, stream };
}
