// A histogram whose counts come from the database, so that it goes on rising after a restart.
import { Histogram } from 'prom-client';
import { durationBuckets } from '../runs/run-end.ts';
import type { Count } from '../runs/state/counter-store.ts';

interface StoredCounts {
  readonly name: string;
  readonly help: string;
  /** By all labels and `le`, each observation in its smallest bucket only. */
  readonly buckets: readonly Count[];
  /** By all labels but `le`. */
  readonly sums: readonly Count[];
}

type Values = Awaited<ReturnType<Histogram['get']>>['values'];

export class StoredHistogram extends Histogram {
  readonly #stored: StoredCounts;

  constructor(stored: StoredCounts) {
    super({ name: stored.name, help: stored.help, buckets: [...durationBuckets], registers: [] });
    this.#stored = stored;
  }

  /** The registry takes its text from here, and so does `get`. */
  async getForPromString() {
    const { name, help, buckets, sums } = this.#stored;
    const values = sums.flatMap((sum) => seriesOf(name, sum, buckets));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }
}

/** One series in Prometheus' form: each bucket counts all that lie below its bound. */
function seriesOf(name: string, { labels, value }: Count, buckets: readonly Count[]): Values {
  const own = buckets.filter((count) => Object.entries(labels).every(([key, text]) => count.labels[key] === text));
  let below = 0;
  const bounds = [...durationBuckets.map(String), '+Inf'].map((le) => {
    below += own.find((count) => count.labels.le === le)?.value ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
  });
  return [
    ...bounds,
    { metricName: `${name}_sum`, labels: { ...labels }, value },
    { metricName: `${name}_count`, labels: { ...labels }, value: below },
  ];
}
