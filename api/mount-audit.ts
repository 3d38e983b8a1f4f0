import { type Express, json, type Request } from 'express';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { Store } from '../store/types.ts';
import { eventList, writesOf } from './audit-events.ts';
import { createAuthenticate } from './auth.ts';
import { measured } from './mount.ts';
import { asAppError, parseInput } from './problem.ts';
import type { AuditDeps } from './types.ts';

const PATHS = ['/internal/audit', '/internal/audit/:environment'];
/** kube-apiserver's own limit of a batch (`--audit-webhook-truncate-max-batch-size`). */
const BODY_LIMIT_BYTES = 10 * 1024 * 1024;

/**
 * Where API servers send their audit events; see docs/comparing.md. Its token opens nothing else, and no other token opens
 * it. Wrong ones count against the address as everywhere. A batch that cannot be stored is refused, so that it comes again.
 */
export function mountAudit(
  app: Express,
  { tokenSha256, clusterOf, heard }: AuditDeps,
  deps: {
    readonly store: Pick<Store, 'auditWrites'>;
    readonly metrics: Metrics;
    readonly log: Log;
    readonly limitAddress: (address: string) => void;
  },
): void {
  const authenticate = createAuthenticate('token', [{ name: 'audit', roles: [], tokenSha256 }]);
  const admit = (request: Request): void => {
    try {
      authenticate({ authorization: asBearer(request.headers.authorization) });
    } catch (error) {
      if (asAppError(error).code === 'UNAUTHORIZED') {
        deps.limitAddress(request.socket.remoteAddress ?? '');
      }
      throw error;
    }
  };
  app.post(
    PATHS,
    measured(deps.metrics, '/internal/audit'),
    (request, _response, next) => {
      admit(request);
      next();
    },
    json({ limit: BODY_LIMIT_BYTES, type: 'application/json' }),
    async (request, response) => {
      const { environment } = request.params;
      const cluster = clusterOf(typeof environment === 'string' ? environment : undefined);
      const writes = writesOf(parseInput(eventList, request.body, 'body'));
      await deps.store.auditWrites.append(cluster, writes);
      if (writes.length > 0) await heard?.(cluster, writes);
      deps.log.debug({ cluster, writes: writes.length }, 'took audit events');
      response.json({ status: 'taken', writes: writes.length });
    },
  );
}

/** API servers send a bearer token over TLS only; over plain HTTP the password of the URL, as Basic (RFC 7617). */
function asBearer(authorization: string | undefined): string | undefined {
  const basic = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
  if (basic === undefined) return authorization;
  const credentials = Buffer.from(basic, 'base64').toString();
  return `Bearer ${credentials.slice(credentials.indexOf(':') + 1)}`;
}
