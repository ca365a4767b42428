// The routes about the service itself: health, its own description, metrics.
import { z } from 'zod';
import { defineRoutes, json, plainText } from '../route-entry.ts';
import { Health } from '../schemas.ts';

export const serviceRoutes = defineRoutes({
  health: {
    id: 'health',
    method: 'GET',
    path: '/healthz',
    tag: 'Service',
    scope: 'open',
    answeredBy: 'each',
    summary: 'Whether the service answers at all',
    answers: { 200: json(Health, 'It does.') },
  },
  openApi: {
    id: 'openApi',
    method: 'GET',
    path: '/api/openapi.json',
    tag: 'Service',
    scope: 'open',
    answeredBy: 'web',
    summary: 'This description',
    answers: { 200: json(z.record(z.string(), z.unknown()), 'The OpenAPI 3.1 document of this API.') },
  },
  metrics: {
    id: 'metrics',
    method: 'GET',
    path: '/metrics',
    tag: 'Service',
    scope: 'read',
    answeredBy: 'scheduler',
    summary: 'Metrics for Prometheus',
    answers: { 200: plainText('Prometheus text format, version 0.0.4.') },
  },
});
