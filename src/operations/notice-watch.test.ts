import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentClient } from '../adapters/agent/agent-client.ts';
import type { Notice } from '../adapters/agent/agent-protocol.ts';
import { settle } from '../runs/run-bench.fixture.ts';
import { createNoticeWatch, type StandingAgent } from './notice-watch.ts';

const going: Notice = { action: 'terminate', until: null };
const agentOf = (name: string): StandingAgent => ({ service: `agent-${name}`, machineId: `id-${name}` });

/** Agents that answer what stands in `answers`; one without an entry never does. */
function open(names: readonly string[]) {
  const answers = new Map<string, Notice | null | Error>();
  const asked: string[] = [];
  const world = { standing: names.map(agentOf) as readonly StandingAgent[] };
  const connect = (machine: string, url: string): AgentClient =>
    ({
      notice: async () => {
        asked.push(url);
        const answer = answers.get(machine);
        if (answer instanceof Error) throw answer;
        return answer === undefined ? await new Promise<null>(() => undefined) : answer;
      },
    }) as Partial<AgentClient> as AgentClient;
  const watch = createNoticeWatch({ agents: { connect }, standing: () => world.standing });
  const look = async () => {
    const heard = watch.look();
    await settle();
    return heard;
  };
  return { answers, asked, world, look };
}

test('what agents say is known at the next look; one that is silent holds up nobody and is not asked twice', async () => {
  const { answers, asked, look } = open(['a', 'b', 'c']);
  answers.set('a', null).set('b', going);
  assert.equal((await look()).size, 0);
  assert.deepEqual(
    [...(await look())],
    [
      ['id-a', null],
      ['id-b', going],
    ],
  );
  assert.equal(asked.filter((url) => url === 'https://agent-c:7443').length, 1);
  assert.equal(asked.filter((url) => url === 'https://agent-a:7443').length, 2);
});

test('what was said last holds while an agent is away, until its machine is gone', async () => {
  const { answers, world, look } = open(['a']);
  answers.set('a', going);
  await look();
  answers.set('a', new Error('away'));
  await look();
  assert.deepEqual((await look()).get('id-a'), going);
  world.standing = [];
  await look();
  assert.equal((await look()).size, 0);
});

test('on one machine there is nobody to ask', () => {
  const watch = createNoticeWatch({ agents: null, standing: () => assert.fail('asked') });
  assert.equal(watch.look().size, 0);
});
