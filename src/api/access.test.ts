import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { type ErrorCode, SparkPlugError } from '../errors.ts';
import { bearerOf, checkPeer, checkSharedSecret, parseTokens, requireScope } from './access.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const withCode = (code: ErrorCode) => (error: unknown) => error instanceof SparkPlugError && error.code === code;

describe('tokens', () => {
  it('stand in the header as RFC 6750 says', () => {
    assert.equal(bearerOf('Bearer b'), 'b');
    assert.equal(bearerOf('bearer  a '), 'a');
  });

  it('are refused in every other form', () => {
    for (const header of [undefined, '', 'a', 'Bearer', 'Bearer ', 'Basic a', 'Bearer a b']) {
      assert.throws(() => bearerOf(header), withCode('AUTH_REQUIRED'), String(header));
    }
  });

  it('never stand in an error', () => {
    assert.throws(
      () => checkSharedSecret('Bearer very-secret', 'another'),
      (error: Error) => !JSON.stringify([error, error.message]).includes('very-secret'),
    );
  });

  it('carry scopes that include the lesser ones', () => {
    const reader = { name: 'r', scope: 'read' } as const;
    requireScope({ name: 'a', scope: 'admin' }, 'run');
    requireScope(reader, 'read');
    assert.throws(() => requireScope(reader, 'run'), withCode('SCOPE_MISSING'));
    assert.throws(() => requireScope({ name: 'x', scope: 'run' }, 'admin'), withCode('SCOPE_MISSING'));
  });

  it('are read strictly', () => {
    const entry = { name: 'admin', scope: 'admin', sha256: sha256('a') };
    assert.deepEqual(parseTokens(JSON.stringify([entry])), [entry]);
    for (const text of [
      '',
      '{}',
      '[{"name":"x","scope":"all","sha256":"00"}]',
      `[{"name":"x","scope":"read","sha256":"12"}]`,
    ]) {
      assert.throws(() => parseTokens(text));
    }
  });

  it('of the control network are compared whole', () => {
    checkSharedSecret('Bearer s3cret', 's3cret');
    for (const header of ['Bearer s3cre', `Bearer ${sha256('s3cret')}`, undefined]) {
      assert.throws(() => checkSharedSecret(header, 's3cret'), withCode('AUTH_REQUIRED'));
    }
  });
});

describe('peers', () => {
  const local = new Set(['172.18.0.1', '172.18.0.5']);
  it('of this computer may come', () => {
    for (const peer of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', '172.18.0.1', '::ffff:172.18.0.5']) {
      checkPeer(peer, local);
    }
  });

  it('from elsewhere may not', () => {
    for (const peer of [
      '172.18.0.2',
      '10.0.0.1',
      '192.168.1.7',
      '::ffff:192.168.1.7',
      'fe80::1',
      'nonsense',
      undefined,
    ]) {
      assert.throws(() => checkPeer(peer, local), withCode('LISTEN_LOCAL'), peer);
    }
  });
});
