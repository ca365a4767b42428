// The published API over fakes as a process of its own: prints its address and serves until it is ended.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { startApiBench } from '../../src/conductor/api-bench.fixture.ts';
import { tokens } from '../../src/conductor/web-server.fixture.ts';
import { openAccessStore } from '../../src/runs/state/access-store.ts';

const web = await startApiBench();
// The brake on wrong tokens goes by this clock, and most requests here have one.
setInterval(() => web.clock.advance(3_600_000), 5);

const store = openAccessStore(join(web.folder, 'access.db'), (copy) => {
  throw new Error(`the database was damaged: ${copy}`);
});
const sha256 = createHash('sha256').update(tokens.admin).digest('hex');

/** Requests revoke and rotate tokens, also the one that they carry: all after that would be answered 401 and test nothing. */
function keepToken(): void {
  if (store.tokenByHash(sha256) !== null) return;
  store.removeToken('admin');
  store.insertToken({ name: 'admin', scope: 'admin', sha256, createdAt: 0, lastUsedAt: null, expiresAt: null });
}

const { routing } = web.app;
web.app.routing = (request, response) => {
  keepToken();
  routing(request, response);
};
process.stdout.write(`${web.url}\n`);
