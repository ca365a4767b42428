import assert from 'node:assert/strict';
import { connect as connectPlain } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { type AgentClient, type AgentClients, createAgentClients } from '../adapters/agent/agent-client.ts';
import { type CertificateFiles, issueCertificate, makeAuthority } from '../adapters/certificates/certificate.ts';
import type {
  ContainerInspect,
  ImageSummary,
  LabelFilter,
  Labels,
  PipedOutput,
  PipeOptions,
} from '../adapters/docker/docker.ts';
import { agentHost, schedulerHost } from '../operations/fleet-names.ts';
import { type AgentParts, createAgentApp } from './agent-app.ts';
import { type Listeners, listenOn } from './listeners.ts';

const validity = { nowMs: Date.now(), validMs: 3_600_000 };
const ours = 'a'.repeat(64);
const theirs = 'b'.repeat(64);
const projects: Readonly<Record<string, string>> = { [ours]: 'app-abc123', [theirs]: 'other-abc123' };
const registry = '10.0.0.5:5000';

let authority: CertificateFiles;
let server: CertificateFiles;
let client: CertificateFiles;
let listeners: Listeners;
let agents: AgentClients;
let agent: AgentClient;
let done: string[] = [];
let notices: readonly Labels[] = [];

/** An engine with one container and volume of the project, and one of another's. */
function fakeDocker(): AgentParts['docker'] {
  const image = (id: string, tags: readonly string[]) => ({ id, tags, sizeBytes: 1 }) as ImageSummary;
  const isEverything = (filter: LabelFilter) => Object.keys(filter).length === 0;
  const volume = (name: string) => ({ id: name, name, labels: {} });
  return {
    inspectContainer: async (id) => {
      const project = projects[id];
      return project === undefined
        ? null
        : ({ id, labels: { 'sparkplug.project': project } } as unknown as ContainerInspect);
    },
    async *execPiped(id: string, command: readonly string[], { input }: PipeOptions = {}): AsyncGenerator<PipedOutput> {
      done.push(`exec ${id.slice(0, 1)} ${command.join(' ')}`);
      if (command[0] === 'breaks') throw new Error('the engine went away');
      let text = '';
      if (input !== undefined) for await (const chunk of input) text += String(chunk);
      yield { kind: 'output', source: 'stdout', bytes: Buffer.from(`read ${text}`) };
      yield { kind: 'output', source: 'stderr', bytes: Buffer.from([0xff, 0x0a, 0x00]) };
      yield { kind: 'exit', exitCode: 7 };
    },
    kill: async (id, signal) => void done.push(`kill ${id.slice(0, 1)} ${signal}`),
    volumes: async (filter) => [volume('app-abc123_datanode-2'), ...(isEverything(filter) ? [volume('precious')] : [])],
    removeVolume: async (name) => void done.push(`remove volume ${name}`),
    listImages: async () => [
      image('1', [`${registry}/sparkplug/worker:new`, `${registry}/sparkplug/worker:old`, 'sparkplug/worker:mine']),
      image('2', ['10.9.9.9:5000/sparkplug/worker:of-another-cluster']),
      image('3', [`${registry}/sparkplug/hdfs:in-use`]),
    ],
    removeImage: async (tag) => {
      done.push(`remove image ${tag}`);
      return tag.endsWith('in-use') ? 'in-use' : 'removed';
    },
  };
}

const use = { id: ours, labels: {}, readAtMs: 1, cpuSeconds: 2, memoryBytes: 3, memoryLimitBytes: 4 };

before(async () => {
  authority = await makeAuthority('test', validity);
  [server, client] = await Promise.all([
    issueCertificate(authority, [agentHost], { ...validity, use: 'server' }),
    issueCertificate(authority, [schedulerHost], { ...validity, use: 'client' }),
  ]);
  const app = createAgentApp({
    docker: fakeDocker(),
    stats: {
      read: async (filter) => (filter['sparkplug.project'] === 'app-abc123' ? [use] : []),
      close: async () => undefined,
    },
    volumeLabels: { read: async (label) => (label === 'sparkplug.notice' ? notices : []) },
    projectId: 'app-abc123',
    registry,
    log: () => undefined,
  });
  listeners = await listenOn(app, ['127.0.0.1'], 0, {
    cert: server.certificate,
    key: server.key,
    ca: authority.certificate,
  });
  agents = connectWith(client);
  agent = agents.connect('big', url());
});
after(async () => {
  await agents.close();
  await listeners.close(0);
});

const url = () => `https://${listeners.addresses[0]}`;

function connectWith(pair: CertificateFiles, ca = authority, host = agentHost): AgentClients {
  return createAgentClients({ ca: ca.certificate, cert: pair.certificate, key: pair.key, host });
}

async function collect(output: AsyncIterable<PipedOutput>): Promise<string[]> {
  const parts: string[] = [];
  for await (const part of output) {
    parts.push(
      part.kind === 'exit' ? `exit ${part.exitCode}` : `${part.source} ${Buffer.from(part.bytes).toString('hex')}`,
    );
  }
  return parts;
}

