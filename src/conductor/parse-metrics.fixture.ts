// For tests: a strict reader of Prometheus' text format 0.0.4, which fails on what promtool would complain of.
import assert from 'node:assert/strict';

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

const namePattern = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const unitSuffixes = ['milliseconds', 'ms', 'minutes', 'hours', 'kilobytes', 'megabytes', 'mib', 'kb', 'mb', 'gb'];

/** Families by name. Fails on any line, name, order, number or histogram that is not as the format asks for. */
export function parseMetrics(text: string): ReadonlyMap<string, MetricFamily> {
  assert.ok(text.endsWith('\n'), 'the last line ends with a line feed');
  const families = new Map<string, MetricFamily & { samples: MetricFamily['samples'][number][] }>();
  const seen = new Set<string>();
  let current: (MetricFamily & { samples: MetricFamily['samples'][number][] }) | null = null;
  const lines = text.split('\n').filter((line) => line !== '');
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (line.startsWith('#')) {
      const [, name = '', help = ''] = /^# HELP (\S+) (.+)$/.exec(line) ?? assert.fail(`no HELP first: ${line}`);
      const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(lines[index + 1] ?? '');
      assert.equal(type?.[1], name, `TYPE follows HELP of ${name}`);
      assert.ok(!families.has(name), `${name} stands in one place`);
      checkName(name, type?.[2] ?? '');
      current = { name, help, type: type?.[2] ?? '', samples: [] };
      families.set(name, current);
      index += 1;
      continue;
    }
    assert.ok(current !== null, `a sample without a family: ${line}`);
    const sample = parseSample(line);
    const base: string = current.type === 'histogram' ? sample.name.replace(/_(?:bucket|sum|count)$/, '') : sample.name;
    assert.equal(base, current.name, `${line} belongs to ${current.name}`);
    const series = `${sample.name}${JSON.stringify(Object.entries(sample.labels).toSorted())}`;
    assert.ok(!seen.has(series), `twice: ${line}`);
    seen.add(series);
    current.samples.push(sample);
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family);
  return families;
}

function checkName(name: string, type: string): void {
  assert.match(name, namePattern);
  assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
  for (const suffix of unitSuffixes) assert.ok(!name.split('_').includes(suffix), `${name} has a base unit`);
}

function parseSample(line: string): MetricFamily['samples'][number] {
  const [, name = '', labels = '', value = ''] =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? assert.fail(`no sample: ${line}`);
  assert.match(value, /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/, line);
  const pattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"/y;
  const found: Record<string, string> = {};
  for (let rest = 0; rest < labels.length; ) {
    pattern.lastIndex = rest;
    const [whole, label = '', text = ''] = pattern.exec(labels) ?? assert.fail(`labels of ${line}`);
    assert.ok(!(label in found), `label ${label} twice: ${line}`);
    found[label] = text.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest += whole.length;
    if (rest < labels.length) assert.equal(labels[rest], ',', line);
    rest += 1;
  }
  return { name, labels: found, value: Number(value.replace('Inf', 'Infinity')) };
}

/** Buckets rise, `+Inf` is there and equals the count. */
function checkHistogram({ name, samples }: MetricFamily): void {
  const key = ({ le: _, ...labels }: Readonly<Record<string, string>>): string => JSON.stringify(labels);
  for (const series of new Set(samples.map(({ labels }) => key(labels)))) {
    const own = samples.filter(({ labels }) => key(labels) === series);
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number((labels.le ?? '').replace('Inf', 'Infinity')));
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
    );
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    );
    assert.equal(own.find((sample) => sample.name === `${name}_count`)?.value, counts.at(-1));
    assert.ok(own.some((sample) => sample.name === `${name}_sum`));
  }
}
