// The cluster: its machines to scale, how it is, how it has been, and what is being changed.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, hasCode } from '../api.ts';
import type { ClusterStatus } from '../api-types.ts';
import { Segments } from '../components/fields.tsx';
import { HistoryCharts } from '../components/history-charts.tsx';
import { MachineMap } from '../components/machine-map.tsx';
import { OperationView } from '../components/operation-view.tsx';
import { Card, Figure, Loading, Page } from '../components/page.tsx';
import { ProblemView, Warning } from '../components/problem-view.tsx';
import { StateBadge, StateGlyph } from '../components/state-badge.tsx';
import { formatMiB, formatPlural } from '../format.ts';

const liveMs = 3_000;
const periods = [
  { value: '60', text: '1 hour' },
  { value: '360', text: '6 hours' },
  { value: '1440', text: '24 hours' },
] as const;

export function ClusterPage() {
  const [minutes, setMinutes] = useState<(typeof periods)[number]['value']>('60');
  const cluster = useQuery({
    queryKey: ['cluster'],
    queryFn: ({ signal }) => api.cluster(signal),
    refetchInterval: liveMs,
  });
  const machines = useQuery({
    queryKey: ['machines'],
    queryFn: ({ signal }) => api.machines(signal),
    refetchInterval: liveMs,
  });
  const history = useQuery({
    queryKey: ['history', minutes],
    queryFn: ({ signal }) => api.history(Number(minutes), signal),
    refetchInterval: 15_000,
    placeholderData: (before) => before,
  });
  const status = cluster.data;
  return (
    <Page
      title="Cluster"
      about={status === undefined ? undefined : <Summary status={status} />}
      actions={status === undefined ? undefined : <StateBadge state={overallState(status)} />}
    >
      {/* The frame tells of a scheduler that is away, for all pages. */}
      {cluster.error === null || hasCode(cluster.error, 'SCHEDULER_AWAY') ? null : (
        <ProblemView error={cluster.error} />
      )}
      {status?.warnings.map((warning) => (
        <Warning key={warning}>{warning}</Warning>
      ))}
      {status === undefined || status.operation === null ? null : <OperationView id={status.operation} />}
      <Card title="Machines">
        {machines.data === undefined ? (
          machines.error === null ? (
            <Loading what="the machines" />
          ) : (
            <ProblemView error={machines.error} />
          )
        ) : (
          <MachineMap machines={machines.data.machines} />
        )}
      </Card>
      {status === undefined ? null : <Figures status={status} />}
      <Card
        title="Over time"
        actions={<Segments label="Period" value={minutes} options={periods} onChange={setMinutes} />}
      >
        {history.data === undefined ? (
          history.error === null ? (
            <Loading what="the history" />
          ) : (
            <ProblemView error={history.error} />
          )
        ) : (
          <HistoryCharts
            samples={history.data.samples}
            cores={machines.data?.machines.reduce((sum, { cores }) => sum + cores, 0) ?? null}
          />
        )}
      </Card>
    </Page>
  );
}

function overallState({ ready, components }: ClusterStatus): 'ready' | 'starting' | 'failing' {
  if (ready) return 'ready';
  return components.some(({ state }) => state === 'failing') ? 'failing' : 'starting';
}

function Summary({ status }: { readonly status: ClusterStatus }) {
  const { components, runs, revision, version } = status;
  const ready = components.filter(({ state }) => state === 'ready').length;
  return (
    <>
      {ready} of {formatPlural(components.length, 'container')} ready · {formatPlural(runs.running, 'run')} at work,{' '}
      {runs.queued} queued · revision {revision} · SparkPlug {version}
    </>
  );
}

function Figures({ status: { spark, hdfs, components } }: { readonly status: ClusterStatus }) {
  const unwell = components.filter(({ state }) => state !== 'ready');
  return (
    <div className="columns">
      <Card title="Spark">
        {spark === null ? (
          <p className="muted">The master does not answer.</p>
        ) : (
          <div className="stack">
            <dl className="figures">
              <Figure name="Workers">{spark.workers}</Figure>
              <Figure name="Cores in use">
                {spark.coresUsed} of {spark.cores}
              </Figure>
              <Figure name="Memory in use">
                {formatMiB(spark.memoryUsedMiB)} of {formatMiB(spark.memoryMiB)}
              </Figure>
            </dl>
            <Share label="Cores that executors hold" value={spark.coresUsed} of={spark.cores} />
          </div>
        )}
      </Card>
      <Card title="HDFS">
        {hdfs === null ? (
          <p className="muted">The NameNode does not answer.</p>
        ) : (
          <div className="stack">
            <dl className="figures">
              <Figure name="Used">
                {formatMiB(hdfs.usedMiB)} of {formatMiB(hdfs.capacityMiB)}
              </Figure>
              <Figure name="DataNodes">{hdfs.datanodes}</Figure>
              <Figure name="Copies of a block">{hdfs.replication}</Figure>
              <Figure name="Missing blocks">
                <Count value={hdfs.missingBlocks} tone="bad" />
              </Figure>
              <Figure name="Under-replicated">
                <Count value={hdfs.underReplicatedBlocks} tone="wait" />
              </Figure>
              {hdfs.safeMode ? <Figure name="Safe mode">on: read only</Figure> : null}
            </dl>
            <Share label="HDFS capacity in use" value={hdfs.usedMiB} of={hdfs.capacityMiB} />
          </div>
        )}
      </Card>
      {unwell.length === 0 ? null : (
        <Card title="Not ready">
          <ul className="steps">
            {unwell.map(({ name, state, detail }) => (
              <li key={name}>
                <StateGlyph state={state} size={16} />
                <span>
                  <strong>{name}</strong> <span className="muted">{detail}</span>
                </span>
                <span className="small">{state}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </div>
  );
}

/** A number that is bad news unless it is zero. */
function Count({ value, tone }: { readonly value: number; readonly tone: 'bad' | 'wait' }) {
  return value === 0 ? <>0</> : <span style={{ color: `var(--${tone})` }}>{value}</span>;
}

function Share({ label, value, of }: { readonly label: string; readonly value: number; readonly of: number }) {
  const percent = of === 0 ? 0 : Math.min(100, (value / of) * 100);
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers draw a <meter> in colours of their own.
    <div className="bar" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={of} aria-valuenow={value}>
      <span style={{ width: `${percent}%` }} />
    </div>
  );
}