describe('an agent', () => {
  it("reads what the project's containers use", async () => {
    assert.deepEqual(await agent.uses({ timeoutMs: 5_000 }), [use]);
  });

  it('tells that its machine goes soon, once a volume says so, whatever else that says', async () => {
    const read = () => agent.notice({ timeoutMs: 5_000 });
    assert.equal(await read(), null);
    notices = [{ 'sparkplug.notice': 'terminate', 'sparkplug.notice-until': '2026-11-26T08:22:00Z' }];
    assert.deepEqual(await read(), { action: 'terminate', until: '2026-11-26T08:22:00.000Z' });
    notices = [{ 'sparkplug.notice': 'x'.repeat(500), 'sparkplug.notice-until': 'soon' }];
    assert.deepEqual(await read(), { action: 'x'.repeat(64), until: null });
    notices = [];
  });

  it('runs a command: input, bytes of both streams, exit code', async () => {
    const output = agent.exec(ours, ['sh', '-c', 'x'], { input: Readable.from([Buffer.from('hello')]) });
    assert.deepEqual(await collect(output), [
      `stdout ${Buffer.from('read hello').toString('hex')}`,
      'stderr ff0a00',
      'exit 7',
    ]);
    assert.deepEqual((await collect(agent.exec(ours, ['true']))).at(-1), 'exit 7');
  });

  it('says so where the engine breaks off in the middle', async () => {
    await assert.rejects(collect(agent.exec(ours, ['breaks'])), { code: 'DOCKER_FAILED', place: 'big' });
  });

  it('signals a container and removes a volume and unused images, all of the project', async () => {
    done = [];
    await agent.signal(ours, 'PWR');
    await agent.removeVolume('app-abc123_datanode-2');
    await agent.removeVolume('app-abc123_gone');
    const removed = await agent.pruneImages([`${registry}/sparkplug/worker:new`]);
    assert.deepEqual(removed, [`${registry}/sparkplug/worker:old`]);
    assert.deepEqual(done, [
      'kill a PWR',
      'remove volume app-abc123_datanode-2',
      `remove image ${registry}/sparkplug/worker:old`,
      `remove image ${registry}/sparkplug/hdfs:in-use`,
    ]);
  });

  it('refuses what is not the project’s, as if it were not there', async () => {
    done = [];
    for (const id of [theirs, 'c'.repeat(64)]) {
      await assert.rejects(agent.signal(id, 'KILL'), { code: 'COMPONENT_UNKNOWN' });
      await assert.rejects(collect(agent.exec(id, ['id'])), { code: 'COMPONENT_UNKNOWN' });
    }
    await assert.rejects(agent.removeVolume('precious'), { code: 'COMPONENT_UNKNOWN' });
    assert.deepEqual(done, []);
  });

  it('refuses names that mean something else to Docker or to the router', async () => {
    done = [];
    for (const id of ['', '--privileged', 'name', `${ours}/../${theirs}`, `${ours.slice(0, 12)}`, '..', `${ours}\n`]) {
      await assert.rejects(agent.signal(id, 'KILL'), JSON.stringify(id));
      await assert.rejects(collect(agent.exec(id, ['id'])), JSON.stringify(id));
    }
    for (const name of ['-f', '../precious', '..', '/var', 'a b', 'precious/']) {
      await assert.rejects(agent.removeVolume(name), JSON.stringify(name));
    }
    await assert.rejects(agent.signal(ours, 'STOP' as never), { code: 'REQUEST_INVALID' });
    await assert.rejects(collect(agent.exec(ours, [])), { code: 'REQUEST_INVALID' });
    assert.deepEqual(done, []);
  });

  it('hears nobody without a certificate for callers of its own authority', async () => {
    done = [];
    const stranger = await makeAuthority('test', validity);
    const forged = await issueCertificate(stranger, [schedulerHost], { ...validity, use: 'client' });
    const ended = await issueCertificate(authority, [schedulerHost], {
      use: 'client',
      nowMs: Date.now() - 9_000_000,
      validMs: 1,
    });
    const nobody = { certificate: '', key: '' };
    // An agent's own certificate is for hosts, not for callers: one machine has no power over another.
    for (const pair of [nobody, forged, ended, server]) {
      const strangers = connectWith(pair);
      await assert.rejects(strangers.connect('big', url()).signal(ours, 'KILL'), { code: 'AGENT_AWAY' });
      await strangers.close();
    }
    assert.deepEqual(done, []);
  });

  it('is not spoken to where it cannot prove that it is one', async () => {
    const others = await makeAuthority('test', validity);
    for (const wrong of [connectWith(client, others), connectWith(client, authority, 'registry')]) {
      await assert.rejects(wrong.connect('big', url()).uses({ timeoutMs: 5_000 }), {
        code: 'AGENT_AWAY',
        place: 'big',
      });
      await wrong.close();
    }
  });

  it('answers a health probe without TLS, and nothing else', async () => {
    const [host, port] = (listeners.addresses[0] ?? '').split(':');
    const socket = connectPlain({ host: host ?? '', port: Number(port) });
    socket.write('GET /v1/images HTTP/1.0\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 400 [\s\S]*speaks HTTPS/);
  });
});
