// The OpenAPI 3.1 document of the published API, made from the route table and the schemas that validate.
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { catalogue, type ErrorCode } from '../errors.ts';
import { statusOf } from './problem.ts';
import { type Answer, type RouteEntry, wireSchemas } from './route-entry.ts';
import { routeTable } from './route-table.ts';
import * as shapes from './schemas.ts';

type Json = Record<string, unknown>;

/** Schemas that have a name of their own: everything that schemas.ts exports. */
const names = z.registry<{ readonly id: string }>();
for (const [id, shape] of Object.entries(shapes)) {
  if (shape instanceof z.ZodType) names.add(shape, { id });
}

/** Refusals that any request to a guarded route can meet. */
const everywhere: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'AUTH_REQUIRED',
  'SCOPE_MISSING',
  'LISTEN_LOCAL',
  'HOST_REFUSED',
  'ORIGIN_REFUSED',
  'TOO_MANY_ATTEMPTS',
  'RATE_LIMITED',
  'INTERNAL',
];
const everywhereOpen: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'LISTEN_LOCAL',
  'HOST_REFUSED',
  'RATE_LIMITED',
  'INTERNAL',
];

export interface ServiceFacts {
  readonly version: string;
  /** Name of the cookie of a logged-in browser. */
  readonly cookie: string;
}

/** The whole document. Plain data: its JSON is what is served. */
export function createOpenApi({ version, cookie }: ServiceFacts): Json {
  const components = new Map<string, Json>();
  const paths: Record<string, Json> = {};
  for (const entry of routeTable) {
    const path = entry.path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}');
    paths[path] = { ...paths[path], [entry.method.toLowerCase()]: describeRoute(entry, components) };
  }
  // Not the schema of any answer by itself: the one of refusals, and what an event stream carries.
  for (const schema of [shapes.ProblemDetails, shapes.RunEvent, shapes.ComponentLine])
    render(schema, 'output', components);
  const tags = [...new Set(routeTable.map(({ tag }) => tag))].map((name) => ({ name }));
  return {
    openapi: '3.1.0',
    info: {
      title: 'SparkPlug',
      version,
      description:
        'A Spark and HDFS cluster with its jobs, schedules, results and files. Errors are `application/problem+json` with a `code` that docs/errors.md explains.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { cookie: [] }],
    tags,
    paths,
    components: {
      schemas: Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token of the cluster.' },
        cookie: { type: 'apiKey', in: 'cookie', name: cookie, description: 'The log-in of a browser.' },
      },
    },
  };
}

function describeRoute(entry: RouteEntry, components: Map<string, Json>): Json {
  const { id, tag, scope, summary, description } = entry;
  const scopeText = scope === 'open' ? 'Needs no token.' : `Needs the scope \`${scope}\`.`;
  const parameters = listParameters(entry, components);
  const requestBody = describeBody(entry, components);
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: [description, scopeText].filter(Boolean).join('\n\n'),
    ...(scope === 'open' ? { security: [] } : { 'x-sparkplug-scope': scope }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestBody === null ? {} : { requestBody }),
    responses: describeAnswers(entry, components),
  };
}

function listParameters(entry: RouteEntry, components: Map<string, Json>): Json[] {
  const places = [
    ['path', entry.params],
    ['query', entry.query],
    ['header', entry.headers],
  ] as const;
  return places.flatMap(([place, schema]) => {
    if (schema === undefined) return [];
    const rendered = render(schema, 'input', components);
    const required = Array.isArray(rendered.required) ? rendered.required : [];
    const named = Object.entries(rendered.properties as Record<string, Json>).map(([name, shape]) => {
      const { description, example, ...rest } = shape;
      const isRequired = place === 'path' || required.includes(name);
      return {
        name,
        in: place,
        ...(description === undefined ? {} : { description }),
        ...(isRequired ? { required: true } : {}),
        schema: rest,
        ...(rest.type === 'array' ? { style: 'form', explode: true } : {}),
        ...(example === undefined ? {} : { example }),
      };
    });
    return place === 'query' && isLoose(schema) ? [...named, anyColumn] : named;
  });
}

