import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseTakenName } from './refuse-taken-name.ts';

test('the same name under another id is refused', () => {
  assert.throws(() => refuseTakenName('shop', 'shop-abc123', ['shop-zzz999']), { code: 'NAME_TAKEN', met: 'shop' });
});

test('the own cluster and other names are not in the way', () => {
  refuseTakenName('shop', 'shop-abc123', ['shop-abc123', 'shop-floor-zzz999', 'other-zzz999']);
});
