import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import pWaitFor from 'p-wait-for';
import type { Publication, ResultInfo } from '../api/schemas.ts';
import { parquetOf } from '../runs/results/parquet.fixture.ts';
import { startTestWeb, type TestWeb } from './web-server.fixture.ts';

let web: TestWeb;
let sequence = 0;
before(async () => {
  web = await startTestWeb();
});
after(() => web.close());

interface Wanted {
  readonly name: string;
  readonly path?: string;
  readonly key?: string | null;
  readonly unique?: boolean;
  readonly notBeforeMs?: number;
}

function nextRun(): string {
  sequence += 1;
  return `run-${sequence}`;
}

function publish(run: string, results: readonly Wanted[]): Promise<Response> {
  const full = results.map((result) => ({
    path: `/results/${run}/${result.name}`,
    key: null,
    unique: true,
    notBeforeMs: 0,
    ...result,
  }));
  return web.internal('POST', '/internal/publications', { run, job: 'job', results: full });
}

async function refusal(
  run: string,
  results: readonly Wanted[],
): Promise<{ code: string; detail: string; status: number }> {
  const answer = await publish(run, results);
  const problem = (await answer.json()) as { code: string; detail: string; status: number };
  assert.equal(answer.status, problem.status);
  assert.deepEqual(
    await readdir(join(web.folder, 'results')).then((names) => names.filter((name) => name.includes(run))),
    [],
  );
  return problem;
}

/** What the scheduler does after a publication: the switch. */
async function publishAndSwitch(run: string, results: readonly Wanted[]): Promise<Publication> {
  const answer = await publish(run, results);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  const publication = JSON.parse(text) as Publication;
  const infos = publication.published.map(({ name, rows, columns }): ResultInfo => {
    const { key = null, unique = true } = results.find((result) => result.name === name) ?? {};
    const before = web.scheduler.current.find((current) => current.name === name);
    const publishedAt = '2026-01-01T00:00:00.000Z';
    return { name, job: 'job', run, version: (before?.version ?? 0) + 1, rows, key, unique, publishedAt, columns };
  });
  const names = new Set(infos.map(({ name }) => name));
  web.scheduler.current = [...web.scheduler.current.filter(({ name }) => !names.has(name)), ...infos];
  return publication;
}

async function json(path: string): Promise<{ status: number; body: unknown; headers: Headers }> {
  const answer = await web.fetch(path);
  return { status: answer.status, body: await answer.json(), headers: answer.headers };
}

async function putParts(folder: string, ...selects: string[]): Promise<void> {
  for (const [index, select] of selects.entries()) {
    web.hdfs.put(`${folder}/part-0000${index}-uuid.snappy.parquet`, await parquetOf(select));
  }
  web.hdfs.put(`${folder}/_SUCCESS`, '');
}

