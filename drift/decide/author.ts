import { classOfManager } from '../compare/managers.ts';
import type { FieldChange } from '../field-change.ts';

/** One write to one object, or to all of a kind (`name` is ''), as the API server's audit log tells it; no contents. */
export type AuditWrite = {
  /** Unique: the audit id of the request. */
  readonly auditId: string;
  /** Plural and group of what was written; `subresource` is '' for the object itself. */
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly verb: 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
  /** Whom the API server authenticated. */
  readonly user: string;
  /** The field manager that the write has in managedFields. */
  readonly manager: string;
  /** What the object became by it; only where the audit policy records answers. */
  readonly resourceVersion?: string;
  /** RFC 3339 with milliseconds. */
  readonly receivedAt: string;
  readonly completedAt: string;
};

/**
 * Who made a difference. `author` made the newest change and is there only if every change has exactly one possible author;
 * `authors` are all that may have made one of them.
 */
export type Authorship = {
  readonly author?: string;
  readonly authors?: readonly string[];
  /** The author is a person in no entry of `people`, and goes by no address by which another door would know them. */
  readonly isAuthorUnlisted?: true;
};

/**
 * Joins changes with the writes to their object (newest first, of one object). managedFields keep one entry for each manager and
 * only its last time, so a field may be anybody's who wrote under that name since we applied: several are no author.
 */
export function authorsOf(
  changes: readonly FieldChange[],
  writes: readonly AuditWrite[],
  about: { readonly appliers: readonly string[]; readonly resourceVersion: string },
): Authorship {
  const candidates = changes.map((change) => candidatesFor(change, writes, about));
  const newestFirst = candidates.flat().toSorted(byNewest);
  const authors = [...new Set(newestFirst.map((write) => write.user))];
  const [newest] = authors;
  if (newest === undefined) return {};
  const isCertain = candidates.every((some) => new Set(some.map((one) => one.user)).size === 1);
  return isCertain ? { author: newest, authors } : { authors };
}

/** False for what the cluster's own parts are called; a service account is nobody who could be asked. */
export function isPerson(user: string): boolean {
  return !user.startsWith('system:');
}

function candidatesFor(
  change: FieldChange,
  writes: readonly AuditWrite[],
  { appliers, resourceVersion }: { appliers: readonly string[]; resourceVersion: string },
): readonly AuditWrite[] {
  if (change.op === 'object-missing') return deletion(writes);
  if (change.op === 'pending') return [];
  const sinceApply = afterLastApply(writes, appliers);
  const possible = (some: readonly AuditWrite[]) =>
    some.filter((write) => isPossible(change, write, appliers));
  const found = possible(sinceApply).length > 0 ? possible(sinceApply) : possible(writes);
  const isComplete = change.when === undefined || found.some((one) => covers(one, change.when));
  if (found.length > 0 && isComplete) return found;
  // The write that made this very version, where the audit log says which one that was.
  const exact = writes.filter((one) => one.resourceVersion === resourceVersion);
  return exact.filter((one) => isForeign(one, appliers));
}

/** The newest deletion, unless the object was made again after it. */
function deletion(writes: readonly AuditWrite[]): readonly AuditWrite[] {
  const last = writes.find(
    ({ verb, subresource }) => subresource === '' && verb !== 'update' && verb !== 'patch',
  );
  return last && last.verb !== 'create' ? [last] : [];
}

function isPossible(change: FieldChange, write: AuditWrite, appliers: readonly string[]): boolean {
  if (write.verb === 'delete' || write.verb === 'deletecollection') return false;
  // Nobody owns what was removed: it may be the work of anyone but us and the cluster itself.
  if (change.who === 'unknown') return isForeign(write, appliers) && write.subresource === '';
  return write.manager === change.who && write.subresource === (change.subresource ?? '');
}

function isForeign({ manager, user }: AuditWrite, appliers: readonly string[]): boolean {
  if (appliers.includes(manager) || user.startsWith('system:serviceaccount:kube-system:'))
    return false;
  return isPerson(user) || classOfManager(manager) !== 'control-plane';
}

function afterLastApply(
  writes: readonly AuditWrite[],
  appliers: readonly string[],
): readonly AuditWrite[] {
  const last = writes.findIndex((one) => one.subresource === '' && appliers.includes(one.manager));
  return last < 0 ? writes : writes.slice(0, last);
}

/** managedFields have whole seconds, cut off, taken while the request was under way. */
function covers({ receivedAt, completedAt }: AuditWrite, when: string | undefined): boolean {
  if (when === undefined) return false;
  const atMs = Date.parse(when);
  return atMs + 999 >= Date.parse(receivedAt) && atMs <= Date.parse(completedAt);
}

function byNewest(one: AuditWrite, other: AuditWrite): number {
  return Date.parse(other.receivedAt) - Date.parse(one.receivedAt);
}
