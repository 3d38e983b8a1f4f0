import { setImmediate as breathe } from 'node:timers/promises';
import type { DesiredObject, DesiredSnapshot } from '../desired/source.ts';
import {
  formatResource,
  type KubeObject,
  type ResourceRef,
  resourceKey,
} from '../drift/resource-ref.ts';
import { fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Clock } from './clock.ts';
import type { ClusterWatch, ListedScope, ObjectKey } from './cluster-watch.ts';
import type {
  EnvironmentStatus,
  Judge,
  Verdict,
  WatchedEnvironment,
  WatcherMetrics,
} from './types.ts';
import {
  createUnmanagedWatch,
  type UnmanagedWatch,
  type UnmanagedWatchDeps,
} from './unmanaged-watch.ts';

/** One environment's verdicts: what differs now, and what of it its workflows have been told. */
export type EnvironmentWatch = {
  onSnapshot(snapshot: DesiredSnapshot): Promise<void>;
  onChange(key: ObjectKey, live: KubeObject | undefined): void;
  onListed(scope: ListedScope): void;
  /** Tells the resource's workflow the present verdict even if it was told before. */
  reaffirm(ref: ResourceRef): void;
  /** Whether a drift was told long enough before `asOfMs` for its run to have put it on record. */
  hasDue(asOfMs: number): boolean;
  /** Tells such drifts again that are not among the records (`resourceKey`) open at `asOfMs` or later. */
  tellAgain(onRecord: ReadonlySet<string>, asOfMs: number): void;
  /** Puts every verdict that has not been told into the queue. */
  enqueuePending(): void;
  /** Reports the present verdict of a key (`resourceKey`); false if its workflow knows it already. */
  deliver(key: string): Promise<boolean>;
  /** Whether a unit declares it (`resourceKey`); undefined while that cannot be told of all units. */
  declares(key: string): boolean | undefined;
  /** Looks for live objects that nobody declares. */
  scanUnmanaged(): Promise<void>;
  status(): Omit<EnvironmentStatus, 'ready' | 'message'>;
};

export type EnvironmentWatchDeps = {
  readonly environment: Pick<WatchedEnvironment, 'config' | 'source'>;
  readonly cluster: Pick<ClusterWatch, 'has' | 'get' | 'coverage' | 'keys'>;
  /** See `UnmanagedWatchDeps`; without them objects that nobody declares are left alone. */
  readonly unmanaged?: Pick<UnmanagedWatchDeps, 'isDeclared' | 'judgeUnmanaged'>;
  readonly judge: Judge;
  readonly enqueue: (key: string, waitMs?: number) => void;
  readonly report: (ref: ResourceRef, verdict: Verdict | undefined) => Promise<void>;
  /** A drift that was told is to be on record after this; less often while it stays off it. */
  readonly recheckMs: number;
  /** The desired state is older than what the source says now. */
  readonly onStale: () => void;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics?: WatcherMetrics;
};

// Comparing thousands of objects at once would keep events and health checks waiting.
const OBJECTS_PER_TURN = 200;
const CONFIRM_TIMEOUT_MS = 2_000;
/** A new object may be in the cluster before its new unit is read: the second look began after it was seen. */
const TURNS_BEFORE_UNMANAGED = 2;
/** A worker that is away for days, or that sees no drift where we do, is told no oftener than this in the end. */
const MAX_RECHECK_MS = 60 * 60_000;
/** Mostly a fix is what ended a drift. Its run looks for itself and is closed by then; told at once, it would be woken for nothing. */
const CLEAN_WAIT_MS = 1_000;
/** The rest has its turn next time: a repair must not keep new drifts waiting. */
const MAX_TOLD_AGAIN = 500;

