// Server-sent events in a component: opened with it, closed with it, its state shown.
import { useEffect, useRef, useState } from 'react';

export type StreamState = 'connecting' | 'live' | 'ended' | 'lost';

interface StreamOptions {
  /** Null: nothing is read. A change of it opens another stream. */
  readonly url: string | null;
  /** Names of events that carry data. */
  readonly kinds: readonly string[];
  readonly onEvent: (kind: string, data: string) => void;
  /** The event after which nothing comes. */
  readonly lastKind?: string;
}

/** The browser reconnects by itself and names the last event it has; a refusal (401, 404) ends the stream. */
export function useEventStream({ url, kinds, onEvent, lastKind }: StreamOptions): StreamState {
  const [state, setState] = useState<StreamState>('connecting');
  const handler = useRef(onEvent);
  handler.current = onEvent;
  const kindList = kinds.join(' ');
  useEffect(() => {
    if (url === null) return;
    setState('connecting');
    const source = new EventSource(url);
    source.onopen = () => setState('live');
    source.onerror = () => setState(source.readyState === EventSource.CLOSED ? 'lost' : 'connecting');
    for (const kind of kindList.split(' ')) {
      source.addEventListener(kind, (event: MessageEvent<string>) => {
        handler.current(kind, event.data);
        if (kind !== lastKind) return;
        source.close();
        setState('ended');
      });
    }
    return () => source.close();
  }, [url, kindList, lastKind]);
  return state;
}
