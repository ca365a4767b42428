// The published API over fakes as a process of its own: prints its address and serves until it is ended.
import { startApiBench } from '../../src/conductor/api-bench.fixture.ts';

const web = await startApiBench();
// The brake on wrong tokens goes by this clock, and most requests here have one.
setInterval(() => web.clock.advance(3_600_000), 5);
process.stdout.write(`${web.url}\n`);
