import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import type { Overrides } from './apply-overrides.ts';
import { parseConfig } from './parse-config.ts';

const least = 'name: app\njobs:\n  main: { main: main.py }\n';

/** `place | met | message | hint` of every problem. */
function problemsOf(text: string, overrides: Overrides = {}): readonly string[] {
  try {
    parseConfig(text, 'sparkplug.yaml', overrides);
  } catch (error) {
    if (!(error instanceof SparkPlugError)) throw error;
    assert.equal(error.code, 'CONFIG_INVALID');
    return error.problems.map(({ place, met, message, hint }) => [place, met ?? '', message, hint ?? ''].join(' | '));
  }
  return [];
}

/** The one problem of a text, as `place | met | message | hint`. */
function problemOf(text: string, overrides: Overrides = {}): string {
  const problems = problemsOf(text, overrides);
  assert.equal(problems.length, 1, problems.join('\n'));
  return problems[0] ?? '';
}

/** The one problem of a smallest file with more lines. */
function problemWith(lines: string): string {
  return problemOf(`${least}${lines}\n`);
}

/** The one problem of a job with these keys, in flow style. */
function problemOfJob(keys: string): string {
  return problemOf(`name: app\njobs:\n  main: { ${keys} }\n`);
}

test('the smallest file gets every default', () => {
  assert.deepEqual(parseConfig(least, 'sparkplug.yaml'), {
    name: 'app',
    jobs: [
      {
        name: 'main',
        main: 'main.py',
        className: null,
        args: [],
        env: {},
        secrets: [],
        timeoutMs: null,
        retries: 0,
        schedule: null,
        results: [],
      },
    ],
    requirements: null,
    packages: [],
    apt: [],
    spark: { version: '4.2.0', workers: 'auto', worker: 'auto', history: 'auto', conf: {} },
    hdfs: { datanodes: 'auto', replication: 'auto' },
    reserve: { memoryMiB: 'auto' },
    web: { port: 'auto', listen: 'auto', tls: null },
    images: { registry: null },
    runs: { keep: 50, parallel: 1 },
  });
});

test('a full file is read whole, in the units of the config', () => {
  const text = `
name: geopredict
jobs:
  predict:
    main: ./src/predict.py
    args: [--horizon, 7, 0.50, yes]
    env: { MODE: full, RATE: 1.0 }
    secrets: [warehouse_password]
    timeout: 1h30m
    retries: 2
    schedule: 0 3 * * *
    timezone: Europe/Zurich
    overlap: queue
    missed: once
    on_failure: { url: https://hooks.example.com/x?y=1, secret: hook_key }
    on_success: http://10.0.0.7:9000
    results:
      predictions: { path: /results/predictions/, key: household_id }
      metrics: { path: /results/metrics, unique: false }
  load: { main: target/app.jar, class: com.acme.Main }
requirements: requirements.txt
packages: ["org.postgresql:postgresql:42.7.8"]
apt: [libgomp1]
spark:
  version: "4.2.0"
  workers: 3
  worker: { cores: 2, memory: 4GiB }
  history: false
  conf: { spark.sql.shuffle.partitions: 64, spark.sql.ansi.enabled: true }
hdfs: { datanodes: 2, replication: 2 }
reserve: { memory: 2GiB }
web: { port: 8081, listen: all, tls: { certificate: tls/web.pem, key: web_key } }
images: { registry: registry.example.com/team/ }
runs: { keep: 5, parallel: 2 }
`;
  const config = parseConfig(text, 'sparkplug.yaml');
  const [predict, load] = config.jobs;
  assert.deepEqual(predict, {
    name: 'predict',
    main: 'src/predict.py',
    className: null,
    args: ['--horizon', '7', '0.50', 'yes'],
    env: { MODE: 'full', RATE: '1.0' },
    secrets: ['warehouse_password'],
    timeoutMs: 5_400_000,
    retries: 2,
    schedule: { cron: '0 3 * * *', timezone: 'Europe/Zurich', overlap: 'queue', missed: 'once' },
    results: [
      { name: 'predictions', path: '/results/predictions', key: 'household_id', unique: true },
      { name: 'metrics', path: '/results/metrics', key: null, unique: false },
    ],
    onFailure: { url: 'https://hooks.example.com/x?y=1', secret: 'hook_key' },
    onSuccess: { url: 'http://10.0.0.7:9000/', secret: null },
  });
  assert.equal(load?.className, 'com.acme.Main');
  assert.deepEqual(config.spark, {
    version: '4.2.0',
    workers: 3,
    worker: { executors: 1, cores: 2, memoryMiB: 4096 },
    history: false,
    conf: { 'spark.sql.shuffle.partitions': '64', 'spark.sql.ansi.enabled': 'true' },
  });
  assert.deepEqual(config.reserve, { memoryMiB: 2048 });
  assert.deepEqual(config.web, {
    port: 8081,
    listen: 'all',
    tls: { certificate: 'tls/web.pem', key: 'web_key' },
  });
  assert.deepEqual(config.images, { registry: 'registry.example.com/team' });
  assert.deepEqual(config.runs, { keep: 5, parallel: 2 });
});

