import type { ConfigHub } from '../clients/confighub/index.ts';
import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import type { LiveComparer } from '../desired/live-comparer.ts';
import type { DesiredObject, DesiredSource } from '../desired/source.ts';
import type { FieldChange } from '../drift/field-change.ts';
import type { KubeObject, ResourceRef } from '../drift/resource-ref.ts';
import type { Config, EnvironmentConfig } from '../lib/config.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { Store } from '../store/types.ts';
import type { CorrectReport, Surrounding } from '../workflows/messages.ts';
import type { OpenedChangeSet } from './types.ts';

/** One environment with the clients that serve it. */
export type EnvironmentParts = {
  readonly config: EnvironmentConfig;
  readonly source: DesiredSource;
  /** Reads only. */
  readonly cluster: KubernetesClient;
  /** May patch; present only with `residue: patch` or `confirm: dry-run`. */
  readonly repair?: KubernetesClient;
};

/** A bulk correction's wish; requests with the same run and number are one. */
export type CorrectionRequest = {
  readonly runId: string;
  readonly number: number;
  readonly changeSet: OpenedChangeSet;
  readonly requestedBy: string;
};

/** What activities work with; made once per process by `workers/`. */
export type ActivityDeps = {
  readonly config: Config;
  readonly store: Store;
  readonly hub: ConfigHub;
  readonly environments: ReadonlyMap<string, EnvironmentParts>;
  /** By the configured rules; lists what default ones hide, too. */
  readonly compareLive: LiveComparer;
  /** Told of each object that an apply has just brought to its desired state. */
  readonly noteApplied: (desired: DesiredObject, live: KubeObject) => void;
  /** Told of changes that are none: the server makes the live value of the desired one. */
  readonly noteEquivalent: (desired: DesiredObject, changes: readonly FieldChange[]) => void;
  /** HMAC under the installation's key. */
  readonly keyedHash: (text: string) => string;
  /** Starts or wakes the resource's own workflow. */
  readonly reportDrift: (ref: ResourceRef, diffDigest: string) => Promise<void>;
  /** Tells the resource's run, where one is open, that something around its drift changed. */
  readonly stir: (ref: ResourceRef, what: Surrounding) => Promise<void>;
  /** Has the unit that records a resource's drift brought up to date; absent where none is kept. */
  readonly keepDriftUnit?: (ref: ResourceRef) => Promise<void>;
  /** Has what people were told of an episode brought up to date; absent where nobody is told. */
  readonly announce?: (episodeId: string) => Promise<void>;
  /** Has the resource's own workflow deal with its drift now, and waits for what becomes of it. */
  readonly correctDrift: (
    ref: ResourceRef,
    request: CorrectionRequest,
    signal: AbortSignal,
  ) => Promise<CorrectReport>;
  readonly log: Log;
  readonly metrics: Pick<
    Metrics,
    'claudeCalled' | 'driftFound' | 'driftScore' | 'episodeEnded' | 'commandEnded'
  >;
};

export function environmentOf(
  deps: Pick<ActivityDeps, 'environments'>,
  name: string,
): EnvironmentParts {
  const found = deps.environments.get(name);
  if (!found) {
    throw new AppError('NOT_FOUND', `environment ${name} is not in the configuration`, {
      details: { environments: [...deps.environments.keys()] },
    });
  }
  return found;
}
