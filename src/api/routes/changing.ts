// What all routes share that change the cluster: the revision they may be bound to, and what they answer.
import { z } from 'zod';
import { json, text } from '../route-entry.ts';
import { OperationStarted, Unchanged } from '../schemas.ts';

export const ifMatch = z.object({
  'if-match': text('Only when the cluster still has this revision.', /^\s*(?:\*|(?:W\/)?"?\d{1,15}"?)\s*$/).optional(),
});

export const changeAnswers = {
  200: json(Unchanged, 'The cluster is like that already.'),
  202: json(OperationStarted, 'The operation has begun.', { location: 'Address of the operation.' }),
} as const;