describe('publishing', () => {
  it('takes all part files, with partition folders and without what is hidden', async () => {
    const run = nextRun();
    const folder = `/results/${run}/parted`;
    for (const year of ['2016', '2017', '__HIVE_DEFAULT_PARTITION__']) {
      web.hdfs.put(`${folder}/year=${year}/part-0.parquet`, await parquetOf('SELECT i AS id FROM range(3) t(i)'));
      web.hdfs.put(`${folder}/year=${year}/.part-0.parquet.crc`, 'no parquet');
    }
    web.hdfs.put(`${folder}/_SUCCESS`, '');
    web.hdfs.put(`${folder}/_metadata`, 'no parquet');
    const { published } = await publishAndSwitch(run, [{ name: 'parted' }]);
    assert.deepEqual(published, [
      {
        name: 'parted',
        rows: 9,
        columns: [
          { name: 'id', type: 'BIGINT' },
          { name: 'year', type: 'BIGINT' },
        ],
      },
    ]);
    const { body } = await json('/api/v1/results/parted?year=2017&id=2');
    assert.deepEqual((body as { rows: unknown }).rows, [{ id: 2, year: 2017 }]);
  });

  it('takes a single file and an empty table', async () => {
    const run = nextRun();
    web.hdfs.put(`/results/${run}/one`, await parquetOf('SELECT 1 AS a'));
    await putParts(`/results/${run}/none`, 'SELECT 1 AS a WHERE a = 2');
    const { published } = await publishAndSwitch(run, [{ name: 'one' }, { name: 'none', key: 'a' }]);
    assert.deepEqual(
      published.map(({ rows }) => rows),
      [1, 0],
    );
  });

  it('is repeated without harm, also while the first is under way', async () => {
    const run = nextRun();
    await putParts(`/results/${run}/twice`, 'SELECT 1 AS a');
    const [first, second] = await Promise.all([publish(run, [{ name: 'twice' }]), publish(run, [{ name: 'twice' }])]);
    const third = await publish(run, [{ name: 'twice' }]);
    const bodies = await Promise.all([first, second, third].map((answer) => answer.json()));
    assert.deepEqual(bodies[0], bodies[1]);
    assert.deepEqual(bodies[0], bodies[2]);
  });

  it('refuses what the run did not write', async () => {
    const run = nextRun();
    assert.equal((await refusal(run, [{ name: 'absent' }])).code, 'RESULT_MISSING');
    web.hdfs.put(`/results/${run}/old/part-0.parquet`, await parquetOf('SELECT 1 AS a'), 1_000);
    const old = await refusal(run, [{ name: 'old', notBeforeMs: 2_000 }]);
    assert.equal(old.code, 'RESULT_MISSING');
    assert.match(old.detail, /not written by this run/);
    web.hdfs.put(`/results/${run}/old/_SUCCESS`, '', 3_000);
    assert.equal(
      (await publish(nextRun(), [{ name: 'old', path: `/results/${run}/old`, notBeforeMs: 2_000 }])).status,
      200,
    );
  });

  it('refuses half a result', async () => {
    const run = nextRun();
    await putParts(`/results/${run}/half`, 'SELECT 1 AS a');
    web.hdfs.put(`/results/${run}/half/_temporary/0/task/part-1.parquet`, 'x');
    assert.equal((await refusal(run, [{ name: 'half' }])).code, 'RESULT_INCOMPLETE');
  });

  it('refuses what is no Parquet, naming the file', async () => {
    const run = nextRun();
    web.hdfs.put(`/results/${run}/csv/part-0.csv`, 'a,b\n1,2\n3,4\n5,6\n');
    const csv = await refusal(run, [{ name: 'csv' }]);
    assert.equal(csv.code, 'RESULT_NOT_PARQUET');
    assert.match(csv.detail, /part-0\.csv/);
    web.hdfs.put(`/results/${run}/bare/_SUCCESS`, '');
    assert.equal((await refusal(run, [{ name: 'bare' }])).code, 'RESULT_NOT_PARQUET');
    web.hdfs.put(`/results/${run}/tiny/x.parquet`, 'PAR1');
    assert.equal((await refusal(run, [{ name: 'tiny' }])).code, 'RESULT_NOT_PARQUET');
  });

  it('refuses damaged files and files of different types', async () => {
    const run = nextRun();
    const whole = await parquetOf("SELECT i, 'some text ' || i AS t FROM range(20000) s(i)");
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 100, 40_000);
    web.hdfs.put(`/results/${run}/damaged/x.parquet`, damaged);
    assert.equal((await refusal(run, [{ name: 'damaged' }])).code, 'RESULT_UNREADABLE');
    const footless = Buffer.from(whole);
    footless.fill(0xee, whole.length - 300, whole.length - 8);
    web.hdfs.put(`/results/${run}/footless/x.parquet`, footless);
    const problem = await refusal(run, [{ name: 'footless' }]);
    assert.equal(problem.code, 'RESULT_UNREADABLE');
    assert.equal(problem.detail.includes(web.folder), false);
    await putParts(`/results/${run}/mixed`, 'SELECT 1 AS a', 'SELECT [1, 2] AS a');
    assert.equal((await refusal(run, [{ name: 'mixed' }])).code, 'RESULT_UNREADABLE');
  });

  it('refuses keys that are missing, null, doubled or nested', async () => {
    const run = nextRun();
    await putParts(
      `/results/${run}/keyed`,
      'SELECT * FROM (VALUES (1, \'a\', [1]), (2, NULL, [2])) t(id, "na""me", l)',
      'SELECT 2 AS id, \'b\' AS "na""me", [3] AS l',
    );
    const missing = await refusal(run, [{ name: 'keyed', key: 'household_id' }]);
    assert.equal(missing.code, 'RESULT_KEY_MISSING');
    assert.match(missing.detail, /id, na"me, l/);
    const doubled = await refusal(run, [{ name: 'keyed', key: 'id' }]);
    assert.equal(doubled.code, 'RESULT_KEY_DUPLICATE');
    assert.match(doubled.detail, /2 rows have the id 2/);
    assert.equal((await refusal(run, [{ name: 'keyed', key: 'na"me' }])).code, 'RESULT_KEY_NULL');
    assert.equal((await refusal(run, [{ name: 'keyed', key: 'l' }])).code, 'RESULT_KEY_MISSING');
    assert.equal((await publish(run, [{ name: 'keyed', key: 'id', unique: false }])).status, 200);
  });

  it('publishes all results of a run or none', async () => {
    const run = nextRun();
    await putParts(`/results/${run}/good`, 'SELECT 1 AS a');
    assert.equal((await refusal(run, [{ name: 'good' }, { name: 'bad' }])).code, 'RESULT_MISSING');
  });

  it('refuses names and requests that are no such thing', async () => {
    for (const name of ['../x', 'a/b', '', '.hidden']) {
      assert.equal((await publish(nextRun(), [{ name, path: '/x' }])).status, 400, name);
    }
    assert.equal((await publish('../up', [])).status, 400);
    assert.equal((await web.internal('POST', '/internal/publications', { run: 1 })).status, 400);
  });
});

