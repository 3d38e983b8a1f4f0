import { z } from 'zod';
import type { AuditWrite } from '../drift/decide/author.ts';

/** What an API server's audit webhook sends (audit.k8s.io/v1), as far as it names writers. See kubernetes.io, "Auditing". */

const MAX_EVENTS = 10_000;
const MAX_TEXT = 1_024;
/** managedFields hold no longer names (`validation.go` of the API server's field manager). */
const MAX_MANAGER_LENGTH = 128;

const text = z.string().max(MAX_TEXT);
const event = z.object({
  auditID: text.min(1),
  stage: text,
  verb: text,
  requestURI: z.string().max(16 * MAX_TEXT),
  user: z.object({ username: text.optional() }),
  impersonatedUser: z.object({ username: text.optional() }).nullish(),
  userAgent: z.string().optional(),
  objectRef: z
    .object({
      resource: text.optional(),
      namespace: text.optional(),
      name: text.optional(),
      apiGroup: text.optional(),
      subresource: text.optional(),
    })
    .nullish(),
  responseStatus: z.object({ code: z.int().optional() }).nullish(),
  responseObject: z
    .object({ metadata: z.object({ resourceVersion: text.optional() }).optional() })
    .nullish()
    .catch(undefined),
  requestReceivedTimestamp: z.iso.datetime({ offset: true }),
  stageTimestamp: z.iso.datetime({ offset: true }),
});
type Event = z.infer<typeof event>;

export const eventList = z.object({
  kind: z.literal('EventList'),
  apiVersion: z.literal('audit.k8s.io/v1'),
  items: z.array(event).max(MAX_EVENTS),
});

const WRITING_VERBS: readonly string[] = [
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
] satisfies readonly AuditWrite['verb'][];
/** Written all the time and never compared: reviews of tokens and rights, leases, events, addresses. */
const BUSY_GROUPS: ReadonlySet<string> = new Set([
  'authentication.k8s.io',
  'authorization.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
]);
const BUSY_RESOURCES: ReadonlySet<string> = new Set(['/events', '/endpoints']);
/** The only subresource that changes what people declare; `status` and the others never drift. */
const WRITING_SUBRESOURCES: ReadonlySet<string> = new Set(['', 'scale']);

/** The writes that happened; reads, refused writes and dry runs are left out. */
export function writesOf({ items }: z.infer<typeof eventList>): readonly AuditWrite[] {
  return items.flatMap((one) => writeOf(one) ?? []);
}

function writeOf(event: Event): AuditWrite | undefined {
  const { verb, objectRef, responseObject } = event;
  const { resource, apiGroup = '', subresource = '' } = objectRef ?? {};
  const user = userOf(event);
  if (resource === undefined || user === undefined || !isWritingVerb(verb)) return undefined;
  if (event.stage !== 'ResponseComplete' || !isSuccess(event)) return undefined;
  if (BUSY_GROUPS.has(apiGroup) || BUSY_RESOURCES.has(`${apiGroup}/${resource}`)) return undefined;
  if (!WRITING_SUBRESOURCES.has(subresource)) return undefined;
  const query = queryOf(event.requestURI);
  if (query.has('dryRun')) return undefined;
  const resourceVersion = responseObject?.metadata?.resourceVersion;
  return {
    auditId: event.auditID,
    group: apiGroup,
    resource,
    subresource,
    namespace: objectRef?.namespace ?? '',
    name: objectRef?.name ?? '',
    verb,
    user,
    manager: managerOf(query, event.userAgent),
    ...(resourceVersion !== undefined && { resourceVersion }),
    receivedAt: toMilliseconds(event.requestReceivedTimestamp),
    completedAt: toMilliseconds(event.stageTimestamp),
  };
}

function isWritingVerb(verb: string): verb is AuditWrite['verb'] {
  return WRITING_VERBS.includes(verb);
}

function isSuccess({ responseStatus }: Event): boolean {
  const code = responseStatus?.code ?? 0;
  return code >= 200 && code < 300;
}

/** Who impersonates stays responsible; a proxy that does so for people is called `system:…`, and names the person. */
function userOf({ user: { username }, impersonatedUser }: Event): string | undefined {
  const shown = impersonatedUser?.username;
  return shown !== undefined && (username ?? '').startsWith('system:') ? shown : username;
}

/** As the API server names a writer: what the request says, else the first word of its User-Agent. */
function managerOf(query: URLSearchParams, userAgent = ''): string {
  const named = query.get('fieldManager');
  if (named) return named;
  return (userAgent.split('/')[0] ?? '').slice(0, MAX_MANAGER_LENGTH);
}

function queryOf(requestUri: string): URLSearchParams {
  const at = requestUri.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : requestUri.slice(at + 1));
}

/** Cut off, not rounded: managedFields are compared with these, and cut off too. */
function toMilliseconds(timestamp: string): string {
  return new Date(timestamp).toISOString();
}
