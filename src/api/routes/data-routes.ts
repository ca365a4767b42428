// The routes about data: published results, and files of HDFS.
import { z } from 'zod';
import { defineRoutes, empty, flag, json, largestCount, text, wholeNumber, wireSchemas } from '../route-entry.ts';
import { FileList, FileStatus, FileUsage, KeyedRows, ResultList, ResultPage } from '../schemas.ts';

/** Rows of a page of JSON, and the most of it; CSV and Arrow stream and have no such limit. */
export const defaultPageRows = 100;
export const maxPageRows = 10_000;

const readsResults = { tag: 'Results', scope: 'read', answeredBy: 'web' } as const;
const readsFiles = { tag: 'Files', scope: 'read', answeredBy: 'web' } as const;
const writesFiles = { tag: 'Files', scope: 'admin', answeredBy: 'web' } as const;

const ifNoneMatch = z.object({ 'if-none-match': text('The `ETag` of a version that the caller has.').optional() });
const versionHeaders = {
  etag: 'Changes with the version of the result and with the format.',
  'x-sparkplug-run': 'Id of the run that published these rows.',
  'x-sparkplug-version': 'Number of the version; 0 for one that is no longer served by itself.',
};
const name = text('Name of the result.');
// Named in a header of the answer, which does not take every character.
const run = text(
  'As this run published it, where it is kept; otherwise the version served now.',
  /^[A-Za-z0-9][A-Za-z0-9_-]*$/,
).optional();

/** `where` once or several times. */
const conditions = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => [value].flat())
  .register(wireSchemas, {
    schema: {
      type: 'array',
      items: { type: 'string', pattern: '^.+:(eq|ne|lt|le|gt|ge|contains):.*$' },
      description: 'Only rows that fulfil `column:operator:value`; all of them where given several times.',
      example: ['sales:ge:1000', 'city:contains:Bas'],
    },
  });

/** What every reading of a result takes besides columns of its own; those are checked against its schema. */
export const ResultQuery = z.looseObject({
  run,
  limit: wholeNumber(
    1,
    largestCount,
    'At most this many rows. As JSON 100 by default and 10 000 at most; as CSV and Arrow all by default.',
  ).optional(),
  offset: wholeNumber(0, largestCount, 'Leave out this many rows first; 0 by default.').optional(),
  sort: text('Columns to sort by, separated by commas; `-` before one: falling.').optional(),
  format: z.enum(['json', 'csv', 'arrow']).optional(),
  where: conditions.optional(),
});

const filePath = z.object({
  path: text('Path in HDFS. Each part is percent-encoded by itself, the slashes between them are not.'),
});

export const dataRoutes = defineRoutes({
  results: {
    ...readsResults,
    id: 'results',
    method: 'GET',
    path: '/api/v1/results',
    summary: 'The results that are served',
    answers: { 200: json(ResultList, 'The results with their columns.') },
  },
  result: {
    ...readsResults,
    id: 'result',
    method: 'GET',
    path: '/api/v1/results/:name',
    summary: 'Rows of a result',
    description:
      'Any other parameter is a column of the result: only rows with this value. A column that is named like a parameter is written `where.<column>`. The format can be asked for by `format` or by `Accept`. Values are raw data: a spreadsheet may take a CSV field that begins with `=` for a formula.',
    params: z.object({ name }),
    query: ResultQuery,
    headers: ifNoneMatch,
    answers: {
      200: {
        description: 'The rows, in the order of `sort`, or by key where keys are unique.',
        content: { 'application/json': ResultPage, 'text/csv': null, 'application/vnd.apache.arrow.stream': null },
        headers: versionHeaders,
      },
      304: empty('The caller has this version already.'),
    },
    problems: ['RESULT_QUERY_INVALID', 'RESULT_NOT_FOUND', 'RESULT_VERSION_GONE'],
  },
  resultByKey: {
    ...readsResults,
    id: 'resultByKey',
    method: 'GET',
    path: '/api/v1/results/:name/:key',
    summary: 'The row of a key',
    params: z.object({ name, key: text('Value of the key column.') }),
    query: z.strictObject({ run }),
    headers: ifNoneMatch,
    answers: {
      200: json(KeyedRows, 'The row, or an array of rows where keys repeat.', versionHeaders),
      304: empty('The caller has this version already.'),
    },
    problems: ['RESULT_NOT_FOUND', 'RESULT_NO_KEY', 'RESULT_KEY_NOT_FOUND', 'RESULT_VERSION_GONE'],
  },
  rootFolder: {
    ...readsFiles,
    id: 'rootFolder',
    method: 'GET',
    path: '/api/v1/hdfs',
    summary: 'The root folder of HDFS',
    query: z.strictObject({ op: z.enum(['list', 'status', 'usage']).optional() }),
    answers: { 200: json(z.union([FileList, FileStatus, FileUsage]), 'What was asked for by `op`.') },
    problems: ['HDFS_AWAY', 'HDFS_FAILED', 'HDFS_DENIED'],
  },
  readFile: {
    ...readsFiles,
    id: 'readFile',
    method: 'GET',
    path: '/api/v1/hdfs/*',
    summary: 'A file or folder of HDFS',
    description: 'Without `op` a folder is listed and a file is sent.',
    params: filePath,
    query: z.strictObject({ op: z.enum(['list', 'status', 'usage', 'content']).optional() }),
    headers: z.object({ range: text('One range of bytes.').optional() }),
    answers: {
      200: {
        description: 'What was asked for by `op`.',
        content: {
          'application/json': z.union([FileList, FileStatus, FileUsage]),
          'application/octet-stream': null,
        },
      },
      206: { description: 'The part of the file.', content: { 'application/octet-stream': null } },
    },
    problems: ['HDFS_PATH_INVALID', 'FILE_NOT_FOUND', 'FILE_WRONG_KIND', 'HDFS_AWAY', 'HDFS_FAILED', 'HDFS_DENIED'],
  },
  writeFile: {
    ...writesFiles,
    id: 'writeFile',
    method: 'PUT',
    path: '/api/v1/hdfs/*',
    summary: 'Write a file or make a folder',
    description: 'The body is streamed; nothing half-written is ever seen under the path. Folders above it are made.',
    params: filePath,
    query: z.strictObject({ op: z.enum(['mkdir']).optional(), overwrite: flag('Replace a file that is there.') }),
    streamedBody: 'application/octet-stream',
    answers: { 201: json(FileStatus, 'The file or folder.') },
    problems: [
      'HDFS_PATH_INVALID',
      'UPLOAD_BROKEN',
      'FILE_EXISTS',
      'FILE_WRONG_KIND',
      'FILE_NOT_FOUND',
      'HDFS_AWAY',
      'HDFS_SAFE_MODE',
      'HDFS_FULL',
      'HDFS_FAILED',
      'HDFS_DENIED',
    ],
  },
  removeFile: {
    ...writesFiles,
    id: 'removeFile',
    method: 'DELETE',
    path: '/api/v1/hdfs/*',
    summary: 'Remove a file or folder',
    params: filePath,
    query: z.strictObject({ recursive: flag('Remove a folder with all that is in it.') }),
    answers: { 204: empty('It is gone.') },
    problems: [
      'HDFS_PATH_INVALID',
      'FILE_NOT_FOUND',
      'FOLDER_NOT_EMPTY',
      'HDFS_AWAY',
      'HDFS_SAFE_MODE',
      'HDFS_FAILED',
      'HDFS_DENIED',
    ],
  },
});
