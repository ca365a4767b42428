// Every published route of the conductor, once: registration, validation, scopes and the OpenAPI document follow it.
import type { RouteEntry } from './route-entry.ts';
import { accessRoutes } from './routes/access-routes.ts';
import { clusterRoutes } from './routes/cluster-routes.ts';
import { dataRoutes } from './routes/data-routes.ts';
import { machineRoutes } from './routes/machine-routes.ts';
import { runRoutes } from './routes/run-routes.ts';
import { serviceRoutes } from './routes/service-routes.ts';

export const routeTable: readonly RouteEntry[] = [
  serviceRoutes,
  clusterRoutes,
  machineRoutes,
  runRoutes,
  dataRoutes,
  accessRoutes,
].flatMap((routes): RouteEntry[] => Object.values(routes));