export function createEnvironmentWatch(deps: EnvironmentWatchDeps): EnvironmentWatch {
  const state: State = {
    ...deps,
    entries: new Map(),
    snapshot: undefined,
    unmanagedWatch: undefined,
  };
  state.unmanagedWatch = unmanagedWatchOf(state);
  return {
    onSnapshot: (snapshot) => takeSnapshot(state, snapshot),
    onChange(key, live) {
      const desired = state.snapshot?.objects.get(resourceKey(key));
      if (desired !== undefined) examine(state, desired, live);
      else state.unmanagedWatch?.onChange(key, live);
    },
    onListed: (scope) => examineMissing(state, scope),
    reaffirm: (ref) => reaffirm(state, ref),
    hasDue: (asOfMs) => [...state.entries.values()].some((entry) => isDue(entry, asOfMs)),
    tellAgain: (onRecord, asOfMs) => tellAgain(state, onRecord, asOfMs),
    enqueuePending() {
      const nowMs = state.clock.now();
      for (const [key, entry] of state.entries) {
        if (!isPending(entry)) {
          if (entry.verdict === undefined && entry.checkAtMs <= nowMs) state.entries.delete(key);
          continue;
        }
        entry.turns += 1;
        state.enqueue(key, waitMsOf(entry, nowMs));
      }
    },
    deliver: (key) => deliver(state, key),
    declares(key) {
      if (state.snapshot?.objects.has(key)) return true;
      return state.snapshot?.errors.length === 0 ? false : undefined;
    },
    scanUnmanaged: async () => state.unmanagedWatch?.scan(),
    status: () => ({
      environment: state.environment.config.name,
      objects: state.snapshot?.objects.size ?? 0,
      drifted: [...state.entries.values()].filter((one) => one.verdict !== undefined).length,
      lagMs: lagMsOf(state),
      errors: state.snapshot?.errors ?? [],
    }),
  };
}

type State = EnvironmentWatchDeps & {
  /** By `resourceKey`. */
  readonly entries: Map<string, Entry>;
  snapshot: DesiredSnapshot | undefined;
  unmanagedWatch: UnmanagedWatch | undefined;
};

/** Only of resources that differ, or did not long ago. */
type Entry = {
  readonly ref: ResourceRef;
  readonly verdict: Verdict | undefined;
  readonly changedAtMs: number;
  /** What its workflow may have heard last: known before the report is sent, because one that fails may have arrived. */
  told: Told;
  /** A drift is to be on record by then; what is clean is forgotten then. */
  checkAtMs: number;
  /** How often in a row this drift was not on record. */
  absences: number;
  /** The verdict was looked at again under desired state read afterwards. */
  confirmed: boolean;
  /** Turns of desired state since the verdict. */
  turns: number;
  /** To be told even if it is what was told. */
  again: boolean;
};

type Told = 'nothing' | 'clean' | { readonly digest: string };

function unmanagedWatchOf(state: State): UnmanagedWatch | undefined {
  const { unmanaged, environment, entries, cluster, log } = state;
  return (
    unmanaged &&
    createUnmanagedWatch({
      ...unmanaged,
      environment: environment.config.name,
      cluster,
      log,
      settle(ref, verdict) {
        // What became declared has been examined by now, and has another verdict.
        const isUnmanaged = entries.get(resourceKey(ref))?.verdict?.unmanaged ?? false;
        if (verdict !== undefined || isUnmanaged) settle(state, ref, verdict);
      },
    })
  );
}

async function takeSnapshot(state: State, next: DesiredSnapshot): Promise<void> {
  const before = state.snapshot;
  state.snapshot = next;
  noteErrors(state.log, before, next);
  for (const [key, { ref, verdict }] of state.entries) {
    if (verdict === undefined || verdict.unmanaged || next.objects.has(key)) continue;
    // A unit that cannot be read takes nothing back: its drifts stay as they are until it can.
    if (!next.hiddenBy(key)) settle(state, ref, undefined);
  }
  let inTurn = 0;
  for (const [key, desired] of next.objects) {
    if (before?.objects.get(key) === desired) continue;
    examine(state, desired, state.cluster.get(desired.ref));
    if (++inTurn % OBJECTS_PER_TURN === 0) await breathe();
  }
}

/** What is declared in the scope and was not there when it was listed in full. */
function examineMissing(state: State, scope: ListedScope): void {
  for (const desired of state.snapshot?.objects.values() ?? []) {
    const { ref } = desired;
    if (ref.kind !== scope.kind || ref.group !== scope.group) continue;
    if (scope.namespace !== '' && ref.namespace !== scope.namespace) continue;
    if (!state.cluster.has(ref)) examine(state, desired, undefined);
  }
}

