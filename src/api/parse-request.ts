// What a request brings against their schema, every problem at once.
import type { z } from 'zod';
import { SparkPlugError } from '../errors.ts';

/** The value as the schema gives it. REQUEST_INVALID with all findings otherwise. */
export function parseRequest<T>(schema: z.ZodType<T>, value: unknown, where: 'path' | 'query' | 'header' | 'body'): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => ({
    place: [where, ...path.map(String)].join('.'),
    message,
  }));
  const [first] = problems;
  throw new SparkPlugError('REQUEST_INVALID', `${first?.place ?? where}: ${first?.message ?? 'is malformed'}`, {
    problems,
  });
}
