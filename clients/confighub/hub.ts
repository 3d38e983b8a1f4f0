import type {
  BridgeWorker,
  ChangeSet,
  Dialect,
  Filter,
  Identity,
  Labels,
  Revision,
  RevisionName,
  ServerInfo,
  Space,
  SpaceCounts,
  Tag,
  Target,
  TargetParameters,
  Unit,
  UnitEvent,
  UnitRef,
  UnitResult,
  UnitSet,
} from './types.ts';
import type { Where } from './where.ts';

/**
 * How much of each unit a list brings: `state` for polling, `summary` without data, `all` with data (default). A `state` is
 * name, place, target and numbers; labels, annotations, gates and, in the release dialect, the Set are not in it.
 */
export type UnitDetail = 'state' | 'summary' | 'all';

export type UnitQuery = {
  /** Space id; all spaces when absent. */
  readonly space?: string;
  readonly where?: Where;
  readonly filter?: string;
  readonly detail?: UnitDetail;
};

export type NewUnit = {
  readonly slug: string;
  readonly data: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly targetId?: string;
  readonly changeDescription?: string;
};

export type UnitClone = {
  readonly slug: string;
  readonly upstreamSpaceId: string;
  readonly upstreamUnitId: string;
  readonly labels?: Labels;
  readonly targetId?: string;
};

export type UnitPatch = {
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly annotations?: Readonly<Record<string, string | null>>;
  readonly lastChangeDescription?: string;
  readonly targetId?: string | null;
  readonly setId?: string | null;
};

export type WriteOptions = {
  /** Becomes the new revision's description. */
  readonly changeDescription?: string;
  /** Servers with open change sets (release dialect) refuse a locked unit's write without it. */
  readonly changeSetId?: string;
};

export type WaitOptions = {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called before every look, e.g. to heartbeat. */
  readonly onPoll?: (latest: UnitEvent | undefined) => void;
};

/**
 * ConfigHub, whichever generation answers. Reads are retried inside, writes never are (the caller's workflow does that).
 * Everything rejects with AppError: CONFIGHUB_UNAUTHORIZED (401, 403), NOT_FOUND (404), CONFIGHUB_CONFLICT (409),
 * CONFIGHUB_REFUSED (other 4xx, unreadable answers), CONFIGHUB_UNAVAILABLE (5xx, network, time-out).
 */