function examine(state: State, desired: DesiredObject, live: KubeObject | undefined): void {
  if (live === undefined && state.cluster.coverage(desired.ref) !== 'listed') return;
  const judgement = judgeSafely(state, desired, live);
  if (judgement !== undefined) settle(state, desired.ref, judgement.verdict);
}

function judgeSafely(
  { judge, log }: State,
  desired: DesiredObject,
  live: KubeObject | undefined,
): { verdict: Verdict | undefined } | undefined {
  try {
    return { verdict: judge(desired, live) };
  } catch (cause) {
    // One object that cannot be compared must not stop the others.
    const resource = formatResource(desired.ref);
    log.error({ resource, reason: fromUnknown(cause).message }, 'comparison failed');
    return undefined;
  }
}

/** Takes a verdict as the present one; with `again`, its workflow is told even what it knows. */
function settle(
  { entries, clock, enqueue }: State,
  ref: ResourceRef,
  verdict: Verdict | undefined,
  again = false,
): void {
  const key = resourceKey(ref);
  const known = entries.get(key);
  if (known === undefined && verdict === undefined && !again) return;
  const same =
    known?.verdict?.digest === verdict?.digest && known?.verdict?.severity === verdict?.severity;
  if (known !== undefined && same && !again) return;
  const isOther = known?.verdict?.digest !== verdict?.digest;
  const told = known?.told ?? 'nothing';
  const entry: Entry = {
    ref,
    verdict,
    changedAtMs: clock.now(),
    told,
    checkAtMs: known?.checkAtMs ?? 0,
    absences: isOther ? 0 : (known?.absences ?? 0),
    confirmed: false,
    turns: 0,
    // A run reads the cluster for itself: it may have acted on a state that was over before it was told of it (closed on a
    // clean one, asked about another drift). So whatever moved after a report is told, even if it is what it was again.
    again: again || (isOther && told !== 'nothing') || (known?.again ?? false),
  };
  entries.set(key, entry);
  enqueue(key, again ? 0 : waitMsOf(entry, entry.changedAtMs));
}

/** When a verdict is to be told: the end of a drift is kept back. */
function dueMsOf({ verdict, told, changedAtMs }: Entry): number {
  return verdict === undefined && typeof told === 'object'
    ? changedAtMs + CLEAN_WAIT_MS
    : changedAtMs;
}

function waitMsOf(entry: Entry, nowMs: number): number {
  return Math.max(0, dueMsOf(entry) - nowMs);
}

function reaffirm(state: State, ref: ResourceRef): void {
  const { snapshot, cluster } = state;
  if (snapshot === undefined) return;
  const desired = snapshot.objects.get(resourceKey(ref));
  if (desired === undefined) {
    if (snapshot.hiddenBy(resourceKey(ref))) return;
    settle(state, ref, state.unmanagedWatch?.judge(ref), true);
    return;
  }
  const coverage = cluster.coverage(ref);
  if (coverage === 'outside') settle(state, ref, undefined, true);
  if (coverage !== 'listed') return;
  const judgement = judgeSafely(state, desired, cluster.get(ref));
  if (judgement !== undefined) settle(state, ref, judgement.verdict, true);
}

/**
 * A run that closed on a state that we never saw (between two events, under a revision that came and went between two polls)
 * leaves its drift without a run, and nothing of the verdict changes: only the missing record shows it.
 */
function tellAgain(state: State, onRecord: ReadonlySet<string>, asOfMs: number): void {
  let count = 0;
  for (const [key, entry] of state.entries) {
    if (!isDue(entry, asOfMs)) continue;
    const isKnown = onRecord.has(key);
    if (!isKnown && count === MAX_TOLD_AGAIN) break;
    entry.absences = isKnown ? 0 : entry.absences + 1;
    entry.checkAtMs = nextCheckMs(state, entry);
    if (isKnown) continue;
    count += 1;
    reaffirm(state, entry.ref);
  }
  if (count > 0) state.log.info({ count }, 'drifts without a record are told again');
}

