import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findSparkPage } from './spark-page.ts';

test('a run is shown by its newest application, of which web knows whether it has ended', () => {
  assert.equal(findSparkPage({ applications: [] }), null);
  const applications = ['app-20261122223208-0000', 'app-20261122223208-0001'];
  assert.equal(findSparkPage({ applications }), '/spark/driver/app-20261122223208-0001/');
});