describe('reading', () => {
  const rows = "SELECT i::INTEGER AS id, 'name ' || i AS name, i % 3 AS \"gr'oup\" FROM range(250) t(i)";

  before(async () => {
    const run = nextRun();
    await putParts(`/results/${run}/table`, `${rows} ORDER BY i DESC`);
    await putParts(`/results/${run}/loose`, rows);
    await publishAndSwitch(run, [
      { name: 'table', key: 'id' },
      { name: 'loose', key: "gr'oup", unique: false },
    ]);
  });

  it('pages in a stable order', async () => {
    const ids: unknown[] = [];
    for (let offset = 0; offset < 250; offset += 100) {
      const { body } = await json(`/api/v1/results/table?offset=${offset}`);
      const page = body as { rows: { id: number }[]; total: number; limit: number };
      assert.deepEqual([page.total, page.limit], [250, 100]);
      ids.push(...page.rows.map(({ id }) => id));
    }
    assert.deepEqual(
      ids,
      Array.from({ length: 250 }, (_, index) => index),
    );
  });

  it('filters by columns, with values that stay values', async () => {
    const { body } = await json(`/api/v1/results/table?${new URLSearchParams({ "gr'oup": '1', id: '4' })}`);
    assert.deepEqual((body as { rows: unknown }).rows, [{ id: 4, name: 'name 4', "gr'oup": 1 }]);
    const evil = await json(`/api/v1/results/table?${new URLSearchParams({ name: "x' OR 1=1 --" })}`);
    assert.deepEqual([evil.status, (evil.body as { total: number }).total], [200, 0]);
    const full = await json(
      `/api/v1/results/table?${new URLSearchParams({ "gr'oup": '0', limit: '5', offset: '80' })}`,
    );
    assert.deepEqual([(full.body as { total: number }).total, (full.body as { rows: unknown[] }).rows.length], [84, 4]);
  });

  it('tells wrong columns, values and parameters', async () => {
    const cases = [
      ['nope=1', /its columns are id, name, gr'oup/],
      ['id" = 1 OR "id=1', /its columns are/],
      ['id=1%20OR%201=1', /give a INTEGER/],
      ['id=1.5', /give a INTEGER/],
      ['id=99999999999', /give a INTEGER/],
      ['id=1&id=2', /./],
      ['limit=10001', /./],
    ] as const;
    for (const [query, hint] of cases) {
      const { status, body } = await json(`/api/v1/results/table?${query}`);
      const problem = body as { code: string; hint?: string; detail: string };
      assert.deepEqual([status, problem.code], [400, 'RESULT_QUERY_INVALID'], query);
      assert.match(problem.hint ?? problem.detail, hint);
    }
  });

  it('compares by operators, with names and values that hold colons, and sorts', async () => {
    const run = nextRun();
    await putParts(
      `/results/${run}/ops`,
      'SELECT i AS id, i % 3 AS g, CASE i WHEN 4 THEN NULL ELSE \'a:ge:\' || i END AS "n:x" FROM range(6) t(i)',
    );
    await publishAndSwitch(run, [{ name: 'ops', key: 'g', unique: false }]);
    const ids = async (...pairs: [string, string][]): Promise<unknown> => {
      const { status, body } = await json(`/api/v1/results/ops?${new URLSearchParams(pairs)}`);
      return status === 200
        ? (body as { rows: { id: number }[] }).rows.map(({ id }) => id)
        : (body as { code: string }).code;
    };
    assert.deepEqual(await ids(['where', 'id:ge:2'], ['where', 'id:lt:4'], ['g', '0']), [3]);
    assert.deepEqual(await ids(['where', 'n:x:eq:a:ge:5']), [5]);
    assert.deepEqual(await ids(['where', 'n:x:ne:a:ge:5']), [0, 1, 2, 3, 4]);
    assert.deepEqual(await ids(['where', 'n:x:contains::ge:1']), [1]);
    assert.deepEqual(await ids(['where', "n:x:contains:' OR 1=1 --"]), []);
    assert.deepEqual(await ids(['sort', '-g,id']), [2, 5, 1, 4, 0, 3]);
    assert.deepEqual(await ids(['sort', 'g'], ['offset', '2'], ['limit', '3']), [1, 4, 2]);
    for (const [name, value] of [
      ['where', 'id:like:1'],
      ['where', 'id:toString:1'],
      ['where', 'id'],
      ['where', 'id:contains:1'],
      ['where', 'id:gt:1 OR 1=1'],
      ['where', 'nope:eq:1'],
      ['sort', 'id;DROP'],
      ['sort', ''],
    ] as const) {
      assert.equal(await ids([name, value]), 'RESULT_QUERY_INVALID', `${name}=${value}`);
    }
    assert.equal(await ids(['format', 'xml']), 'REQUEST_INVALID');
  });

  it('streams CSV that a parser reads back, raw', async () => {
    const run = nextRun();
    const select = `SELECT 1 AS "a,b", 'x"y' || chr(13) || chr(10) || 'z' AS t, '' AS e, NULL::VARCHAR AS n, '=1+1' AS f, [1, 2] AS l, 12.50::DECIMAL(8,2) AS d`;
    await putParts(`/results/${run}/text`, select);
    await publishAndSwitch(run, [{ name: 'text' }]);
    const answer = await web.fetch('/api/v1/results/text?format=csv');
    assert.equal(answer.headers.get('content-type'), 'text/csv; charset=utf-8; header=present');
    assert.match(answer.headers.get('etag') ?? '', /\.csv"$/);
    assert.equal(await answer.text(), '"a,b",t,e,n,f,l,d\r\n1,"x""y\r\nz","",,=1+1,"[1,2]",12.50\r\n');
    const asked = await web.fetch('/api/v1/results/table?limit=2&offset=1&sort=-id', {
      headers: { accept: 'application/json;q=0.5, text/csv' },
    });
    assert.equal(await asked.text(), "id,name,gr'oup\r\n248,name 248,2\r\n247,name 247,1\r\n");
    const known = await web.fetch('/api/v1/results/table?format=csv', {
      headers: { 'if-none-match': asked.headers.get('etag') ?? '' },
    });
    assert.equal(known.status, 304);
    const json = await web.fetch('/api/v1/results/table', {
      headers: { 'if-none-match': asked.headers.get('etag') ?? '' },
    });
    assert.equal(json.status, 200);
    const wrong = await web.fetch('/api/v1/results/table?format=csv&nope=1');
    assert.deepEqual([wrong.status, ((await wrong.json()) as { code: string }).code], [400, 'RESULT_QUERY_INVALID']);
  });

  it('streams Arrow that a reader reads back', async () => {
    const run = nextRun();
    const select = `SELECT i::INTEGER AS id, i::BIGINT AS big, 'n' || i AS name, i / 2 AS half, DATE '2020-01-01' + i::INTEGER AS day,
      TIMESTAMP '2020-01-01 00:00:00.5' AS at, (i - 1)::DECIMAL(10,2) AS money, i = 1 AS one, CASE i WHEN 1 THEN NULL ELSE [i] END AS list,
      'x'::BLOB AS bytes FROM range(5000) t(i)`;
    await putParts(`/results/${run}/typed`, select);
    await putParts(`/results/${run}/void`, 'SELECT 1 AS a WHERE a = 2');
    await publishAndSwitch(run, [{ name: 'typed', key: 'id' }, { name: 'void' }]);
    const answer = await web.fetch('/api/v1/results/typed?format=arrow');
    assert.equal(answer.headers.get('content-type'), 'application/vnd.apache.arrow.stream');
    const table = tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
    assert.deepEqual([table.numRows, table.schema.fields.length], [5000, 10]);
    assert.ok(table.batches.length > 1);
    const row = table.get(4999)?.toJSON();
    assert.deepEqual(
      [row?.id, row?.big, row?.name, row?.half, row?.one, row?.list],
      [4999, 4999n, 'n4999', 2499.5, false, '[4999]'],
    );
    assert.equal(table.get(1)?.toJSON().list, null);
    assert.equal(String(table.getChild('money')?.get(0)), '-100');
    assert.equal(new Date(Number(table.getChild('day')?.get(1))).toISOString().slice(0, 10), '2020-01-02');
    assert.equal(Number(table.getChild('at')?.get(0)), Date.parse('2020-01-01T00:00:00.500Z'));
    const empty = await web.fetch('/api/v1/results/void?format=arrow');
    assert.equal(tableFromIPC(new Uint8Array(await empty.arrayBuffer())).schema.fields[0]?.name, 'a');
  });

  it('holds a stream at the pace of its reader, and lets go of it when the reader leaves', async () => {
    const run = nextRun();
    await putParts(`/results/${run}/long`, "SELECT i, repeat('x', 500) AS t FROM range(200000) t(i)");
    await publishAndSwitch(run, [{ name: 'long' }]);
    const readers = await Promise.all(Array.from({ length: 16 }, () => web.fetch('/api/v1/results/long?format=csv')));
    const busy = await web.fetch('/api/v1/results/long?format=csv');
    assert.deepEqual([busy.status, ((await busy.json()) as { code: string }).code], [429, 'RATE_LIMITED']);
    // Others are answered while all of them stand still.
    assert.equal((await web.fetch('/api/v1/results/table/42')).status, 200);
    for (const reader of readers) await reader.body?.cancel();
    const isFree = async () => {
      const answer = await web.fetch('/api/v1/results/long?format=csv&limit=1');
      await answer.text();
      return answer.status === 200;
    };
    await pWaitFor(isFree, { interval: 20, timeout: 10_000 });
  });

  it('looks keys up: one row, an array where keys repeat, 404 for none', async () => {
    const { body, headers } = await json('/api/v1/results/table/42');
    assert.deepEqual(body, { id: 42, name: 'name 42', "gr'oup": 0 });
    assert.match(headers.get('x-sparkplug-run') ?? '', /^run-/);
    const loose = await json('/api/v1/results/loose/2');
    assert.equal((loose.body as unknown[]).length, 83);
    for (const key of ['250', '4.2', 'abc', '42%20or%201', "42'--"]) {
      const { status, body: problem } = await json(`/api/v1/results/table/${key}`);
      assert.deepEqual([status, (problem as { code: string }).code], [404, 'RESULT_KEY_NOT_FOUND'], key);
    }
    assert.equal((await json('/api/v1/results/unknown/1')).status, 404);
  });

  it('answers 304 to those who have the version', async () => {
    const { headers } = await json('/api/v1/results/table/42');
    const tag = headers.get('etag') ?? '';
    assert.match(tag, /^"run-\d+-1"$/);
    for (const path of ['/api/v1/results/table/42', '/api/v1/results/table?limit=3']) {
      const known = await web.fetch(path, { headers: { 'if-none-match': `"other", W/${tag}` } });
      assert.deepEqual([known.status, await known.text()], [304, '']);
    }
    assert.equal(
      (await web.fetch('/api/v1/results/table/42', { headers: { 'if-none-match': '"other"' } })).status,
      200,
    );
    assert.equal((await web.fetch('/api/v1/results/table/999', { headers: { 'if-none-match': tag } })).status, 404);
  });

  it('finds the key of every type by the text that it shows', async () => {
    const types = [
      "'a/b ü%?'",
      "DATE '2017-12-31'",
      "TIMESTAMP '2017-12-31 10:11:12.5'",
      "TIMESTAMPTZ '2017-12-31 10:11:12.123456+00'",
      '1.50::DECIMAL(10,2)',
      '2.5::DOUBLE',
      '0.1::FLOAT',
      'true',
      '9007199254740993::BIGINT',
      '-7::TINYINT',
      "'abc'::BLOB",
      "TIME '10:11:12'",
      "'5bd1c1c8-6a3b-4c5e-9b53-0d6c5f0a0c11'::UUID",
    ];
    const run = nextRun();
    for (const [index, type] of types.entries()) await putParts(`/results/${run}/k${index}`, `SELECT ${type} AS k`);
    await publishAndSwitch(
      run,
      types.map((_, index) => ({ name: `k${index}`, key: 'k' })),
    );
    for (const [index, type] of types.entries()) {
      const page = (await json(`/api/v1/results/k${index}`)).body as { rows: { k: unknown }[] };
      const shown = String(page.rows[0]?.k);
      const { status, body } = await json(`/api/v1/results/k${index}/${encodeURIComponent(shown)}`);
      assert.deepEqual([status, body], [200, { k: page.rows[0]?.k }], `${type} shown as ${shown}`);
    }
  });

  it('gives every type as JSON without losing digits', async () => {
    const run = nextRun();
    await putParts(
      `/results/${run}/types`,
      `SELECT 9007199254740991::BIGINT AS safe, 9007199254740993::BIGINT AS big, 12.30::DECIMAL(6,2) AS price, 'nan'::DOUBLE AS nan,
        'infinity'::DOUBLE AS inf, 1.5::FLOAT AS half, DATE '2017-01-02' AS day, TIMESTAMP '2017-01-02 03:04:05' AS at,
        TIMESTAMPTZ '2017-01-02 03:04:05.25+00' AS at_zone, 'abc'::BLOB AS bytes, [1, NULL] AS list, {'a': {'b': [9007199254740993]}} AS nested,
        MAP {'k': 1} AS named, MAP {1: 'v'} AS numbered, NULL::INTEGER AS nothing, '__proto__' AS text, 1 AS "__proto__"`,
    );
    await publishAndSwitch(run, [{ name: 'types' }]);
    const { body } = await json('/api/v1/results/types');
    const [row] = (body as { rows: unknown[] }).rows;
    const expected = JSON.parse(
      `{"safe":9007199254740991,"big":"9007199254740993","price":"12.30","nan":null,"inf":null,"half":1.5,"day":"2017-01-02",
        "at":"2017-01-02T03:04:05","at_zone":"2017-01-02T03:04:05.25Z","bytes":"YWJj","list":[1,null],"nested":{"a":{"b":["9007199254740993"]}},
        "named":{"k":1},"numbered":[{"key":1,"value":"v"}],"nothing":null,"text":"__proto__","__proto__":1}`,
    );
    assert.deepEqual(row, expected);
  });

  it('serves kept versions by run and forgets removed ones', async () => {
    const [first, second] = [nextRun(), nextRun()];
    for (const [index, run] of [first, second].entries()) {
      await putParts(`/results/${run}/kept`, `SELECT 1 AS id, ${index} AS v`);
      await publishAndSwitch(run, [{ name: 'kept', key: 'id' }]);
    }
    assert.deepEqual((await json('/api/v1/results/kept/1')).body, { id: 1, v: 1 });
    const kept = await json(`/api/v1/results/kept/1?run=${first}`);
    assert.deepEqual([kept.body, kept.headers.get('x-sparkplug-run')], [{ id: 1, v: 0 }, first]);
    const reading = Array.from({ length: 20 }, () => json(`/api/v1/results/kept?run=${first}`));
    assert.equal(
      (await web.internal('DELETE', '/internal/versions', { runs: [first, 'never-was', '../x'] })).status,
      204,
    );
    for (const { status } of await Promise.all(reading)) assert.ok(status === 200 || status === 404, String(status));
    const gone = await json(`/api/v1/results/kept/1?run=${first}`);
    assert.deepEqual([gone.status, (gone.body as { code: string }).code], [404, 'RESULT_VERSION_GONE']);
    assert.equal((await json('/api/v1/results/kept/1')).status, 200);
    assert.equal((await web.internal('DELETE', '/internal/versions', { runs: [first] })).status, 204);
  });

  it('looks a key up among a million rows quickly', async (context) => {
    const run = nextRun();
    const selects = Array.from({ length: 8 }, (_, index) => {
      return `SELECT i * 8 + ${index} AS id, hash(i) AS h, 'text ' || i AS t FROM range(125000) s(i)`;
    });
    await putParts(`/results/${run}/million`, ...selects);
    await publishAndSwitch(run, [{ name: 'million', key: 'id' }]);
    const times: number[] = [];
    for (let index = 0; index < 60; index += 1) {
      const startedAt = performance.now();
      const { status } = await json(`/api/v1/results/million/${(index * 7919) % 1_000_000}`);
      times.push(performance.now() - startedAt);
      assert.equal(status, 200);
    }
    const median = times.sort((a, b) => a - b)[30] ?? 0;
    // Measured: 20 to 25 ms on two cores under a load of 12; the bound tells a scan from an accident, not a busy machine.
    context.diagnostic(`median ${median.toFixed(1)} ms`);
    assert.ok(median < 100, `median ${median} ms`);
  });

  it('goes on without scheduler and HDFS, also after a restart', async () => {
    const answering = (await json('/api/v1/results')).body;
    web.scheduler.close();
    await web.hdfs.close();
    web = await web.restart();
    assert.deepEqual((await json('/api/v1/results')).body, answering);
    assert.deepEqual((await json('/api/v1/results/table/42')).body, { id: 42, name: 'name 42', "gr'oup": 0 });
  });
});