test('every problem is reported at once, from the top to the end', () => {
  const text = `name: Bad_Name
jbos: {}
jobs:
  one:
    main: app.jar
    timeout: 5
    results: { r: { path: results } }
  two:
    main: src/x.py
    class: com.acme.Main
    results: { r: { path: /r } }
spark:
  workers: 0
  worker: { core: 2, memory: 4 }
  conf: { foo: 1, spark.master: local }
web: { port: 99999 }
`;
  assert.deepEqual(
    problemsOf(text).map((problem) => problem.split(' | ')[0]),
    [
      'sparkplug.yaml:1:7 name',
      'sparkplug.yaml:2:1 jbos',
      'sparkplug.yaml:5:11 jobs.one.main',
      'sparkplug.yaml:6:14 jobs.one.timeout',
      'sparkplug.yaml:7:27 jobs.one.results.r.path',
      'sparkplug.yaml:10:5 jobs.two.class',
      'sparkplug.yaml:11:16 jobs.two.results.r',
      'sparkplug.yaml:13:12 spark.workers',
      'sparkplug.yaml:14:3 spark.worker.cores',
      'sparkplug.yaml:14:13 spark.worker.core',
      'sparkplug.yaml:14:30 spark.worker.memory',
      'sparkplug.yaml:15:11 spark.conf.foo',
      'sparkplug.yaml:15:19 spark.conf.spark.master',
      'sparkplug.yaml:16:14 web.port',
    ],
  );
});

test('a single problem is on the error itself as well', () => {
  assert.throws(() => parseConfig(`${least}apt: [Foo]`, 'sparkplug.yaml'), {
    code: 'CONFIG_INVALID',
    exitCode: 2,
    message: 'sparkplug.yaml has a problem.',
    place: 'sparkplug.yaml:4:7 apt[0]',
    met: 'Foo',
  });
});

test('unknown keys come with the nearest known one, or the place where they belong', () => {
  assert.match(
    problemWith('wed: { port: 1 }'),
    /^sparkplug\.yaml:4:1 wed \| wed \| There is no such key here\. \| Did you mean `web`\?/,
  );
  assert.match(problemWith('spark: { woker: auto }'), /Did you mean `worker`\?/);
  assert.match(problemWith('datanodes: 2'), /It belongs under `hdfs`\./);
  assert.match(problemWith('spark: { apt: [x] }'), /`apt` stands at the top of the file\./);
  assert.match(problemWith('runs: { zzz: 1 }'), /Known here: keep, parallel\./);
  assert.match(problemOfJob('main: a.py, shedule: x'), /Did you mean `schedule`\?$/);
});

test('keys of later versions are refused by name', () => {
  for (const line of ['network: { encrypted: auto }', 'metrics: true']) {
    assert.match(problemWith(line), /This is not yet supported\./, line);
  }
});

test('targets of notifications that cannot be are refused, each with what is wrong', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['on_failure: 7', /on_failure \| 7 \| This must be a URL\. \| Write for example `https:/],
    ['on_failure: hooks.example.com', /\| This must be a URL\./],
    ['on_failure: "https://a.example/x y"', /\| This must be a URL\./],
    ['on_failure: "ftp://a.example/x"', /\| Only `https` and `http` can be called\./],
    ['on_failure: "file:///etc/passwd"', /\| Only `https` and `http` can be called\./],
    ['on_success: "https://me:pw@a.example/x"', /Credentials never stand in this file\. \| Sign with a secret/],
    ['on_success: "https://a.example/x#y"', /The part after `#` would never be sent/],
    ['on_success: { secret: hook_key }', /\| This must be a URL\./],
    ['on_success: { url: "https://a.example/", secret: 7 }', /`secret` must be the name of a secret/],
    [
      'on_success: { url: "https://a.example/", sekret: x }',
      /There is no key `sekret` here\. \| Known here: url, secret/,
    ],
    ['on_success: { url: "https://a.example/", secret: control }', /SparkPlug has a secret of this name itself/],
    ['on_success: { url: "https://a.example/", secret: "a b" }', /This is no name for a secret/],
  ];
  for (const [line, expected] of cases) assert.match(problemOfJob(`main: a.py, ${line}`), expected, line);
});

