// What the containers are made of: labelled images of a user without rights, nothing to build with, and a quick end.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { version } from '../../src/version.ts';
import { awaitServices, containerOf, docker, servicesOfTwoWorkers } from './support/docker.ts';
import { ask, isReady, type SharedCluster, sharedCluster } from './support/shared-cluster.ts';

interface InspectedContainer {
  readonly Id: string;
  readonly Image: string;
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
}
interface InspectedImage {
  readonly Id: string;
  readonly Config: { readonly User: string; readonly Labels: Readonly<Record<string, string>> | null };
}
interface Container {
  readonly id: string;
  readonly service: string;
  readonly component: string;
  readonly image: InspectedImage;
}

let cluster: SharedCluster;
let containers: readonly Container[];
before(async () => {
  cluster = await sharedCluster();
  await awaitServices(cluster.projectId, servicesOfTwoWorkers);
  const ids = await docker('ps', '-q', '--filter', `label=sparkplug.project=${cluster.projectId}`);
  const found = JSON.parse(await docker('inspect', ...ids.split('\n'))) as InspectedContainer[];
  const inspected = await docker('image', 'inspect', ...new Set(found.map(({ Image }) => Image)));
  const images = new Map((JSON.parse(inspected) as InspectedImage[]).map((image) => [image.Id, image]));
  containers = found.map(({ Id, Image, Config: { Labels } }) => {
    const image = images.get(Image);
    assert.ok(image);
    return {
      id: Id,
      service: Labels['sparkplug.service'] ?? '',
      component: Labels['sparkplug.component'] ?? '',
      image,
    };
  });
});

/** One container for each image. */
function oneOfEach(): Container[] {
  return [...new Map(containers.map((container) => [container.image.Id, container])).values()];
}

describe('the image of every container', () => {
  const titles: Readonly<Record<string, string>> = {
    checkpointer: 'SparkPlug HDFS',
    datanode: 'SparkPlug HDFS',
    history: 'SparkPlug Spark',
    namenode: 'SparkPlug HDFS',
    scheduler: 'SparkPlug conductor',
    'spark-driver': 'SparkPlug driver',
    'spark-master': 'SparkPlug Spark',
    'spark-worker': 'SparkPlug worker',
    web: 'SparkPlug conductor',
  };

  it('says what it is, and of which version', () => {
    for (const { service, component, image } of containers) {
      const label = (name: string) => image.Config.Labels?.[`org.opencontainers.image.${name}`];
      assert.equal(label('title'), titles[component], service);
      assert.match(label('description') ?? '', /\w+ \w+/, service);
      assert.equal(label('version'), version, service);
      // The user's own code is under the user's own terms.
      const isOwn = !['spark-driver', 'spark-worker'].includes(component);
      assert.equal(label('licenses'), isOwn ? 'Apache-2.0' : '', service);
    }
  });

  it('has a user without rights', () => {
    for (const { service, image } of containers) assert.equal(image.Config.User, '10001', service);
  });

  it('starts with an init', async () => {
    for (const { id, service } of containers) {
      assert.equal((await docker('exec', id, 'cat', '/proc/1/comm')).trim(), 'tini', service);
    }
  });

  it('has nothing to build or install with but what Debian itself consists of', async () => {
    const tools = 'pip[0-9.]*|mvn|gcc[-0-9]*|g[+][+][-0-9]*|cc|c[+][+]|ld|make|cmake|javac|npm|npx|yarn|git|curl|wget';
    // tini is there, which shows that the search sees what there is.
    const pattern = `.*/[.]?s?bin/(${tools}|tini)|.*-packages/pip`;
    const search = `find / -xdev -regextype posix-extended -regex '${pattern}' 2>/dev/null; true`;
    for (const { id, service } of oneOfEach()) {
      const found = await docker('exec', '--user', '0', id, 'sh', '-c', search);
      assert.deepEqual(found.split('\n'), ['/usr/bin/tini'], service);
    }
  });
});

describe('a container that is told to end', () => {
  /** Ends one and tells how that went. */
  async function end(service: string): Promise<{ exitCode: string; seconds: number }> {
    const id = await containerOf(cluster.projectId, service);
    const startedAt = performance.now();
    const [exitCode] = await Promise.all([docker('wait', id), docker('stop', '-t', '10', id)]);
    return { exitCode, seconds: (performance.now() - startedAt) / 1000 };
  }

  function assertQuiet({ exitCode, seconds }: { exitCode: string; seconds: number }): void {
    // 143: a JVM that SIGTERM has ended; 137 would be SIGKILL.
    assert.ok(['0', '143'].includes(exitCode), `exit code ${exitCode}`);
    assert.ok(seconds < 10, `${seconds} s`);
  }

  it('web does so by itself in the time that Swarm gives it, also while somebody follows its events', async () => {
    const followed = await ask(cluster, '/api/v1/events?follow=true');
    assert.equal(followed.status, 200);
    const [, ending] = await Promise.all([followed.text().catch(() => ''), end('web')]);
    assertQuiet(ending);
  });

  for (const service of [
    'spark-driver',
    'spark-worker-2',
    'datanode-2',
    'checkpointer',
    'history',
    'spark-master',
    'namenode',
    'scheduler',
  ]) {
    it(`${service} does so by itself in the time that Swarm gives it`, async () => {
      assertQuiet(await end(service));
    });
  }

  it('is replaced, and the cluster works as before', async () => {
    await awaitServices(cluster.projectId, servicesOfTwoWorkers);
    await pWaitFor(() => isReady(cluster), { interval: 500, timeout: 60_000 });
  });
});
