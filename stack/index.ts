import { mkdirSync, mkdtempSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppError } from '../lib/errors.ts';
import { ensureBinaries } from '../setup/binaries.mjs';
import { type AuditWebhook, type Kubernetes, startKubernetes } from './kubernetes.ts';
import { databaseUrl, ensureDatabase, type Postgres, startPostgres } from './postgres.ts';
import { createKeeper } from './process.ts';
import type { Crashing, PartContext } from './server.ts';
import { type StatusPlayer, startStatusPlayer } from './status-player.ts';
import { type SearchAttribute, startTemporal, type Temporal } from './temporal.ts';

export type { Identity } from './kubernetes-identities.ts';
export type { Kubernetes, PartContext, StatusPlayer, Temporal };
export { databaseUrl, ensureDatabase };

export type StackOptions = {
  /** Where data and logs go and stay. Absent = a temporary directory that goes with the stack. */
  readonly directory?: string;
  /** A Postgres of the user's: none is started. */
  readonly postgresUrl?: string;
  /** Databases to create in the embedded server; default `realign`. */
  readonly databases?: readonly string[];
  /** A Temporal of the user's: none is started. */
  readonly temporalAddress?: string;
  readonly temporalUi?: boolean;
  /** Those of `workflows/search-attributes.ts`; without them a workflow that sets one cannot start. */
  readonly searchAttributes?: readonly SearchAttribute[];
  /** Where the API server posts its audit events. */
  readonly auditWebhook?: AuditWebhook;
  /** Parts to leave out. */
  readonly without?: readonly ('postgres' | 'temporal' | 'kubernetes')[];
  /** Called when a part ends by itself after it was ready; the message holds the end of its log. */
  readonly onFailure?: (error: AppError) => void;
  /** Called as each part becomes ready. */
  readonly onReady?: (part: string, afterMs: number) => void;
};

/** Part of a whole that is stopped as one. */
type Started<Part> = Omit<Part, 'stop' | keyof Crashing>;

export type Stack = {
  readonly directory: string;
  /** Of the embedded server's first database, or the user's. '' if left out. */
  readonly postgresUrl: string;
  readonly temporal?: Started<Temporal>;
  readonly kubernetes?: Started<Kubernetes> & { readonly statusPlayer: StatusPlayer };
  /** A part that lives elsewhere in the tree, stopped with the rest, before the parts that it needs. */
  addPart(part: { stop(): Promise<void> }): void;
  /** Where a further part may write. */
  partContext(name: string): PartContext;
  /** Stops added parts in reverse order, then the embedded ones. May be called again. */
  stop(): Promise<void>;
};

/** Starts the parts side by side; if one fails, the others are stopped and its failure is thrown. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const isFresh = options.directory === undefined;
  const directory = options.directory ?? (await temporaryDirectory());
  const keeper = createKeeper();
  if (isFresh) keeper.removeOnDeath(directory);
  const stops: Stop[] = [];
  const laterStops: Stop[] = [];
  const partContext = (name: string): PartContext => {
    const place = join(directory, name);
    mkdirSync(place, { recursive: true, mode: 0o755 });
    return { keeper, directory: place, onFailure: options.onFailure ?? (() => {}) };
  };
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= stopInReverse(laterStops)
      .then(() => Promise.all(stops.map(stopCleanly)))
      .then(() => keeper.close())
      .then(() => (isFresh ? rm(directory, { recursive: true, force: true }) : undefined));
    return stopped;
  };
  try {
    const parts = await startParts({ options, partContext, isFresh, stops });
    return {
      directory,
      ...parts,
      partContext,
      stop,
      addPart: (part) => void laterStops.push(part.stop),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Stop = () => Promise<void>;

type StartContext = {
  readonly options: StackOptions;
  readonly partContext: (name: string) => PartContext;
  readonly isFresh: boolean;
  readonly stops: Stop[];
};

type Parts = Pick<Stack, 'postgresUrl' | 'temporal' | 'kubernetes'>;

async function startParts(context: StartContext): Promise<Parts> {
  const { options } = context;
  const isWanted = (part: 'postgres' | 'temporal' | 'kubernetes') =>
    !options.without?.includes(part);
  // All are awaited even if one fails, so that none becomes ready after the others were stopped.
  const [postgres, temporal, kubernetes] = await Promise.allSettled([
    isWanted('postgres') ? timed(context, 'Postgres', postgresPart) : '',
    isWanted('temporal') ? timed(context, 'Temporal', temporalPart) : undefined,
    isWanted('kubernetes') ? timed(context, 'Kubernetes API', kubernetesPart) : undefined,
  ]);
  const unwrap = <T>(result: PromiseSettledResult<T>): T => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  };
  const postgresUrl = unwrap(postgres);
  const startedTemporal = unwrap(temporal);
  const startedKubernetes = unwrap(kubernetes);
  return {
    postgresUrl,
    ...(startedTemporal ? { temporal: startedTemporal } : {}),
    ...(startedKubernetes ? { kubernetes: startedKubernetes } : {}),
  };
}

async function timed<T>(
  context: StartContext,
  name: string,
  start: (context: StartContext) => Promise<T>,
): Promise<T> {
  const startedAt = Date.now();
  const part = await start(context);
  context.options.onReady?.(name, Date.now() - startedAt);
  return part;
}

async function postgresPart({
  options,
  partContext,
  isFresh,
  stops,
}: StartContext): Promise<string> {
  if (options.postgresUrl !== undefined) return options.postgresUrl;
  const databases = options.databases ?? ['realign'];
  const postgres: Postgres = await startPostgres(partContext('postgres'), {
    fresh: isFresh,
    databases,
  });
  stops.push(postgres.stop);
  const [first] = databases;
  return first === undefined ? postgres.url : databaseUrl(postgres.url, first);
}

async function temporalPart(context: StartContext): Promise<Started<Temporal>> {
  const { options, partContext, isFresh, stops } = context;
  if (options.temporalAddress !== undefined) {
    return { address: options.temporalAddress, namespace: 'default' };
  }
  const [binary] = await ensureBinaries(['temporal']);
  const temporal = await startTemporal(partContext('temporal'), {
    binary,
    persistent: !isFresh,
    withUi: options.temporalUi ?? true,
    searchAttributes: options.searchAttributes ?? [],
  });
  stops.push(temporal.stop);
  return temporal;
}

async function kubernetesPart({
  options: { auditWebhook },
  partContext,
  stops,
}: StartContext): Promise<NonNullable<Stack['kubernetes']>> {
  const [etcdBinary, apiserverBinary] = await ensureBinaries(['etcd', 'kube-apiserver']);
  const kubernetes = await startKubernetes(partContext('kubernetes'), {
    etcdBinary,
    apiserverBinary,
    ...(auditWebhook && { auditWebhook }),
  });
  const { url, ca, tokens } = kubernetes;
  const statusPlayer = startStatusPlayer({ url, ca, token: tokens.controllers });
  stops.push(async () => {
    await statusPlayer.stop();
    await kubernetes.stop();
  });
  return { ...kubernetes, statusPlayer };
}

/** In reverse, so that nothing loses what it stands on. */
async function stopInReverse(stops: Stop[]): Promise<void> {
  for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stopCleanly(stop);
}

/** A part that fails to stop must not keep the others running; the guardian ends what is left. */
async function stopCleanly(stop: Stop): Promise<void> {
  await stop().catch((error: unknown) => console.error('a part did not stop cleanly:', error));
}

async function temporaryDirectory(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'realign-'));
  // PostgreSQL may have to run as another user, who must be able to pass through.
  await chmod(directory, 0o711);
  return directory;
}
