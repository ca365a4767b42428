// A change of the cluster while it is made: its steps, each with its cause.
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { apiBase } from '../api.ts';
import type { Operation } from '../api-types.ts';
import { formatDuration } from '../format.ts';
import { useEventStream } from '../live/use-event-stream.ts';
import { Card } from './page.tsx';
import { FailureView } from './problem-view.tsx';
import { StateBadge, StateGlyph } from './state-badge.tsx';

export function OperationView({ id }: { readonly id: string }) {
  const queries = useQueryClient();
  const [operation, setOperation] = useState<Operation | null>(null);
  useEventStream({
    url: `${apiBase}/operations/${encodeURIComponent(id)}/events`,
    kinds: ['operation'],
    onEvent: (_kind, data) => {
      const next = JSON.parse(data) as Operation;
      setOperation(next);
      if (next.state !== 'running') void queries.invalidateQueries({ queryKey: ['cluster'] });
    },
  });
  if (operation === null) return null;
  const { kind, state, revision, steps, failure } = operation;
  return (
    <Card title={`Being changed: ${kind}, revision ${revision}`} actions={<StateBadge state={state} />}>
      <div className="stack">
        <ul className="steps">
          {steps.map((step) => (
            <li key={`${step.text} ${step.cause}`}>
              <StateGlyph state={step.state} size={17} />
              <span>
                {step.text}
                <span className="visually-hidden">, {step.state}</span>
              </span>
              <span className="number small muted">
                {step.durationMs === null ? '' : formatDuration(step.durationMs)}
              </span>
              <span className="cause small muted">{step.cause}</span>
            </li>
          ))}
        </ul>
        {failure === null ? null : <FailureView failure={failure} />}
      </div>
    </Card>
  );
}
