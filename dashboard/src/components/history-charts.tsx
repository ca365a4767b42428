// How the cluster has been: health as a band, cores and memory as lines.
import { useMemo } from 'react';
import type { ClusterSample } from '../api-types.ts';
import { formatMoment, trimNumber } from '../format.ts';
import { Empty } from './page.tsx';
import { ChartLegend, type Series, TimeChart } from './time-chart.tsx';

interface HistoryChartsProps {
  readonly samples: readonly ClusterSample[];
  /** Of all machines; null where not known. */
  readonly cores: number | null;
}

export function HistoryCharts({ samples, cores }: HistoryChartsProps) {
  const { x, coreLines, memoryLines, hdfsLines } = useMemo(() => toSeries(samples), [samples]);
  if (samples.length < 2) return <Empty>The first samples come within a minute.</Empty>;
  return (
    <div className="stack">
      <HealthBand samples={samples} />
      <div className="columns">
        <figure className="stack">
          <figcaption className="chart-title">
            Cores <ChartLegend series={coreLines} />
          </figcaption>
          <TimeChart
            label={`Cores in use over time, ${describeLast(coreLines, (value) => trimNumber(value, 1))}`}
            x={x}
            series={coreLines}
            formatY={(value) => trimNumber(value, 2)}
            {...(cores === null ? {} : { leastMax: cores })}
          />
        </figure>
        <figure className="stack">
          <figcaption className="chart-title">
            Memory <ChartLegend series={memoryLines} />
          </figcaption>
          <TimeChart
            label={`Memory in use over time, ${describeLast(memoryLines, formatGiB)}`}
            x={x}
            series={memoryLines}
            formatY={formatGiB}
          />
        </figure>
        <figure className="stack">
          <figcaption className="chart-title">
            HDFS <ChartLegend series={hdfsLines} />
          </figcaption>
          <TimeChart
            label={`HDFS in use over time, ${describeLast(hdfsLines, formatGiB)}`}
            x={x}
            series={hdfsLines}
            formatY={formatGiB}
          />
        </figure>
      </div>
    </div>
  );
}

function formatGiB(value: number): string {
  return `${trimNumber(value, 2)} GiB`;
}

function toSeries(samples: readonly ClusterSample[]) {
  const line = (name: string, color: string, read: (sample: ClusterSample) => number): Series => ({
    name,
    color,
    values: samples.map(read),
  });
  return {
    x: samples.map(({ at }) => Date.parse(at) / 1000),
    coreLines: [
      line('in use', '--compute', ({ coresUsed }) => coresUsed),
      line('held by executors', '--control', ({ sparkCoresUsed }) => sparkCoresUsed),
    ],
    // In GiB, so that the axis has round numbers.
    memoryLines: [line('in use', '--compute', ({ memoryUsedMiB }) => memoryUsedMiB / 1024)],
    hdfsLines: [line('used', '--storage', ({ hdfsUsedMiB }) => hdfsUsedMiB / 1024)],
  };
}

function describeLast(series: readonly Series[], format: (value: number) => string): string {
  return series.map(({ name, values }) => `now ${format(values.at(-1) ?? 0)} ${name}`).join(', ');
}

interface Stretch {
  readonly from: string;
  readonly to: string;
  readonly ready: boolean;
  readonly share: number;
}

/** Stretches of time in which the cluster was ready, or was not. */
function HealthBand({ samples }: { readonly samples: readonly ClusterSample[] }) {
  const stretches = useMemo(() => toStretches(samples), [samples]);
  const ready = stretches.filter((stretch) => stretch.ready).reduce((sum, { share }) => sum + share, 0);
  const percent = `${trimNumber(Math.floor(ready * 1000) / 10, 1)} %`;
  return (
    <div className="health">
      <span className="chart-title">Health</span>
      <span className="health-band" role="img" aria-label={`Ready for ${percent} of the time`}>
        {stretches.map(({ from, to, share, ready: isReady }) => (
          <span
            key={from}
            data-tone={isReady ? 'good' : 'bad'}
            style={{ flexGrow: share }}
            title={`${isReady ? 'ready' : 'not ready'}, ${formatMoment(from)} to ${formatMoment(to)}`}
          />
        ))}
      </span>
      <span className="number small">ready {percent}</span>
    </div>
  );
}

function toStretches(samples: readonly ClusterSample[]): Stretch[] {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return [];
  const total = Date.parse(last.at) - Date.parse(first.at) || 1;
  const stretches: Stretch[] = [];
  let start = first;
  const close = (end: ClusterSample): void => {
    const share = (Date.parse(end.at) - Date.parse(start.at)) / total;
    stretches.push({ from: start.at, to: end.at, ready: start.ready, share });
    start = end;
  };
  for (const sample of samples) if (sample.ready !== start.ready) close(sample);
  if (start !== last) close(last);
  return stretches;
}