test('a schedule says what it needs, and no more', () => {
  const [job] = parseConfig('name: app\njobs: { a: { main: a.py, schedule: 0 3 * * * } }\n', 'sparkplug.yaml').jobs;
  assert.deepEqual(job?.schedule, { cron: '0 3 * * *', timezone: 'UTC', overlap: 'skip', missed: 'skip' });
  assert.match(problemWith('schedule: 0 3 * * *'), /There is no such key here\. \| It belongs under `jobs\.NAME`/);
  const every = (rule: string): string => `name: app\njobs:\n  a:\n    main: a.py\n    schedule: ${rule}\n`;
  for (const rule of ['* * * * *', '*/5 * * * *']) {
    assert.match(problemOf(every(rule)), /^sparkplug\.yaml:5:\d+ \| \*.* \| Not valid YAML.* \| .* in quotes/, rule);
    assert.deepEqual(problemsOf(every(`"${rule}"`)), []);
  }
});

test('settings of the history and of the driver’s pages are not for the project file', () => {
  for (const key of ['spark.eventLog.enabled', 'spark.eventLog.dir', 'spark.history.ui.port', 'spark.ui.killEnabled']) {
    assert.match(problemWith(`spark: { conf: { ${key}: x } }`), /SparkPlug sets this itself/, key);
  }
  assert.match(problemWith('spark: { history: sometimes }'), /must be `true` or `false`.*or `auto`/);
  assert.match(problemWith('history: true'), /It belongs under `spark`/);
});

