// The NameNode's topology script, asked as the NameNode asks it.
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const script = join(fileURLToPath(new URL('..', import.meta.url)), 'images', 'hdfs', 'bin', 'find-machines');

/** Loopback addresses that nobody else listens on, one for each case. */
async function serve(address: string, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(9864, address, resolve));
  after(() => server.close());
  return address;
}

async function find(...addresses: readonly string[]) {
  const { stdout, exitCode } = await execa(script, addresses, { reject: false });
  return [exitCode, stdout];
}

const setting = (value: string): string =>
  JSON.stringify({ property: { key: 'sparkplug.machine', value, isFinal: false, resource: 'programmatically' } });
const client = '127.83.7.1';

test('a DataNode tells its machine, a client has none; one line for each', async () => {
  const asked: string[] = [];
  const datanode = await serve('127.83.7.2', (request, response) => {
    asked.push(`${request.headers.host} ${request.url}`);
    response.end(setting('46oxqwlduiers9w8pye446zpr'));
  });
  assert.deepEqual(await find(datanode, client), [0, '/46oxqwlduiers9w8pye446zpr\n/elsewhere/client']);
  assert.deepEqual(asked, ['datanode /conf?name=sparkplug.machine']);
});

test('a name with slashes stays one level', async () => {
  const datanode = await serve('127.83.7.3', (_, response) => response.end(setting('a/b c')));
  assert.deepEqual(await find(datanode), [0, '/a_b_c']);
});

test('a DataNode that knows of no machine is on the default one', async () => {
  const datanode = await serve('127.83.7.4', (_, response) => response.writeHead(404).end('{}'));
  assert.deepEqual(await find(datanode), [0, '/default-rack']);
});

test('one that cannot answer yet is no answer to remember', async () => {
  const broken = await serve('127.83.7.5', (_, response) => response.writeHead(503).end());
  const silent = await serve('127.83.7.6', () => undefined);
  assert.deepEqual([(await find(broken))[0], (await find(silent))[0]], [1, 1]);
});
