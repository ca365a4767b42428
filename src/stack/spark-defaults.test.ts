import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import { buildDaemonDefaults, buildDriverDefaults, buildHistoryDefaults } from './spark-defaults.ts';

const { plan } = defaultCluster;

test('values survive the properties format', () => {
  const text = buildDriverDefaults(plan, { 'spark.app.note': ' two\nlines \\ and = more' });
  assert.ok(text.includes('spark.app.note=\\ two\\nlines \\\\ and = more\n'));
});

test('the order in which settings are written does not matter', () => {
  const [a, b] = [{ 'spark.a': '1' }, { 'spark.b': '2' }];
  assert.equal(buildDriverDefaults(plan, { ...a, ...b }), buildDriverDefaults(plan, { ...b, ...a }));
});

test('with more than three copies a write pipeline may replace a DataNode', () => {
  const policy = /replace-datanode-on-failure\.policy=NEVER/;
  assert.match(buildDriverDefaults(plan, {}), policy);
  assert.doesNotMatch(buildDriverDefaults({ ...plan, replication: 4 }, {}), policy);
});

test('drivers write event logs just where a history server reads them', () => {
  const without = buildDriverDefaults(plan, {});
  assert.doesNotMatch(without, /eventLog/);
  const history = { planned: true, explanation: '' };
  const written = /^spark\.eventLog\.dir=(.*)$/m.exec(buildDriverDefaults({ ...plan, history }, {}))?.[1];
  const read = /^spark\.history\.fs\.logDirectory=(.*)$/m.exec(buildHistoryDefaults())?.[1];
  assert.ok(written !== undefined && written === read);
  assert.match(buildHistoryDefaults(), /^spark\.hadoop\.fs\.defaultFS=/m);
});

test('nothing can be ended through the pages of Spark, whatever the project file says', () => {
  for (const text of [buildDaemonDefaults(), buildDriverDefaults(plan, { 'spark.ui.killEnabled': 'true' })]) {
    assert.match(text, /^spark\.ui\.killEnabled=false$/m);
  }
});
