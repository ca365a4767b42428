import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { buildDaemonDefaults, buildDriverDefaults, buildHistoryDefaults } from './spark-defaults.ts';

const {
  plan: { worker },
  desired: { config },
} = defaultCluster;

function build(conf: Record<string, string>, changes: Partial<ClusterConfig> = {}): string {
  return buildDriverDefaults(worker, { ...config, ...changes, spark: { ...config.spark, ...changes.spark, conf } });
}

test('values survive the properties format', () => {
  const text = build({ 'spark.app.note': ' two\nlines \\ and = more' });
  assert.ok(text.includes('spark.app.note=\\ two\\nlines \\\\ and = more\n'));
});

test('the order in which settings are written does not matter', () => {
  const [a, b] = [{ 'spark.a': '1' }, { 'spark.b': '2' }];
  assert.equal(build({ ...a, ...b }), build({ ...b, ...a }));
});

test('with more than three copies a write pipeline may replace a DataNode', () => {
  const policy = /replace-datanode-on-failure\.policy=NEVER/;
  assert.match(build({}), policy);
  assert.match(build({}, { hdfs: { datanodes: 'auto', replication: 3 } }), policy);
  assert.doesNotMatch(build({}, { hdfs: { datanodes: 'auto', replication: 4 } }), policy);
});

test('drivers write event logs just where a history server reads them, and only when told to', () => {
  assert.doesNotMatch(build({}, { spark: { ...config.spark, history: false } }), /eventLog/);
  const text = build({});
  assert.doesNotMatch(text, /^spark\.eventLog\.enabled/m);
  const written = /^spark\.eventLog\.dir=(.*)$/m.exec(text)?.[1];
  const read = /^spark\.history\.fs\.logDirectory=(.*)$/m.exec(buildHistoryDefaults())?.[1];
  assert.ok(written !== undefined && written === read);
  assert.match(buildHistoryDefaults(), /^spark\.hadoop\.fs\.defaultFS=/m);
});

test('nothing can be ended through the pages of Spark, whatever the project file says', () => {
  for (const text of [buildDaemonDefaults(), build({ 'spark.ui.killEnabled': 'true' })]) {
    assert.match(text, /^spark\.ui\.killEnabled=false$/m);
  }
});
