// Writes src/api/openapi.d.ts: the published API as TypeScript types, from the OpenAPI document.
// `npm run generate:api` after a change of a route or a schema; a unit test compares the file with the document.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.ts';
import { generateApiTypes } from '../test/fixtures/generate-api-types.ts';

await writeFile(join(packageRoot(), 'src', 'api', 'openapi.d.ts'), await generateApiTypes());
