// What goes wrong around the product: every failure has its code, its place and its fix, and changes nothing.
import assert from 'node:assert/strict';
import { chmod, chown, mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { execa } from 'execa';
import { makeProject, repository, sparkplug } from './support/sparkplug.ts';

const minimal = 'name: faults\njobs:\n  one:\n    main: job.py\n';
let project: string;
before(async () => {
  project = await makeProject({ 'sparkplug.yaml': minimal, 'job.py': 'print("one")\n' });
});

describe('the project file', () => {
  const cases: [string, string, RegExp][] = [
    ['is empty', '', /CONFIG_INVALID/],
    ['is not YAML', 'name: [', /CONFIG_INVALID/],
    ['has an unknown key', `${minimal}sprak: {}\n`, /sprak[\s\S]*spark/],
    ['has a wrong type', `${minimal}spark: { workers: many }\n`, /spark\.workers[\s\S]*many/],
    [
      'has an impossible value',
      `${minimal}spark: { worker: { executors: 0, cores: 2, memory: 4GiB } }\n`,
      /spark\.worker\.executors/,
    ],
    ['uses a key of a later version', `${minimal}network: { encrypted: auto }\n`, /network[\s\S]*not yet supported/],
  ];
  for (const [title, text, message] of cases) {
    it(`that ${title} is refused with exit code 2`, async () => {
      const folder = await makeProject({ 'sparkplug.yaml': text, 'job.py': '' });
      const outcome = await sparkplug(folder, ['up']);
      assert.equal(outcome.exitCode, 2, outcome.all);
      assert.match(outcome.stderr, message);
    });
  }

  it('has all its problems reported at once', async () => {
    const folder = await makeProject({
      'sparkplug.yaml':
        'name: Bad Name\nwhat: 1\njobs:\n  one: { main: away.py, timeout: 5 }\nhdfs: { datanodes: -1 }\n',
    });
    const outcome = await sparkplug(folder, ['up']);
    assert.equal(outcome.exitCode, 2);
    for (const place of ['name', 'what', 'jobs.one.main', 'jobs.one.timeout', 'hdfs.datanodes']) {
      assert.ok(outcome.stderr.includes(place), `${place} is not in:\n${outcome.stderr}`);
    }
  });

  it('that is missing is named, with how to make one', async () => {
    const outcome = await sparkplug('/', ['up']);
    assert.equal(outcome.exitCode, 2);
    assert.match(outcome.stderr, /PROJECT_MISSING[\s\S]*sparkplug new/);
  });
});

describe('Docker', () => {
  it('that does not run is named, with the fix', async () => {
    const outcome = await sparkplug(project, ['up'], { env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' } });
    assert.notEqual(outcome.exitCode, 0);
    assert.match(outcome.stderr, /DOCKER_NOT_RUNNING[\s\S]*fix:/);
  });

  it('that this user may not use is named, with the fix', async () => {
    // A socket of somebody else, and a root without the power to ignore that: what an ordinary user meets.
    const socket = join(await mkdtemp(join(tmpdir(), 'sparkplug-socket-')), 'docker.sock');
    const engine = createServer();
    await new Promise<void>((resolve) => engine.listen(socket, resolve));
    await chown(socket, 65534, 65534);
    await chmod(socket, 0o600);
    try {
      const outcome = await execa(
        'setpriv',
        ['--bounding-set', '-dac_override', process.execPath, join(repository, 'bin', 'sparkplug.js'), 'up'],
        { cwd: project, reject: false, env: { DOCKER_HOST: `unix://${socket}`, NO_COLOR: '1' } },
      );
      assert.notEqual(outcome.exitCode, 0);
      assert.match(outcome.stderr, /DOCKER_NOT_PERMITTED[\s\S]*fix:/);
    } finally {
      engine.close();
    }
  });

  it('that is too old is named, with the version met', async () => {
    const version = { Version: '19.03.15', ApiVersion: '1.40', MinAPIVersion: '1.12', Os: 'linux', Arch: 'amd64' };
    const engine = createServer((request, response) => {
      response
        .setHeader('api-version', '1.40')
        .setHeader('ostype', 'linux')
        .setHeader('content-type', 'application/json');
      if (request.url?.endsWith('/_ping')) response.end('OK');
      else if (request.url?.endsWith('/version')) response.end(JSON.stringify(version));
      else if (request.url?.endsWith('/info'))
        response.end(
          JSON.stringify({
            ServerVersion: '19.03.15',
            NCPU: 2,
            MemTotal: 2 ** 33,
            Swarm: { LocalNodeState: 'inactive' },
          }),
        );
      else response.writeHead(404).end('{"message":"page not found"}');
    });
    await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve));
    const { port } = engine.address() as AddressInfo;
    try {
      const outcome = await sparkplug(project, ['up'], { env: { DOCKER_HOST: `tcp://127.0.0.1:${port}` } });
      assert.match(outcome.stderr, /DOCKER_TOO_OLD/);
      assert.match(outcome.stderr, /19\.03\.15/);
    } finally {
      engine.close();
    }
  });
});

describe('the machine', () => {
  const holder = createTcpServer();
  after(() => holder.close());

  it('whose port is taken is told which, and by what to change it', async () => {
    await new Promise<void>((resolve) => holder.listen(0, '0.0.0.0', resolve));
    const { port } = holder.address() as AddressInfo;
    const outcome = await sparkplug(project, ['up', '--set', `web.port=${port}`]);
    assert.notEqual(outcome.exitCode, 0);
    assert.match(outcome.stderr, /PORT_TAKEN/);
    assert.ok(outcome.stderr.includes(String(port)));
  });

  it('that is too small for one worker is told what is needed and what there is', async () => {
    const outcome = await sparkplug(project, ['plan', '--machine', '1c1g']);
    assert.notEqual(outcome.exitCode, 0);
    assert.match(outcome.stderr, /NO_ROOM[\s\S]*GiB/);
  });

  it('is planned for without Docker when it is only thought of', async () => {
    const outcome = await sparkplug(project, ['plan', '--machine', '4c8g', '--machine', '8c32g*2', '-o', 'json'], {
      env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' },
    });
    assert.equal(outcome.exitCode, 0, outcome.all);
    assert.equal((JSON.parse(outcome.stdout) as { machines: unknown[] }).machines.length, 3);
  });
});

describe('a registry', () => {
  it('that cannot be reached is named when building is switched off', async () => {
    const folder = await makeProject({
      'sparkplug.yaml': `${minimal}images: { registry: "127.0.0.1:9/team" }\n`,
      // An app that no image was ever made of.
      'job.py': `# ${Date.now()}\n`,
    });
    const outcome = await sparkplug(folder, ['up', '--no-build']);
    assert.notEqual(outcome.exitCode, 0);
    assert.match(outcome.stderr, /^error REGISTRY_UNREACHABLE: .*127\.0\.0\.1:9[\s\S]*^ {2}fix: /m);
  });
});

describe('a command', () => {
  it('that does not exist is wrong use', async () => {
    assert.equal((await sparkplug(project, ['upp'])).exitCode, 2);
    assert.equal((await sparkplug(project, ['up', '--what'])).exitCode, 2);
  });

  it('for another region than there are is wrong use', async () => {
    const outcome = await sparkplug(project, ['aws', 'up', '--region', 'nowhere']);
    assert.equal(outcome.exitCode, 2, outcome.all);
    assert.match(outcome.stderr, /AWS_NO_REGION/);
  });

  it('that needs a cluster says how to get one, with exit code 3', async () => {
    const outcome = await sparkplug(project, ['run', 'one']);
    assert.equal(outcome.exitCode, 3, outcome.all);
    assert.match(outcome.stderr, /CLUSTER_NOT_UP[\s\S]*sparkplug up/);
  });
});
