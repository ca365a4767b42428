// The agent as it is shipped, against this engine's own socket: what it does for the scheduler, and what it refuses.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';
import { type AgentClients, createAgentClients } from '../../src/adapters/agent/agent-client.ts';
import { type CertificateFiles, issueCertificate, makeAuthority } from '../../src/adapters/certificates/certificate.ts';
import type { PipedOutput } from '../../src/adapters/docker/docker.ts';
import { agentHost, schedulerHost } from '../../src/operations/fleet-names.ts';
import { docker } from './support/docker.ts';
import { repository } from './support/sparkplug.ts';

const project = 'agent-e2e111';
const image = 'sparkplug/debian:trixie-slim';
const validity = { nowMs: Date.now(), validMs: 3_600_000 };
const url = 'https://127.0.0.1:7443';
const ids: Record<'ours' | 'theirs', string> = { ours: '', theirs: '' };
let folder: string;
let agent: ReturnType<typeof startAgent> | undefined;
let authority: CertificateFiles;
let agents: AgentClients;

async function runContainer(owner: string): Promise<string> {
  const script = 'trap "echo got PWR; exit 0" PWR; while :; do sleep 0.1; done';
  const labels = ['--label', `sparkplug.project=${owner}`, '--label', 'sparkplug.service=datanode-2'];
  return (await docker('run', '-d', '--network', 'none', ...labels, image, 'bash', '-c', script)).trim();
}

async function collect(
  output: AsyncIterable<PipedOutput>,
): Promise<{ stdout: string; stderr: string; exitCode: number }> {
  const text = { stdout: '', stderr: '' };
  for await (const part of output) {
    if (part.kind === 'exit') return { ...text, exitCode: part.exitCode };
    text[part.source] += Buffer.from(part.bytes).toString('utf8');
  }
  throw new Error('no exit code');
}

function startAgent() {
  const program = join(repository, 'dist', 'agent.js');
  return execa(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    env: {
      SPARKPLUG_PROJECT: project,
      SPARKPLUG_CONTROL_SUBNET: '127.0.0.0/8',
      SPARKPLUG_REGISTRY: 'registry.invalid:5000',
      SPARKPLUG_SECRETS: folder,
    },
    stdout: { file: join(folder, 'log') },
    stderr: 'inherit',
    reject: false,
  });
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkplug-agent-'));
  authority = await makeAuthority('test', validity);
  const server = await issueCertificate(authority, [agentHost], { ...validity, use: 'server' });
  const client = await issueCertificate(authority, [schedulerHost], { ...validity, use: 'client' });
  const secrets = { cluster_ca: authority.certificate, agent_tls_cert: server.certificate, agent_tls_key: server.key };
  for (const [name, text] of Object.entries(secrets)) await writeFile(join(folder, name), text);
  [ids.ours, ids.theirs] = await Promise.all([runContainer(project), runContainer('other-e2e222')]);
  for (const owner of [project, 'other-e2e222']) {
    await docker('volume', 'create', '--label', `sparkplug.project=${owner}`, `${owner}_data`);
  }
  agent = startAgent();
  const isListening = async () => (await readFile(join(folder, 'log'), 'utf8').catch(() => '')).includes('"listening"');
  await pWaitFor(isListening, { interval: 100, timeout: 30_000 });
  agents = createAgentClients({
    ca: authority.certificate,
    cert: client.certificate,
    key: client.key,
    host: agentHost,
  });
});
after(async () => {
  await agents?.close();
  agent?.kill();
  await agent;
  for (const id of Object.values(ids)) await execa('docker', ['rm', '-f', id], { reject: false });
  for (const owner of [project, 'other-e2e222'])
    await execa('docker', ['volume', 'rm', `${owner}_data`], { reject: false });
  await rm(folder, { recursive: true, force: true });
});

describe('the agent on a real engine', () => {
  it('runs a command with its input, both streams and its exit code', async () => {
    const input = Readable.from([Buffer.from('hello\n')]);
    const command = ['bash', '-c', 'read -r line; echo "out $line"; echo err >&2; exit 7'];
    const outcome = await collect(agents.connect('here', url).exec(ids.ours, command, { input }));
    assert.deepEqual(outcome, { stdout: 'out hello\n', stderr: 'err\n', exitCode: 7 });
    const without = await collect(agents.connect('here', url).exec(ids.ours, ['cat']));
    assert.deepEqual(without, { stdout: '', stderr: '', exitCode: 0 });
  });

  it('measures the containers of its project alone', async () => {
    const uses = await agents.connect('here', url).uses({ timeoutMs: 10_000 });
    assert.deepEqual(
      uses.map(({ id }) => id),
      [ids.ours],
    );
    assert.ok((uses[0]?.memoryBytes ?? 0) > 0);
  });

  it('touches nothing of another project', async () => {
    const here = agents.connect('here', url);
    await assert.rejects(here.signal(ids.theirs, 'KILL'), { code: 'COMPONENT_UNKNOWN' });
    await assert.rejects(collect(here.exec(ids.theirs, ['true'])), { code: 'COMPONENT_UNKNOWN' });
    await assert.rejects(here.removeVolume('other-e2e222_data'), { code: 'COMPONENT_UNKNOWN' });
    assert.equal((await docker('inspect', '-f', '{{.State.Running}}', ids.theirs)).trim(), 'true');
    assert.match(await docker('volume', 'ls', '-q'), /^other-e2e222_data$/m);
    assert.deepEqual(await here.images(), []);
  });

  it('hears nobody who shows another certificate, or none', async () => {
    const stranger = await makeAuthority('test', validity);
    const forged = await issueCertificate(stranger, [schedulerHost], { ...validity, use: 'client' });
    for (const { certificate: cert, key } of [forged, { certificate: '', key: '' }]) {
      const strangers = createAgentClients({ ca: authority.certificate, cert, key, host: agentHost });
      await assert.rejects(strangers.connect('here', url).signal(ids.ours, 'KILL'), { code: 'AGENT_AWAY' });
      await strangers.close();
    }
    assert.equal((await docker('inspect', '-f', '{{.State.Running}}', ids.ours)).trim(), 'true');
  });

  it('signals a container and removes a volume', async () => {
    const here = agents.connect('here', url);
    await here.signal(ids.ours, 'PWR');
    assert.equal((await docker('wait', ids.ours)).trim(), '0');
    assert.match(await docker('logs', ids.ours), /got PWR/);
    await here.removeVolume(`${project}_data`);
    await here.removeVolume(`${project}_data`);
    assert.doesNotMatch(await docker('volume', 'ls', '-q'), new RegExp(`^${project}_data$`, 'm'));
  });

  it('writes no secret and no command into its log', async () => {
    assert.doesNotMatch(await readFile(join(folder, 'log'), 'utf8'), /hello|BEGIN|read -r/);
  });
});
