import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { generateApiTypes } from '../../test/fixtures/generate-api-types.ts';
import { createOpenApi } from './openapi-document.ts';
import { routeTable } from './route-table.ts';

interface Operation {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly required: boolean };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const text = JSON.stringify(createOpenApi({ version: '1', cookie: 'session' }));
const document = JSON.parse(text) as Document;
const operations = Object.values(document.paths).flatMap((path) => Object.values(path));

test('every route of the table is described once', () => {
  assert.equal(operations.length, routeTable.length);
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, routeTable.length);
});

test('every reference leads somewhere', () => {
  const names = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name = '']) => name);
  assert.ok(names.length > 100);
  assert.deepEqual(
    names.filter((name) => !(name in document.components.schemas)),
    [],
  );
  assert.doesNotMatch(text, /\$defs/);
});

test('parameters of a path are named, required, and typed as they are written', () => {
  const runs = document.paths['/api/v1/runs']?.get;
  const limit = runs?.parameters?.find(({ name }) => name === 'limit');
  assert.deepEqual(limit?.schema, { type: 'integer', minimum: 1, maximum: 1000 });
  for (const [path, methods] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { operationId, parameters = [] } of Object.values(methods)) {
      const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      assert.deepEqual(named, inPath, operationId);
    }
  }
});

test('guarded routes say so, and every refusal is a problem', () => {
  for (const { operationId, security, responses } of operations) {
    const open = ['health', 'openApi', 'logIn'].includes(operationId);
    assert.equal(security !== undefined, open, operationId);
    if (!open) assert.ok('401' in responses && '403' in responses, operationId);
    for (const [status, { content }] of Object.entries(responses)) {
      if (Number(status) >= 400)
        assert.deepEqual(Object.keys(content ?? {}), ['application/problem+json'], operationId);
    }
  }
});

test('openapi.d.ts is what the document gives: npm run generate:api', async () => {
  const committed = await readFile(new URL('./openapi.d.ts', import.meta.url), 'utf8');
  assert.ok(committed === (await generateApiTypes()), 'openapi.d.ts is stale; run npm run generate:api');
});
