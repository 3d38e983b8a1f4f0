/** ConfigHub's nouns as Realign uses them: flat, camelCase, dialect-free. Ids are UUIDs, times RFC 3339, a number of 0 means none. */

export type Dialect = 'bridge' | 'release';

export type Labels = Readonly<Record<string, string>>;

export type ServerInfo = {
  readonly dialect: Dialect;
  /** Absent on generation A servers. */
  readonly version?: string;
};

export type Identity = { readonly userId: string; readonly username: string };

export type Space = {
  readonly spaceId: string;
  readonly slug: string;
  readonly displayName: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly version: number;
};

/** What is in a space; a count that the server does not make is absent. */
export type SpaceCounts = {
  readonly units?: number;
  readonly gated?: number;
  readonly upgradable?: number;
  /** Release dialect: whose head is not released. */
  readonly unapplied?: number;
  readonly tags?: number;
  readonly changeSets?: number;
  readonly filters?: number;
  readonly workers?: number;
  readonly targets?: number;
};

/** What a unit was cloned from. `revision` is the upstream revision that was last merged in. */
export type Upstream = {
  readonly unitId: string;
  readonly spaceId: string;
  readonly slug?: string;
  readonly spaceSlug?: string;
  readonly revision: number;
  /** Head of the upstream unit; 0 where the server did not expand it. */
  readonly headRevision: number;
};

export type Unit = {
  readonly unitId: string;
  readonly spaceId: string;
  readonly spaceSlug: string;
  readonly slug: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Guards writes: it must be the one that was read. Grows with metadata too, unlike `headRevision`. */
  readonly version: number;
  readonly headRevision: number;
  /** Release dialect: the revision that was released last. */
  readonly lastAppliedRevision: number;
  /** Release dialect: 0 until somebody reports that the cluster has the release and is healthy. */
  readonly liveRevision: number;
  readonly previousLiveRevision: number;
  /** SHA-256 of the data, where the server says it: equal hashes are equal documents. */
  readonly dataHash?: string;
  readonly targetId?: string;
  readonly setId?: string;
  readonly upstream?: Upstream;
  /** `trigger/function` names; not empty = an apply is refused. */
  readonly applyGates: readonly string[];
  /** Users who approved the head revision. */
  readonly approvedBy: readonly string[];
  readonly lastChangeDescription: string;
  /** RFC 3339; empty where the server left it out. */
  readonly updatedAt: string;
  /** The YAML text. Absent when the list left it out; an empty text is a valid document. */
  readonly data?: string;
};

/** The part of a unit that addresses it and guards a write. */
export type UnitRef = Pick<Unit, 'unitId' | 'spaceId' | 'version'>;

/** One item of a bulk answer (200 or 207). */
export type UnitResult =
  | { readonly ok: true; readonly unit: Unit }
  | {
      readonly ok: false;
      readonly unitId?: string;
      readonly status: number;
      readonly message: string;
    };

export type Revision = {
  readonly revisionId: string;
  readonly revision: number;
  readonly unitId: string;
  readonly description: string;
  /** The operation that made it, e.g. `UpdateUnit`. */
  readonly source: string;
  readonly userId: string;
  readonly createdAt: string;
  /** Absent if it never was live. */
  readonly liveAt?: string;
  readonly tagIds: readonly string[];
};

export const EVENT_STATUSES = [
  'None',
  'Pending',
  'Submitted',
  'Progressing',
  'Completed',
  'Failed',
  'Canceled',
  'Aborted',
] as const;
export type EventStatus = (typeof EVENT_STATUSES)[number];

/** One step of an asynchronous action on a unit. */
export type UnitEvent = {
  readonly unitEventId: string;
  readonly unitId: string;
  readonly operationId: string;
  readonly action: string;
  readonly status: EventStatus;
  /** `ApplyCompleted`, `ApplyFailed`, `RefreshAndDrifted`, … */
  readonly result: string;
  readonly message: string;
  readonly revision: number;
  readonly createdAt: string;
};

/** A named WHERE expression over one entity type. */
export type Filter = {
  readonly filterId: string;
  readonly spaceId: string;
  readonly spaceSlug: string;
  readonly slug: string;
  /** PascalCase entity type, e.g. `Unit`. */
  readonly from: string;
  readonly where: string;
  readonly whereData: string;
  readonly resourceType: string;
};

/** A named group of units; a unit is in one set at most. */
export type UnitSet = {
  readonly setId: string;
  readonly spaceId: string;
  readonly slug: string;
  readonly displayName: string;
  readonly labels: Labels;
};

export type ChangeSet = {
  readonly changeSetId: string;
  readonly spaceId: string;
  readonly slug: string;
  readonly displayName: string;
  readonly description: string;
  readonly labels: Labels;
  readonly filterId?: string;
  readonly startTagId?: string;
  readonly endTagId?: string;
  readonly createdAt: string;
};

export type Tag = { readonly tagId: string; readonly spaceId: string; readonly slug: string };

export type Target = {
  readonly targetId: string;
  readonly spaceId: string;
  readonly slug: string;
  readonly parameters: TargetParameters;
  readonly version: number;
};

/** ConfigHub's bridge worker: it runs where the cluster is, and fetches what is to be applied there. */
export type BridgeWorker = {
  readonly workerId: string;
  readonly spaceId: string;
  readonly slug: string;
  /** `Ready` while it is connected. */
  readonly condition: string;
};

/** What ConfigHub's Kubernetes worker reads. `KubeNamespace` is given to namespaced objects that name none. */
export type TargetParameters = {
  readonly KubeContext?: string;
  readonly KubeNamespace?: string;
  /** Go duration, e.g. `2m0s`. */
  readonly WaitTimeout?: string;
};

/** Which revision a tag is put on. */
export type RevisionName =
  | 'HeadRevisionNum'
  | 'LiveRevisionNum'
  | 'LastAppliedRevisionNum'
  | 'PreviousLiveRevisionNum';
