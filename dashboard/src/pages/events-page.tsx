// What has happened to the cluster, as it happens.
import { useDeferredValue, useMemo, useState } from 'react';
import { apiBase } from '../api.ts';
import type { ClusterEvent } from '../api-types.ts';
import { type Column, DataTable } from '../components/data-table.tsx';
import { ChoiceField, TextField } from '../components/fields.tsx';
import { Empty, Page } from '../components/page.tsx';
import { formatMoment, formatPlural, formatRelative } from '../format.ts';
import { type ClusterEventsState, useClusterEvents } from '../live/use-cluster-events.ts';
import { useNow } from '../live/use-now.ts';

/** More are kept than shown: nobody reads a thousand lines, and the filter finds them. */
const shownAtMost = 300;

const stateTexts: Readonly<Record<ClusterEventsState['stream'], string>> = {
  connecting: 'Connecting …',
  live: 'Live',
  ended: 'Ended',
  lost: 'The live connection was refused. Reload the page to try again.',
};

export function EventsPage() {
  const { events, stream } = useClusterEvents(`${apiBase}/events?follow=true`);
  const [kind, setKind] = useState('');
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text).toLowerCase();
  const kinds = useMemo(() => [...new Set(events.map((event) => event.kind))].sort(), [events]);
  const matching = events.filter(
    (event) => (kind === '' || event.kind === kind) && event.message.toLowerCase().includes(wanted),
  );
  return (
    <Page title="Events" about={<span role="status">{stateTexts[stream]}</span>}>
      <div className="field-row filters">
        <ChoiceField
          label="Kind"
          value={kind}
          options={[{ value: '', text: 'All kinds' }, ...kinds.map((value) => ({ value, text: value }))]}
          onChange={setKind}
        />
        <TextField label="Text" value={text} onChange={setText} placeholder="in the message" />
      </div>
      <section className="card" aria-label="Events">
        {matching.length === 0 ? (
          <Empty>{events.length === 0 ? 'Nothing has happened yet.' : 'No event matches the filter.'}</Empty>
        ) : (
          <EventTable events={matching.slice(0, shownAtMost)} />
        )}
        {matching.length <= shownAtMost ? null : (
          <p className="table-foot muted small">
            The newest {shownAtMost} of {formatPlural(matching.length, 'event')}.
          </p>
        )}
      </section>
    </Page>
  );
}

const eventColumns: readonly Column[] = [{ name: 'When' }, { name: 'Kind' }, { name: 'What' }];

function EventTable({ events }: { readonly events: readonly ClusterEvent[] }) {
  const now = useNow(5_000);
  return (
    <DataTable columns={eventColumns}>
      {events.map(({ seq, at, kind, message }) => (
        <tr key={seq}>
          <td data-label="When" className="tight" title={formatRelative(at, now)}>
            <time dateTime={at}>{formatMoment(at)}</time>
          </td>
          <td data-label="Kind" className="tight">
            <code>{kind}</code>
          </td>
          <td>{message}</td>
        </tr>
      ))}
    </DataTable>
  );
}
