import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseRentedOf } from './refuse-rented.ts';

const aws = { account: '123456789012', region: 'eu-central-1', identityFile: null };
const machine = { id: 'n2', name: 'ip-10-0-0-7', reachable: true, conductor: false };
const provided = { key: 'root@10.0.0.7', hostname: machine.name, nodeId: machine.id };

test('an instance that answers is ended by `aws scale` alone', () => {
  const refused = { code: 'USAGE', hint: /aws scale followers=N/ };
  assert.throws(() => refuseRentedOf({ aws }, [machine], [], [machine.name]), refused);
  assert.throws(() => refuseRentedOf({ aws }, [machine], [], [machine.id]), refused);
});

test('one that is gone, one that was added over SSH, and all of a cluster elsewhere may be removed', () => {
  refuseRentedOf({ aws }, [{ ...machine, reachable: false }], [], [machine.name]);
  refuseRentedOf({ aws }, [machine], [provided], [machine.name]);
  refuseRentedOf({ aws: null }, [machine], [], [machine.name]);
  refuseRentedOf({ aws }, [machine], [], ['another']);
});
