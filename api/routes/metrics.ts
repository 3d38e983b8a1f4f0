import type { Metrics } from '../../lib/metrics.ts';
import { defineRoute, type Route } from '../route.ts';

/** Prometheus' text; on the api's port with a token, on a port of its own without. */
export function metricsRoute(metrics: Metrics, access: 'public' | 'viewer'): Route {
  return defineRoute({
    method: 'get',
    path: '/metrics',
    summary: 'Metrics in the Prometheus text format',
    access,
    failure: 'Failed to collect metrics',
    async handle() {
      return { body: await metrics.text(), contentType: metrics.contentType };
    },
  });
}
