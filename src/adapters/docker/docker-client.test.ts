import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { SparkPlugError } from '../../errors.ts';
import { createDocker, type Docker } from './docker.ts';

let folder: string;

/** A docker client that does what its script says. */
async function fakeDocker(script: string, context?: string): Promise<Docker> {
  const program = join(await mkdtemp(join(folder, 'client-')), 'docker');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  return createDocker({ program, ...(context === undefined ? {} : { context }) });
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkplug-docker-client-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('a missing client is DOCKER_MISSING', async () => {
  const docker = createDocker({ program: '/nonexistent/docker' });
  await assert.rejects(docker.run(['ps']), { code: 'DOCKER_MISSING' });
});

test('the context comes before the command', async () => {
  const docker = await fakeDocker('echo "$@"', 'lab');
  assert.equal(await docker.run(['ps', '-a']), '--context lab ps -a');
});

test('input goes through standard input', async () => {
  const docker = await fakeDocker('[ "$1" = secret ] && cat >&2; exit 1');
  const { stderr } = await docker.tryRun(['secret', 'create'], { input: 'hidden' });
  assert.equal(stderr, 'hidden');
});

test('an engine that takes a call and never answers is DOCKER_STUCK', async () => {
  const program = join(folder, 'silent');
  await writeFile(program, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
  const docker = createDocker({ program, answerWithinMs: 50 });
  await assert.rejects(docker.stackRemove('demo'), { code: 'DOCKER_STUCK', met: '`docker stack rm` for 50 ms' });
});

test('an engine without a Swarm has no services, a worker of a Swarm refuses to tell', async () => {
  const without = await fakeDocker(
    'echo "Error response from daemon: This node is not a swarm manager. Use \\"docker swarm init\\" or" >&2; exit 1',
  );
  assert.deepEqual(await without.services({}), []);
  assert.deepEqual(await without.secrets({}), []);
  const worker = await fakeDocker(
    'echo "Error response from daemon: This node is not a swarm manager. Worker nodes can\'t be used to view" >&2; exit 1',
  );
  await assert.rejects(worker.services({}), { code: 'SWARM_UNUSABLE' });
});

test('a secret that exists is left as it is', async () => {
  const docker = await fakeDocker('cat >/dev/null; echo "rpc error: secret x already exists" >&2; exit 1');
  await docker.createSecret('x', 'content', {});
});

test('a stream tells which line came from where, and fails at its end', async () => {
  const docker = await fakeDocker('echo out; echo "Cannot connect to the Docker daemon" >&2; exit 1');
  const lines: string[] = [];
  const reading = async () => {
    for await (const { line, source } of docker.stream(['events'])) lines.push(`${source}: ${line}`);
  };
  await assert.rejects(reading, { code: 'DOCKER_NOT_RUNNING' });
  assert.deepEqual(lines.sort(), ['stderr: Cannot connect to the Docker daemon', 'stdout: out']);
});

test('logs keep the order of both streams', async () => {
  const docker = await fakeDocker('for i in 1 2 3 4 5; do echo "out $i"; echo "err $i" >&2; done');
  const lines: string[] = [];
  for await (const line of docker.logs('id')) lines.push(line);
  assert.deepEqual(
    lines,
    [1, 2, 3, 4, 5].flatMap((i) => [`out ${i}`, `err ${i}`]),
  );
});

test('logs that are followed end without an error when their signal aborts', async () => {
  const docker = await fakeDocker('echo first; exec sleep 60');
  const stop = new AbortController();
  const lines: string[] = [];
  for await (const line of docker.logs('id', { follow: true, signal: stop.signal })) {
    lines.push(line);
    stop.abort();
  }
  assert.deepEqual(lines, ['first']);
});

test('an aborted call throws the reason', async () => {
  const docker = await fakeDocker('exec sleep 60');
  const stop = new AbortController();
  const call = docker.run(['wait', 'x'], { signal: stop.signal });
  stop.abort(new Error('enough'));
  await assert.rejects(call, { message: 'enough' });
});

test('leaving a stream ends its process', async () => {
  const docker = await fakeDocker('echo first; exec sleep 60');
  for await (const { line } of docker.stream(['events'])) {
    assert.equal(line, 'first');
    break;
  }
});

test('a command that fails inside a container is an exit code, one that never started an error', async () => {
  const inside = await fakeDocker('echo oops >&2; exit 3');
  assert.deepEqual(await inside.exec('id', ['false']), { stdout: '', stderr: 'oops', exitCode: 3 });
  const gone = await fakeDocker('echo "Error response from daemon: No such container: id" >&2; exit 1');
  await assert.rejects(gone.exec('id', ['true']), SparkPlugError);
});

test('what vanished between listing and inspecting is left out', async () => {
  const docker = await fakeDocker(`
    case "$1" in
      ps) printf 'a\\nb\\n' ;;
      container) echo '[{"Id":"a","Name":"/one","State":{"Status":"running","Running":true}}]'; echo "Error: No such container: b" >&2; exit 1 ;;
    esac`);
  const containers = await docker.containers({ labels: { x: '1' } });
  assert.deepEqual(
    containers.map(({ id, name, running, health }) => ({ id, name, running, health })),
    [{ id: 'a', name: 'one', running: true, health: null }],
  );
});

test('an image in use is told from one that is gone', async () => {
  const used = await fakeDocker('echo "Error response from daemon: conflict: unable to remove" >&2; exit 1');
  assert.equal(await used.removeImage('x'), 'in-use');
  const gone = await fakeDocker('echo "Error: No such image: x" >&2; exit 1');
  assert.equal(await gone.removeImage('x'), 'missing');
});

test('an engine away is an error even where the client succeeds', async () => {
  const docker = await fakeDocker(`
    case "$1" in
      info) echo '{"ServerErrors":["Cannot connect to the Docker daemon at x"]}' ;;
      version) echo '{"Client":{"Version":"26.0"},"Server":null}' ;;
    esac`);
  await assert.rejects(docker.info(), { code: 'DOCKER_NOT_RUNNING' });
});

test('stack deploy is told to return at once only where it knows how', async () => {
  const seen: string[] = [];
  for (const help of ['', '--detach']) {
    const docker = await fakeDocker(
      `[ "$3" = --help ] && { echo "--compose-file ${help}"; exit; }; echo "$@" >&2; exit 1`,
    );
    await docker
      .stackDeploy({ namespace: 'n', composeFile: 'c.yaml' })
      .catch((error: Error) => seen.push(error.message));
  }
  assert.ok(seen[0]?.includes('--resolve-image never n'));
  assert.ok(seen[1]?.includes('--resolve-image never --detach=true n'));
});

test('a command through pipes: bytes of both streams, its input, and its exit code as a value', async () => {
  const docker = await fakeDocker('read -r line; printf "%s|" "$line" "$@"; printf "\\377" >&2; exit 7');
  const output = docker.execPiped('id', ['cat', '-n'], { input: Readable.from([Buffer.from('hello\n')]) });
  const parts: Record<string, string> = { stdout: '', stderr: '', exit: '' };
  for await (const part of output) {
    if (part.kind === 'exit') parts.exit = String(part.exitCode);
    else parts[part.source] += Buffer.from(part.bytes).toString('latin1');
  }
  assert.deepEqual(parts, { stdout: 'hello|exec|--interactive|id|cat|-n|', stderr: '\u00ff', exit: '7' });
});

test('a reader that leaves ends the command, and one that never reads its input does not fail', async () => {
  const docker = await fakeDocker('[ "$2" = id ] || exit 0; echo first; exec sleep 600');
  for await (const part of docker.execPiped('id', ['sleep'])) {
    assert.equal(part.kind, 'output');
    break;
  }
  const parts = [];
  const large = Readable.from([Buffer.alloc(4 * 1024 * 1024)]);
  for await (const part of docker.execPiped('id', ['true'], { input: large })) parts.push(part);
  assert.deepEqual(parts, [{ kind: 'exit', exitCode: 0 }]);
});

test('a deploy with a log-in hands it to the machines, one without does not', async () => {
  const docker = await fakeDocker('[ "$3" = --help ] && exit 0; echo "$DOCKER_CONFIG $@" >&2; exit 1');
  const deploy = (dockerConfig?: string) =>
    docker
      .stackDeploy({ namespace: 'demo', composeFile: 'c.yaml', dockerConfig })
      .then(() => assert.fail('deployed'), String);
  assert.match(await deploy('/logins'), /\/logins stack deploy .*--with-registry-auth demo/);
  assert.doesNotMatch(await deploy(), /with-registry-auth/);
});

test('logs of a task are read wherever it runs', async () => {
  const docker = await fakeDocker('echo "$@"');
  const lines: string[] = [];
  for await (const line of docker.taskLogs('task1', { follow: true, tail: 5 })) lines.push(line);
  assert.deepEqual(lines, ['service logs --raw --follow --tail 5 task1']);
});
