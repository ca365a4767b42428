import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listOpeners } from './open-browser.ts';

test('a browser is opened where somebody can see it', () => {
  assert.deepEqual(listOpeners('darwin', {}, false), ['open']);
  assert.deepEqual(listOpeners('linux', { DISPLAY: ':0' }, false), ['xdg-open']);
  assert.deepEqual(listOpeners('linux', { WAYLAND_DISPLAY: 'wayland-0' }, true), ['wslview', 'xdg-open']);
  assert.deepEqual(listOpeners('linux', {}, true), ['wslview']);
});

test('over SSH and without a desktop there is none', () => {
  assert.deepEqual(listOpeners('linux', {}, false), []);
  assert.deepEqual(listOpeners('linux', { DISPLAY: '' }, false), []);
  assert.deepEqual(listOpeners('darwin', { SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' }, false), []);
});
