// One run, as it happens or as it was: state, progress, results, logs, and how its job mostly does.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ExternalLink, RotateCw, Square } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Link, useLocation } from 'wouter';
import { api, apiBase, randomKey } from '../api.ts';
import type { Progress, Run } from '../api-types.ts';
import { type Column, ColumnChart } from '../components/bar-chart.tsx';
import { ChoiceField } from '../components/fields.tsx';
import { LogView } from '../components/log-view.tsx';
import { Card, Figure, Loading, Page } from '../components/page.tsx';
import { FailureView, ProblemView } from '../components/problem-view.tsx';
import { StateBadge } from '../components/state-badge.tsx';
import { formatBytes, formatCount, formatDuration, formatMoment, formatPlural } from '../format.ts';
import { useNow } from '../live/use-now.ts';
import { type RunStream, useRunStream } from '../live/use-run-stream.ts';
import { isFinished } from '../run-states.ts';
import { useMay } from '../session.tsx';
import { findSparkPage } from '../spark-page.ts';

export function RunPage({ id }: { readonly id: string }) {
  const queries = useQueryClient();
  const live = useRunStream(id);
  // The stream is the source; this answers for a run that does not exist, and again after a press of a button.
  const asked = useQuery({ queryKey: ['run', id], queryFn: ({ signal }) => api.run(id, signal) });
  const run = live.run ?? asked.data;
  const state = run?.state;
  const lastState = useRef(state);
  useEffect(() => {
    if (lastState.current !== undefined && lastState.current !== state) {
      void queries.invalidateQueries({ queryKey: ['runs'] });
      void queries.invalidateQueries({ queryKey: ['log-sources', id] });
    }
    lastState.current = state;
  }, [state, id, queries]);
  if (run === undefined || run === null) {
    return (
      <Page title={`Run ${id}`}>
        {asked.error === null ? (
          <Loading what="the run" />
        ) : (
          <ProblemView error={asked.error} onRetry={() => void asked.refetch()} />
        )}
      </Page>
    );
  }
  return <KnownRun run={run} live={live} />;
}

function KnownRun({ run, live }: { readonly run: Run; readonly live: RunStream }) {
  const hasEnded = isFinished(run);
  return (
    <Page
      title={`${run.job} · ${run.id}`}
      tabTitle={`${run.job} ${run.state}`}
      about={
        <span role="status">
          <StateBadge state={run.state} />
        </span>
      }
      actions={<RunActions run={run} hasEnded={hasEnded} />}
    >
      {run.failure === null ? null : <FailureView failure={run.failure} />}
      {run.waiting === null || hasEnded ? null : <p className="muted">Waiting: {run.waiting}</p>}
      {hasEnded ? null : <ProgressView progress={live.progress ?? run.progress} />}
      <div className="columns">
        <Card title="About this run">
          <RunFacts run={run} hasEnded={hasEnded} />
        </Card>
        <Card
          title={`Recent runs of ${run.job}`}
          actions={
            <Link className="small" href={`/runs?job=${encodeURIComponent(run.job)}`}>
              All of them
            </Link>
          }
        >
          <Durations run={run} />
        </Card>
      </div>
      <Logs run={run} live={live} hasEnded={hasEnded} />
    </Page>
  );
}

function RunActions({ run, hasEnded }: { readonly run: Run; readonly hasEnded: boolean }) {
  const mayRun = useMay('run');
  const [, navigate] = useLocation();
  const key = useRef(randomKey());
  const sparkPage = findSparkPage(run);
  const repeat = useMutation({
    mutationFn: () => api.startRun(run.job, run.args, key.current),
    onSuccess: (started) => navigate(`/runs/${encodeURIComponent(started.id)}`),
  });
  const cancel = useMutation({ mutationFn: () => api.cancelRun(run.id) });
  const error = repeat.error ?? cancel.error;
  return (
    <>
      {sparkPage === null ? null : (
        <a className="button" href={sparkPage}>
          <ExternalLink size={16} aria-hidden />
          Spark’s page
        </a>
      )}
      {!mayRun ? null : hasEnded ? (
        <Button className="button primary" isPending={repeat.isPending} onPress={() => repeat.mutate()}>
          <RotateCw size={16} aria-hidden />
          Run again
        </Button>
      ) : (
        <Button
          className="button danger"
          isDisabled={cancel.isPending || cancel.isSuccess}
          onPress={() => cancel.mutate()}
        >
          <Square size={15} aria-hidden />
          {cancel.isSuccess ? 'Being cancelled' : 'Cancel'}
        </Button>
      )}
      {error === null ? null : <ProblemView error={error} />}
    </>
  );
}

function ProgressView({ progress }: { readonly progress: Progress | null }) {
  if (progress === null) return null;
  const { stagesDone, stagesTotal, tasksDone, tasksTotal, stage } = progress;
  const percent = tasksTotal === 0 ? 0 : Math.floor((tasksDone / tasksTotal) * 100);
  return (
    <Card title="Progress" actions={<span className="number">{percent} %</span>}>
      <div className="stack">
        <div
          className="bar"
          role="progressbar"
          aria-label="Tasks of Spark that are done"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
        >
          <span style={{ width: `${percent}%` }} />
        </div>
        <p className="small">
          <span className="number">
            {formatCount(tasksDone)} of {formatCount(tasksTotal)} tasks, {stagesDone} of {stagesTotal} stages
          </span>
          {stage === null ? null : (
            <>
              <span className="muted"> · now </span>
              <code>{stage}</code>
            </>
          )}
        </p>
      </div>
    </Card>
  );
}