export type ConfigHub = {
  info(): Promise<ServerInfo>;
  /** Asked for once. */
  dialect(): Promise<Dialect>;
  me(): Promise<Identity>;

  /** With how much is in each; slower than `listSpaces`. */
  summarizeSpaces(where?: Where): Promise<readonly (Space & { readonly counts: SpaceCounts })[]>;
  listSpaces(where?: Where): Promise<readonly Space[]>;
  findSpace(slug: string): Promise<Space | undefined>;
  createSpace(space: { slug: string; labels?: Labels; displayName?: string }): Promise<Space>;
  /** Lays labels over those that the space has. */
  labelSpace(spaceId: string, labels: Labels): Promise<Space>;
  /** With everything in it. */
  deleteSpace(spaceId: string): Promise<void>;

  listUnits(query?: UnitQuery): Promise<readonly Unit[]>;
  getUnit(spaceId: string, unitId: string): Promise<Unit>;
  findUnit(spaceId: string, slug: string): Promise<Unit | undefined>;
  readData(unit: Pick<Unit, 'unitId' | 'spaceId'>): Promise<string>;
  revisionData(spaceId: string, unitId: string, revision: number): Promise<string>;
  createUnit(spaceId: string, unit: NewUnit): Promise<Unit>;
  cloneUnit(destinationSpaceId: string, clone: UnitClone): Promise<Unit>;
  /** One clone of each selected unit in each destination space; the labels are laid over the copies, null removes one. */
  cloneUnits(
    where: Where,
    destination: {
      spaces: Where;
      labels?: Readonly<Record<string, string | null>>;
      targetId?: string;
    },
  ): Promise<readonly UnitResult[]>;
  /** Guarded by `unit.version`: CONFIGHUB_CONFLICT if the unit changed since it was read. */
  writeData(unit: UnitRef, data: string, options?: WriteOptions): Promise<Unit>;
  /** Metadata only; makes no revision. A null removes a label or annotation. */
  patchUnit(unit: UnitRef, patch: UnitPatch): Promise<Unit>;
  deleteUnit(unit: Pick<Unit, 'unitId' | 'spaceId'>): Promise<void>;
  /** Merges the upstream's changes into each selected unit that is behind; one level. Local changes survive. */
  upgradeUnits(
    where: Where,
    options?: { changeDescription?: string; changeSetId?: string },
  ): Promise<readonly UnitResult[]>;
  /** A new head revision with the data of an old one. */
  restoreUnit(unit: UnitRef, revision: number, options?: WriteOptions): Promise<Unit>;

  /**
   * Starts an apply of the head revision. Refused while the unit has apply gates. Release dialect: publishes a release that
   * changes this unit alone; APPLY_FAILED if its space has no release target.
   */
  applyUnit(unit: Pick<Unit, 'unitId' | 'spaceId'>): Promise<{ operationId: string }>;
  /** Starts an apply of each selected unit; items that were refused say why. */
  applyUnits(
    where: Where,
  ): Promise<
    readonly (
      | { ok: true; unitId: string; spaceId: string; operationId: string }
      | { ok: false; message: string }
    )[]
  >;
  /**
   * The closing event. Rejects with APPLY_FAILED when the operation failed or was cancelled, or took longer than
   * `timeoutMs`; with KUBERNETES_UNAVAILABLE when it failed because its cluster could not be reached: then another may succeed. An apply that was written but whose workloads were not ready in time resolves (result `ApplyWaitFailed`).
   */
  waitForOperation(
    unit: Pick<Unit, 'unitId' | 'spaceId'>,
    operationId: string,
    options: WaitOptions,
  ): Promise<UnitEvent>;
  /** Of its head revision. Release dialect: an attestation of it. */
  approveUnit(unit: Pick<Unit, 'unitId' | 'spaceId'>): Promise<void>;
  /** YAML stream of the live objects as the last action saw them; undefined where the server has none. */
  liveState(unit: Pick<Unit, 'unitId' | 'spaceId'>): Promise<string | undefined>;
  /** Newest first. */
  listRevisions(unit: Pick<Unit, 'unitId' | 'spaceId'>): Promise<readonly Revision[]>;
  /** Oldest first. */
  listUnitEvents(
    unit: Pick<Unit, 'unitId' | 'spaceId'>,
    operationId?: string,
  ): Promise<readonly UnitEvent[]>;

  /** Of one space, or of all. */
  listFilters(spaceId?: string, where?: Where): Promise<readonly Filter[]>;
  findFilter(spaceId: string, slug: string): Promise<Filter | undefined>;
  createFilter(
    spaceId: string,
    filter: { slug: string; from: string; where: string; displayName?: string; labels?: Labels },
  ): Promise<Filter>;
  /** Where the server has no sets, they are Filters over a label that the members carry. */
  listSets(spaceId: string): Promise<readonly UnitSet[]>;
  createSet(
    spaceId: string,
    set: { slug: string; displayName?: string; labels?: Labels },
  ): Promise<UnitSet>;
  /** The members; `patchUnit` with `setId` makes a unit one. */
  listSetUnits(setId: string, detail?: UnitDetail): Promise<readonly Unit[]>;

  createChangeSet(
    spaceId: string,
    changeSet: {
      slug: string;
      displayName?: string;
      description?: string;
      labels?: Labels;
      filterId?: string;
      startTagId?: string;
      endTagId?: string;
    },
  ): Promise<ChangeSet>;
  findChangeSet(spaceId: string, slug: string): Promise<ChangeSet | undefined>;
  listChangeSets(spaceId?: string): Promise<readonly ChangeSet[]>;

  createTag(spaceId: string, tag: { slug: string; labels?: Labels }): Promise<Tag>;
  findTag(spaceId: string, slug: string): Promise<Tag | undefined>;
  /** Puts the tag on one revision of each selected unit. Rejects with CONFIGHUB_REFUSED if any item failed. */
  tagUnits(where: Where, tag: { tagId: string; revision: RevisionName }): Promise<void>;

  /** Release dialect: the space's releases go to this target from now on. Elsewhere units name their target themselves. */
  releaseTo(spaceId: string, targetId: string): Promise<void>;
  listWorkers(spaceId: string): Promise<readonly BridgeWorker[]>;
  /** The secret is what the worker logs in with; it is not shown again. */
  createWorker(
    spaceId: string,
    worker: { slug: string },
  ): Promise<{ readonly worker: BridgeWorker; readonly secret: string }>;
  listTargets(spaceId: string): Promise<readonly Target[]>;
  createTarget(
    spaceId: string,
    target: { slug: string; parameters: TargetParameters },
  ): Promise<Target>;
};