test('values of the wrong type or out of range name what was met', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['spark: { workers: 0 }', /spark\.workers \| 0 \| This must be a whole number from 1 .* or `auto`/],
    ['spark: { workers: 1.5 }', /\| 1\.5 \| This must be a whole number/],
    ['spark: { workers: many }', /\| many \| This must be a number/],
    ['spark: { worker: big }', /\| big \| This is not a worker/],
    ['spark: { worker: { cores: 2, memory: 4 } }', /\| 4 \| A size needs a unit\. \| Write `4GiB`/],
    ['spark: { worker: { cores: 2, memory: 4GB } }', /\| 4GB \| This is not a size/],
    ['spark: { worker: { memory: 4GiB } }', /spark\.worker\.cores \| {2}\| The key `cores` is missing/],
    ['spark: { version: 3.5 }', /\| 3\.5 \| This version of Spark is not supported\. \| Write `"4\.2\.0"`/],
    ['spark: [a]', /\| \[a\] \| This must be a mapping/],
    ['spark:', /4:1 spark \| {2}\| This is empty/],
    ['hdfs: { datanodes: 2, replication: 3 }', /\| 3 \| 3 replicas of a file need 3 DataNodes/],
    ['hdfs: { replication: 0 }', /\| 0 \| This must be a whole number from 1/],
    ['reserve: { memory: 2 }', /A size needs a unit/],
    ['web: { port: 65536 }', /whole number from 1 to 65535/],
    ['web: { port: "8080" }', /\| "8080" \| This must be a number/],
    ['web: { port: 2377 }', /used by Docker Swarm itself/],
    ['web: { listen: world }', /\| world \| This must be `auto`, `local` or `all`/],
    ['web: { tls: { certificate: a.pem, key: k } }', /TLS is for other computers to connect/],
    ['web: { listen: all, tls: { key: k } }', /certificate` is missing/],
    ['web: { listen: all, tls: { certificate: ../a.pem, key: k } }', /inside the project folder/],
    ['web: { listen: all, tls: { certificate: a.pem, key: control } }', /SparkPlug has a secret of this name itself/],
    ['runs: { keep: 0 }', /runs\.keep \| 0/],
    ['runs: { parallel: -1 }', /runs\.parallel \| -1/],
    ['images: { registry: "https://x.example" }', /named without `https:\/\/`/],
    ['images: { registry: "me:pw@x.example" }', /Credentials never stand in this file/],
    ['images: { registry: "a b" }', /not the address of a registry/],
    ['packages: [a:b]', /packages\[0\] \| a:b \| This is not a Maven coordinate/],
    ['packages: ["a:b:[1,2)"]', /not a Maven coordinate with a fixed version/],
    ['packages: ["a:b:LATEST"]', /not a Maven coordinate with a fixed version/],
    ['apt: ["x; rm -rf /"]', /not the name of a Debian package/],
    ['apt: libgomp1', /\| libgomp1 \| This must be a list/],
    ['requirements: ../r.txt', /must be inside the project folder/],
    ['requirements: [a]', /must be the path of a file/],
  ];
  for (const [line, expected] of cases) assert.match(problemWith(line), expected, line);
});

test('problems of a job', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['args: [x]', /jobs\.main\.main \| {2}\| The key `main` is missing/],
    ['main: a.sh', /A job is a Python file or a jar/],
    ['main: /a.py', /must be inside the project folder/],
    ['main: a.jar', /A jar needs the name of its main class/],
    ['main: a.py, class: com.A', /A Python job has no main class/],
    ['main: a.jar, class: "com A"', /not the name of a class/],
    ['main: a.py, timeout: 90', /A duration needs a unit\. \| Write `90s`/],
    ['main: a.py, timeout: soon', /not a duration/],
    ['main: a.py, timeout: 5ms', /shorter than a second/],
    ['main: a.py, retries: -1', /whole number from 0/],
    ['main: a.py, schedule: 5', /schedule \| 5 \| This must be a cron rule\. \| Write for example `schedule: "0 3/],
    ['main: a.py, schedule: 0 3 * *', /schedule \| 0 3 \* \* \| A cron rule has five fields, this has 4/],
    ['main: a.py, schedule: 61 3 * * *', /\| This is not a cron rule: Invalid value for minute: 61/],
    ['main: a.py, schedule: 0 0 31 2 *', /schedule \| 0 0 31 2 \* \| This never comes.* \| Name a day/],
    ['main: a.py, schedule: 0 3 * * *, timezone: Zurich', /timezone \| Zurich \| .* Did you mean `Europe\/Zurich`/],
    ['main: a.py, schedule: 0 3 * * *, timezone: 2', /timezone \| 2 \| There is no such time zone/],
    ['main: a.py, schedule: 0 3 * * *, overlap: no', /overlap \| no \| This must be `skip` or `queue`/],
    ['main: a.py, schedule: 0 3 * * *, missed: all', /missed \| all \| This must be `skip` or `once`/],
    ['main: a.py, schedule: 0 3 * * *, missed: ', /missed \| {2}\| This is empty/],
    ['main: a.py, timezone: UTC', /timezone \| timezone \| `timezone` says nothing without `schedule`\. \| Add/],
    ['main: a.py, overlap: skip', /`overlap` says nothing without `schedule`/],
    ['main: a.py, missed: once', /`missed` says nothing without `schedule`/],
    ['main: a.py, args: x', /This must be a list/],
    ['main: a.py, args: [[1]]', /args\[0\] \| \[1\] \| An argument is a text/],
    ['main: a.py, env: { 1A: x }', /env\.1A \| 1A \| This is no name for a variable/],
    ['main: a.py, env: { SPARKPLUG_X: x }', /SparkPlug sets this variable itself/],
    ['main: a.py, env: { A: }', /This is empty/],
    ['main: a.py, secrets: [web_tokens]', /SparkPlug has a secret of this name itself/],
    ['main: a.py, secrets: ["../x"]', /no name for a secret/],
    [`main: a.py, secrets: [${'x'.repeat(41)}]`, /40 at most in this project/],
    ['main: a.py, secrets: [a, a]', /secrets\[1\] \| a \| This is named twice/],
    ['main: a.py, results: { "a b": { path: /r } }', /no name for a result/],
    ['main: a.py, results: { r: { path: r } }', /The path must be absolute/],
    ['main: a.py, results: { r: { path: "hdfs://x/r" } }', /a path, not a URI/],
    ['main: a.py, results: { r: { path: / } }', /no folder for a result/],
    ['main: a.py, results: { r: { path: /a/../b } }', /no folder for a result/],
    ['main: a.py, results: { r: { path: /r, key: 5 } }', /must be the name of a column/],
    ['main: a.py, results: { r: { path: /r, unique: maybe } }', /must be `true` or `false`/],
  ];
  for (const [keys, expected] of cases) assert.match(problemOfJob(keys), expected, keys);
});

