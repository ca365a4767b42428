import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import { checkSparkConf } from './check-run-request.ts';

test('settings of the cluster are refused, each with its fix; others pass', () => {
  checkSparkConf();
  checkSparkConf({ 'spark.sql.shuffle.partitions': '8' });
  assert.throws(
    () =>
      checkSparkConf({
        'spark.authenticate': 'false',
        'spark.master': 'local',
        'spark.sql.ansi.enabled': 'true',
        x: '1',
      }),
    (error) => {
      assert.ok(error instanceof SparkPlugError);
      assert.equal(error.code, 'CONFIG_INVALID');
      assert.deepEqual(
        error.problems.map(({ place }) => place),
        ['sparkConf.spark.authenticate', 'sparkConf.spark.master', 'sparkConf.x'],
      );
      return true;
    },
  );
});
