import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseContext } from './open-project.ts';

test('the flag beats the environment, the environment what the project remembers', () => {
  assert.equal(chooseContext('flag', { DOCKER_CONTEXT: 'env' }, { context: 'kept' }), 'flag');
  assert.equal(chooseContext(undefined, { DOCKER_CONTEXT: 'env' }, { context: 'kept' }), null);
  assert.equal(chooseContext(undefined, { DOCKER_HOST: 'unix:///x' }, { context: 'kept' }), null);
  assert.equal(chooseContext(undefined, {}, { context: 'kept' }), 'kept');
  assert.equal(chooseContext(undefined, {}, null), null);
});