test('settings that SparkPlug owns are refused with the reason', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['foo.bar', /start with `spark\.`\. \| Write `spark\.foo\.bar`/],
    ['spark.a\\b', /cannot be the name of a setting/],
    ['spark.authenticate.secret', /authenticated and encrypted/],
    ['spark.driver.host', /data network/],
    ['spark.executor.memory', /divide the worker's container.* Set `spark\.worker\.memory` instead/],
    ['spark.executor.cores', /Set `spark\.worker\.cores` instead/],
    ['spark.cores.max', /Set `runs\.parallel` instead/],
    ['spark.jars.packages', /List them under `packages:` instead/],
    ['spark.hadoop.dfs.replication', /Set `hdfs\.replication` instead/],
  ];
  for (const [key, expected] of cases) assert.match(problemWith(`spark: { conf: { ${key}: x } }`), expected, key);
  assert.deepEqual(
    problemsOf(`${least}spark: { conf: { spark.executor.extraJavaOptions: -Xss4m, spark.hadoop.dfs.blocksize: 1m } }`),
    [],
  );
  assert.match(problemWith('spark: { conf: { spark.x: "a\\nb" } }'), /must be one line/);
});

test('names of results are unique in the project', () => {
  const text =
    'name: app\njobs:\n  a: { main: a.py, results: { r: { path: /a } } }\n  b: { main: b.py, results: { r: { path: /b } } }\n';
  assert.match(
    problemOf(text),
    /^sparkplug\.yaml:4:31 jobs\.b\.results\.r \| r \| Job a has a result of this name too/,
  );
});

test('names of project and jobs', () => {
  for (const name of ['App', '1a', 'a_b', 'a--b', 'a-', 'x'.repeat(25), '5']) {
    assert.match(problemOf(least.replace('app', name)), /can stand in host names/, name);
  }
  assert.match(problemOf('name: app\njobs: {}\n'), /at least one job/);
  assert.match(problemOf('name: app\n'), /The key `jobs` is missing/);
  assert.match(
    problemOf('name: app\njobs: { "a/b": { main: a.py } }\n'),
    /2:9 jobs\.a\/b \| a\/b \| This is no name for a job/,
  );
});

test('what is no YAML or no mapping is told with its place', () => {
  assert.match(problemOf(''), /^sparkplug\.yaml:1:1 \| {2}\| The file is empty/);
  assert.match(problemOf('# nothing\n'), /The file is empty/);
  assert.match(problemOf('- a\n'), /must be a mapping/);
  assert.match(problemOf('just words'), /must be a mapping/);
  assert.match(problemOf('name: [a\njobs: {}\n'), /^sparkplug\.yaml:\d+:\d+ \| .*Not valid YAML/);
  assert.match(problemOf('name: app\njobs:\n\tmain: x\n'), /^sparkplug\.yaml:3:1 .* indented with spaces/);
  assert.match(problemOf(`${least}---\n${least}`), /several YAML documents/);
});

test('a duplicate key does not hide the other problems', () => {
  const [duplicate, other, ...more] = problemsOf(`${least}name: app\napt: [Foo]\n`);
  assert.match(duplicate ?? '', /^sparkplug\.yaml:4:1 \| name: app… \| This key stands here twice/);
  assert.match(other ?? '', /^sparkplug\.yaml:5:7 apt\[0\]/);
  assert.deepEqual(more, []);
});

test('aliases are followed, but not without end', () => {
  const config = parseConfig('name: app\njobs:\n  a: &a { main: a.py, env: { A: x } }\n  b: *a\n', 'sparkplug.yaml');
  assert.deepEqual(config.jobs[1], { ...config.jobs[0], name: 'b' });
  assert.match(problemOf('name: app\njobs: &j\n  a: *j\n'), /nested too deeply/);
  const levels = Array.from({ length: 9 }, (_, level) => `k${level + 1}: &k${level + 1} [${`*k${level},`.repeat(9)}]`);
  assert.match(problemOf(`k0: &k0 [x]\n${levels.join('\n')}\n`), /too many values/);
});

test('overrides are stronger than the file and named as flags where they are wrong', () => {
  const overrides = {
    'spark.workers': '4',
    'spark.conf.spark.x.y': '1.10',
    'web.port': '9000',
    'reserve.memory': '1GiB',
  };
  const config = parseConfig(`${least}spark: { workers: 2, version: "4.2.0" }\n`, 'sparkplug.yaml', overrides);
  assert.equal(config.spark.workers, 4);
  assert.deepEqual(config.spark.conf, { 'spark.x.y': '1.10' });
  assert.equal(config.web.port, 9000);
  assert.equal(config.reserve.memoryMiB, 1024);
  assert.match(problemOf(least, { 'spark.workers': '0' }), /^flag spark\.workers \| 0 \| This must be a whole number/);
  assert.match(
    problemOf(least, { 'spark.wokers': '1' }),
    /^flag spark\.wokers \| wokers \| There is no such key here\. \| Did you mean `workers`/,
  );
});