/** Parameters whose names are the caller's: columns of a result. */
const anyColumn: Json = {
  name: 'columns',
  in: 'query',
  description: 'Column and value, each as a parameter of its own: only rows with these values.',
  style: 'form',
  explode: true,
  schema: { type: 'object', additionalProperties: { type: 'string' } },
  example: { store_id: '367' },
};

function isLoose(schema: z.ZodObject): boolean {
  return schema.def.catchall instanceof z.ZodUnknown;
}

function describeBody(entry: RouteEntry, components: Map<string, Json>): Json | null {
  if (entry.streamedBody !== undefined) return { content: { [entry.streamedBody]: {} } };
  if (entry.body === undefined) return null;
  const { schema, optional = false } = entry.body;
  return { required: !optional, content: { 'application/json': { schema: render(schema, 'input', components) } } };
}

function describeAnswers(entry: RouteEntry, components: Map<string, Json>): Json {
  const answers = Object.entries(entry.answers).map(([status, answer]): [string, Json] => {
    return [status, describeAnswer(answer, components)];
  });
  return Object.fromEntries([...answers, ...describeProblems(entry)]);
}

function describeAnswer({ description, content, headers }: Answer, components: Map<string, Json>): Json {
  const media = Object.entries(content ?? {}).map(([type, schema]): [string, Json] => {
    return [type, schema === null ? {} : { schema: render(schema, 'output', components) }];
  });
  const shown = Object.entries(headers ?? {}).map(([name, text]): [string, Json] => {
    return [name, { description: text, schema: { type: 'string' } }];
  });
  return {
    description,
    ...(shown.length === 0 ? {} : { headers: Object.fromEntries(shown) }),
    ...(media.length === 0 ? {} : { content: Object.fromEntries(media) }),
  };
}

function describeProblems(entry: RouteEntry): [string, Json][] {
  const hasBody = entry.body !== undefined || entry.streamedBody !== undefined;
  const problems: (ErrorCode | number)[] = [
    ...(entry.scope === 'open' ? everywhereOpen : everywhere),
    ...(hasBody ? (['REQUEST_TOO_LARGE'] as const) : []),
    ...(entry.answeredBy === 'scheduler' ? (['SCHEDULER_AWAY'] as const) : []),
    ...(entry.problems ?? []),
  ];
  const byStatus = Map.groupBy(problems, (problem) => (typeof problem === 'number' ? problem : statusOf(problem)));
  return [...byStatus].map(([status, found]) => [String(status), describeProblem(status, found)]);
}

function describeProblem(status: number, found: readonly (ErrorCode | number)[]): Json {
  const codes = [...new Set(found)].filter((problem) => typeof problem !== 'number');
  const lines = codes.map((code) => `- \`${code}\`: ${catalogue[code].meaning}`);
  const headers =
    status === 429 ? { 'retry-after': { description: 'Seconds to wait.', schema: { type: 'string' } } } : null;
  return {
    description: lines.length === 0 ? (STATUS_CODES[status] ?? String(status)) : lines.join('\n'),
    ...(headers === null ? {} : { headers }),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemDetails' } } },
  };
}

/** A schema as JSON Schema; named ones become components and are referred to. */
function render(schema: z.ZodType, io: 'input' | 'output', components: Map<string, Json>): Json {
  const { properties, $defs = {} } = z.toJSONSchema(z.object({ wanted: schema }), {
    io,
    metadata: names,
    target: 'draft-2020-12',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // Every integer that JSON can hold is within them: no information, much text.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      const wire = zodSchema instanceof z.ZodType ? wireSchemas.get(zodSchema) : undefined;
      if (wire === undefined) return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key as keyof typeof jsonSchema];
      Object.assign(jsonSchema, wire.schema);
    },
  });
  for (const [id, shape] of Object.entries($defs as Record<string, Json>)) {
    const { id: _, ...component } = toComponentRefs(shape) as Json;
    const before = components.get(id);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(component)) {
      throw new Error(`${id} is used for requests and for answers, with different JSON Schemas`);
    }
    components.set(id, component);
  }
  return toComponentRefs((properties as Record<string, Json>).wanted) as Json;
}

function toComponentRefs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toComponentRefs);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => {
    return [
      name,
      name === '$ref' ? String(inner).replace('#/$defs/', '#/components/schemas/') : toComponentRefs(inner),
    ];
  });
  return Object.fromEntries(entries);
}