function RunFacts({ run, hasEnded }: { readonly run: Run; readonly hasEnded: boolean }) {
  const now = useNow(1_000);
  const results = Object.entries(run.published);
  return (
    <dl className="figures">
      <Figure name="Duration">
        {run.startedAt === null
          ? '–'
          : formatDuration(
              (run.finishedAt === null ? (hasEnded ? Date.parse(run.startedAt) : now) : Date.parse(run.finishedAt)) -
                Date.parse(run.startedAt),
            )}
      </Figure>
      <Figure name="Started" large={false}>
        {run.startedAt === null ? 'not yet' : formatMoment(run.startedAt)}
      </Figure>
      <Figure name="Started by" large={false}>
        {run.trigger === 'schedule' && run.tick !== null ? `schedule, for ${formatMoment(run.tick)}` : run.trigger}
      </Figure>
      <Figure name="Attempts" large={false}>
        {run.attempts.length}
      </Figure>
      {run.exitCode === null ? null : (
        <Figure name="Exit code" large={false}>
          {run.exitCode}
        </Figure>
      )}
      <Figure name="Arguments" large={false}>
        {run.args.length === 0 ? <span className="muted">none</span> : <code>{run.args.join(' ')}</code>}
      </Figure>
      {results.length === 0 ? null : (
        <Figure name="Published" large={false}>
          {results.map(([name, rows]) => (
            <div key={name}>
              <Link href={`/results/${encodeURIComponent(name)}`}>{name}</Link>,{' '}
              {`${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`}
            </div>
          ))}
        </Figure>
      )}
    </dl>
  );
}

const tones: Readonly<Partial<Record<Run['state'], NonNullable<Column['tone']>>>> = {
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'none',
};

/** How long the job's last runs took: one column each, the newest at the right. */
function Durations({ run }: { readonly run: Run }) {
  const { data, error } = useQuery({
    queryKey: ['runs', 'durations', run.job],
    queryFn: ({ signal }) => api.runs({ job: run.job, limit: 30 }, signal),
  });
  if (error !== null) return <ProblemView error={error} />;
  const columns = (data?.runs ?? [])
    .filter((other) => other.startedAt !== null && other.finishedAt !== null)
    .map((other): Column => {
      const value = Date.parse(other.finishedAt ?? '') - Date.parse(other.startedAt ?? '');
      return {
        key: other.id,
        label: `${other.id}: ${formatDuration(value)}, ${other.state}`,
        value,
        tone: tones[other.state] ?? 'busy',
        href: `/runs/${encodeURIComponent(other.id)}`,
      };
    })
    .reverse();
  if (columns.length === 0) return <p className="muted">No run of this job has ended yet.</p>;
  return (
    <ColumnChart
      label={`Durations of ${formatPlural(columns.length, 'run')}`}
      columns={columns}
      format={formatDuration}
    />
  );
}

interface LogsProps {
  readonly run: Run;
  readonly live: RunStream;
  readonly hasEnded: boolean;
}

function Logs({ run, live, hasEnded }: LogsProps) {
  const [source, setSource] = useState('driver');
  const sources = useQuery({
    queryKey: ['log-sources', run.id],
    queryFn: ({ signal }) => api.logSources(run.id, signal),
  });
  const others = sources.data?.sources.filter(({ name }) => name !== 'driver') ?? [];
  const driver = { value: 'driver', text: 'driver' };
  return (
    <Card
      title="Log"
      flush
      actions={
        others.length === 0 ? (
          <span className="muted small">{hasEnded ? 'driver' : 'driver; executor logs come when they end'}</span>
        ) : (
          <ChoiceField
            label="Log of"
            value={source}
            options={[
              driver,
              ...others.map(({ name, bytes }) => ({ value: name, text: `${name} (${formatBytes(bytes)})` })),
            ]}
            onChange={setSource}
          />
        )
      }
    >
      {live.stream === 'lost' ? (
        <div className="card-body">
          <p className="muted">The live connection was refused. Reload the page to try again.</p>
        </div>
      ) : null}
      {source === 'driver' ? (
        <LogView
          label={`Log of ${run.id}`}
          lines={live.lines}
          dropped={live.dropped}
          isLive={!hasEnded}
          downloadUrl={logUrl(run.id, 'driver')}
          downloadName={`${run.id}-driver.log`}
        />
      ) : (
        <KeptLog run={run} source={source} />
      )}
    </Card>
  );
}

function KeptLog({ run, source }: { readonly run: Run; readonly source: string }) {
  const log = useQuery({
    queryKey: ['log', run.id, source],
    queryFn: async ({ signal }) => (await api.log(run.id, source, signal)).replace(/\n$/, '').split('\n'),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (log.error !== null) return <ProblemView error={log.error} onRetry={() => void log.refetch()} />;
  if (log.data === undefined) return <Loading what={`the log of ${source}`} />;
  return (
    <LogView
      key={source}
      label={`Log of ${source}`}
      lines={log.data}
      dropped={0}
      isLive={false}
      downloadUrl={logUrl(run.id, source)}
      downloadName={`${run.id}-${source}.log`}
    />
  );
}

function logUrl(id: string, source: string): string {
  return `${apiBase}/runs/${encodeURIComponent(id)}/logs?source=${encodeURIComponent(source)}`;
}