function isDue(entry: Entry, asOfMs: number): boolean {
  return entry.verdict !== undefined && !isPending(entry) && entry.checkAtMs <= asOfMs;
}

function nextCheckMs({ clock, recheckMs }: State, { absences }: Entry): number {
  return clock.now() + Math.min(recheckMs * 2 ** absences, MAX_RECHECK_MS);
}

async function deliver(state: State, key: string): Promise<boolean> {
  const { entries, environment, report, metrics, clock } = state;
  let entry = entries.get(key);
  if (entry === undefined) return false;
  if (entry.verdict?.unmanaged && isPending(entry) && entry.turns < TURNS_BEFORE_UNMANAGED) {
    return false;
  }
  if (entry.verdict !== undefined && isPending(entry) && !entry.confirmed) {
    await confirm(state, key, entry);
    entry = entries.get(key) ?? entry;
  }
  if (!isPending(entry)) {
    forget(state, key, entry);
    return false;
  }
  const { ref, verdict } = entry;
  const dueMs = dueMsOf(entry);
  entry.told = verdict === undefined ? 'clean' : { digest: verdict.digest };
  entry.again = true;
  await report(ref, verdict);
  const seconds = Math.max(0, clock.now() - dueMs) / 1_000;
  metrics?.detectionTook(ref.kind, environment.config.name, seconds);
  // What changed during the report is another entry, which took over what its workflow was told.
  entry.again = false;
  entry.checkAtMs = nextCheckMs(state, entry);
  return true;
}

/**
 * Looks again at a new drift under desired state as its source has it now. Every ordinary roll-out reaches the cluster
 * before it reaches our copy of desired, and would be a drift that nobody made.
 */
async function confirm(state: State, key: string, entry: Entry): Promise<void> {
  const { environment, entries, cluster, onStale, log } = state;
  const known = state.snapshot?.objects.get(key);
  try {
    const signal = AbortSignal.timeout(CONFIRM_TIMEOUT_MS);
    const desired = await environment.source.find(entry.ref, signal);
    entry.confirmed = true;
    if (isSameState(desired, known) || entries.get(key) !== entry) return;
    onStale();
    if (desired !== undefined) examine(state, desired, cluster.get(entry.ref));
    const now = entries.get(key);
    if (now !== undefined) now.confirmed = true;
  } catch (cause) {
    // A drift is not kept back because the source is away: the workflow reads both sides again anyway.
    entry.confirmed = true;
    const resource = formatResource(entry.ref);
    log.debug({ resource, reason: fromUnknown(cause).message }, 'reported unconfirmed');
  }
}

/** What came and went untold. What was told clean stays a while: see `settle` about what comes and goes right after. */
function forget({ entries }: State, key: string, entry: Entry): void {
  const isNothing = entry.verdict === undefined && entry.told === 'nothing';
  if (isNothing && entries.get(key) === entry) entries.delete(key);
}

function lagMsOf({ entries, clock }: State): number {
  const nowMs = clock.now();
  let oldestMs = nowMs;
  for (const entry of entries.values()) {
    if (isPending(entry)) oldestMs = Math.min(oldestMs, dueMsOf(entry));
  }
  return nowMs - oldestMs;
}

function isPending({ verdict, told, again }: Entry): boolean {
  if (again) return true;
  if (verdict === undefined) return typeof told === 'object';
  return typeof told !== 'object' || told.digest !== verdict.digest;
}

function isSameState(one: DesiredObject | undefined, other: DesiredObject | undefined): boolean {
  return (
    one?.revision === other?.revision &&
    one?.applied === other?.applied &&
    one?.unit.liveRevision === other?.unit.liveRevision
  );
}

function noteErrors(log: Log, before: DesiredSnapshot | undefined, next: DesiredSnapshot): void {
  const known = new Set(before?.errors.map((one) => `${one.unit} ${one.message}`));
  for (const { unit, message } of next.errors) {
    if (known.has(`${unit} ${message}`)) continue;
    log.warn({ unit, reason: message }, 'unit cannot be used; the others go on');
  }
}
