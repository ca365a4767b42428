// All runs, newest first, and starting another.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Play } from 'lucide-react';
import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Link, useLocation, useSearchParams } from 'wouter';
import { api, hasCode } from '../api.ts';
import type { Run, RunState } from '../api-types.ts';
import { type Column, DataTable } from '../components/data-table.tsx';
import { ChoiceField } from '../components/fields.tsx';
import { Empty, ListOf, Page } from '../components/page.tsx';
import { ProblemView } from '../components/problem-view.tsx';
import { StartRunDialog } from '../components/start-run-dialog.tsx';
import { StateBadge } from '../components/state-badge.tsx';
import { formatDuration, formatMoment, formatRelative } from '../format.ts';
import { useNow } from '../live/use-now.ts';
import { isFinished } from '../run-states.ts';
import { useMay } from '../session.tsx';

const pageSize = 25;
const liveMs = 3_000;
const states: readonly RunState[] = ['queued', 'starting', 'running', 'publishing', 'succeeded', 'failed', 'cancelled'];

export function RunsPage() {
  const [search, setSearch] = useSearchParams();
  const [, navigate] = useLocation();
  const [startOpen, setStartOpen] = useState(false);
  const mayRun = useMay('run');
  const job = search.get('job') ?? '';
  const state = states.find((known) => known === search.get('state')) ?? '';
  const jobs = useQuery({ queryKey: ['jobs'], queryFn: ({ signal }) => api.jobs(signal) });
  const runs = useInfiniteQuery({
    queryKey: ['runs', job, state],
    queryFn: ({ pageParam: before, signal }) =>
      api.runs(
        {
          limit: pageSize,
          ...(job === '' ? {} : { job }),
          ...(state === '' ? {} : { state }),
          ...(before === null ? {} : { before }),
        },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    refetchInterval: liveMs,
  });
  const names = jobs.data?.jobs.map(({ name }) => name) ?? [];
  const list = runs.data?.pages.flatMap((page) => page.runs);
  const setFilter = (name: 'job' | 'state', value: string): void => {
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === '') next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  };
  return (
    <Page
      title="Runs"
      actions={
        mayRun ? (
          <Button className="button primary" onPress={() => setStartOpen(true)}>
            <Play size={16} aria-hidden />
            Start a run
          </Button>
        ) : (
          <span className="muted small">Your log-in may look, not start runs.</span>
        )
      }
    >
      <div className="field-row filters">
        <ChoiceField
          label="Job"
          value={job}
          options={[
            { value: '', text: 'All jobs' },
            ...[...new Set([...names, ...(job === '' ? [] : [job])])].map((value) => ({ value, text: value })),
          ]}
          onChange={(value) => setFilter('job', value)}
        />
        <ChoiceField
          label="State"
          value={state}
          options={[{ value: '', text: 'All states' }, ...states.map((value) => ({ value, text: value }))]}
          onChange={(value) => setFilter('state', value)}
        />
      </div>
      {runs.error === null || hasCode(runs.error, 'SCHEDULER_AWAY') ? null : <ProblemView error={runs.error} />}
      <section className="card" aria-label="Runs">
        <ListOf
          what="the runs"
          items={list}
          isRefused={runs.error !== null}
          refused={<Empty>The runs cannot be shown now.</Empty>}
          empty={job === '' && state === '' ? 'No job has run yet.' : 'No run matches the filter.'}
        >
          {(found) => <RunTable runs={found} />}
        </ListOf>
        {runs.hasNextPage ? (
          <div className="table-foot">
            <span className="muted small">{list?.length} shown</span>
            <Button
              className="button slim"
              isDisabled={runs.isFetchingNextPage}
              onPress={() => void runs.fetchNextPage()}
            >
              Show older runs
            </Button>
          </div>
        ) : null}
      </section>
      <StartRunDialog
        isOpen={startOpen}
        jobs={jobs.data?.jobs ?? []}
        initialJob={job}
        onClose={() => setStartOpen(false)}
        onStarted={(run) => navigate(`/runs/${encodeURIComponent(run.id)}`)}
      />
    </Page>
  );
}

const triggers = { cli: 'command line', rest: 'REST or dashboard', schedule: 'schedule' } as const;

const runColumns: readonly Column[] = [
  { name: 'Run' },
  { name: 'State' },
  { name: 'Started by' },
  { name: 'Queued' },
  { name: 'Duration', right: true },
];

function RunTable({ runs }: { readonly runs: readonly Run[] }) {
  const now = useNow(1_000);
  return (
    <DataTable columns={runColumns}>
      {runs.map((run) => (
        <tr key={run.id}>
          <th scope="row">
            <Link href={`/runs/${encodeURIComponent(run.id)}`}>
              {run.job} <span className="mono muted-link">{run.id}</span>
            </Link>
          </th>
          <td data-label="State">
            <StateBadge state={run.state} />
          </td>
          <td data-label="Started by">{triggers[run.trigger]}</td>
          <td data-label="Queued" title={formatMoment(run.queuedAt)}>
            {formatRelative(run.queuedAt, now)}
          </td>
          <td data-label="Duration" className="right">
            {describeDuration(run, now)}
          </td>
        </tr>
      ))}
    </DataTable>
  );
}

/** From its start to its end, or to now; nothing for one that never started. */
function describeDuration(run: Run, now: number): string {
  if (run.startedAt === null) return '–';
  const end = run.finishedAt ?? (isFinished(run) ? null : now);
  if (end === null) return '–';
  return formatDuration((typeof end === 'number' ? end : Date.parse(end)) - Date.parse(run.startedAt));
}
