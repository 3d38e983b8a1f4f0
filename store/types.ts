import type { Analysis } from '../drift/advice/analysis.ts';
import type { AuditWrite } from '../drift/decide/author.ts';
import type { CommandRun, UnitResult } from '../drift/decide/command-run.ts';
import type { PastFix } from '../drift/decide/fight.ts';
import type { Notice } from '../drift/decide/notice.ts';
import type { AuditEntry, Operation, UnitWrite } from '../drift/decide/operation.ts';
import type { PolicyOutcome } from '../drift/decide/policy.ts';
import type {
  AnalysisRun,
  AnalysisScope,
  DecisionRow,
  DriftStatus,
  Episode,
  Finding,
  Outcome,
  Question,
  QuestionStatus,
  StepEntry,
} from '../drift/decide/record.ts';
import type { Severity } from '../drift/field-change.ts';
import type { JsonValue } from '../drift/json.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Place } from '../lib/notifier.ts';
import type { Retention } from './retention.ts';

/** The read model of one resource: DriftGuard's record with what it lacked added beside. */
export type DriftRecord = {
  readonly id: string;
  readonly ref: ResourceRef;
  readonly status: DriftStatus;
  readonly episodeId?: string;
  /** Workflow and run of the episode. */
  readonly workflowId?: string;
  readonly runId?: string;
  readonly rule?: string;
  readonly policyOutcome?: PolicyOutcome;
  /** The open question about this drift. */
  readonly questionId?: string;
  readonly finding?: Finding;
  readonly outcome?: Outcome;
  /** Redacted. */
  readonly desiredState: JsonValue;
  readonly liveState: JsonValue;
  readonly desiredHash: string;
  readonly firstDetected?: string;
  readonly resolvedAt?: string;
  readonly resolutionMessage: string;
  readonly lastUpdated: string;
  readonly createdAt: string;
};

export type RecordQuery = {
  readonly environment?: string;
  readonly namespace?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly severity?: Severity;
  readonly status?: DriftStatus;
  readonly driftDetected?: boolean;
  /** At most 1,000; default 100. */
  readonly limit?: number;
  /** What the previous page's `nextCursor` said. */
  readonly cursor?: string;
  /** With the states, at most 100 records or 8 MiB of them on a page; otherwise they are `{}`. */
  readonly states?: boolean;
};

export type Page<T> = { readonly items: readonly T[]; readonly nextCursor?: string };

export type Statistics = {
  readonly total: number;
  readonly active: number;
  readonly resolved: number;
  readonly none: number;
  readonly activeLastDay: number;
  readonly resolvedLastDay: number;
};

export type OpenEpisodeCount = {
  readonly environment: string;
  readonly severity: Severity;
  readonly count: number;
};

/** How often an ignore rule decided about a difference, and where it did so last. */
export type RuleHitCount = {
  readonly rule: string;
  readonly hits: number;
  readonly lastHit: string;
  readonly environment: string;
  /** `Kind/namespace/name`. */
  readonly resource: string;
  readonly path: string;
};

/** Names a message: at a receiver, about an episode, promotion or digest, and which of the messages about it. */
export type MessageName = {
  readonly receiver: string;
  readonly subject: string;
  /** `headline`, or which of the messages around it. */
  readonly part: string;
};

/** What a receiver has been shown. */
export type Message = MessageName & {
  /** Absent = not known to have arrived. */
  readonly place?: Place;
  /** Names what it shows. */
  readonly fingerprint?: string;
  readonly claimedAt: string;
  /** Of its first arrival. */
  readonly postedAt?: string;
  /** Why it could not be posted the last time. */
  readonly failure?: string;
};

export type Digest = {
  readonly id: string;
  readonly receiver: string;
  readonly startedAt: string;
  /** Episodes and promotions; `leads`: with a headline of its own in the thread. */
  readonly members: readonly { readonly subject: string; readonly leads: boolean }[];
};

/** What the drift of an environment costs per month in US dollars, where it is known. */
export type CostTotals = {
  readonly environment: string;
  /** Of open drifts: live minus desired; absent where it is known of none. */
  readonly openUsd?: number;
  /** Open drifts of which it is not known. */
  readonly unknown: number;
  /** What verified fixes of this calendar month (UTC) took back: each resource once, with its dearest drift. */
  readonly savedUsd: number;
};

/** Everything Realign remembers. Writes are idempotent: repeating one with the same keys changes nothing. */
export type Store = {
  readonly episodes: {
    /**
     * Creates the episode (outcome `detecting`) and makes its resource's record active. An older open episode of the
     * resource has lost its workflow: it ends as `failed` and its question is withdrawn. Answers with those that ended so.
     */
    open(
      episode: Episode,
      states: { desired: JsonValue; live: JsonValue; desiredHash: string },
    ): Promise<readonly string[]>;
    /** Stores what is known now: finding, rule, policy outcome, outcome, message. An ended episode stays as it is. */
    update(
      episodeId: string,
      change: {
        finding?: Finding;
        rule?: string;
        policyOutcome?: PolicyOutcome;
        outcome?: Outcome;
        message?: string;
        unitId?: string;
        labels?: Readonly<Record<string, string>>;
        states?: { desired: JsonValue; live: JsonValue; desiredHash: string };
      },
    ): Promise<void>;
    /** Ends the episode; a resource whose record is active with this episode becomes resolved. */
    close(episodeId: string, outcome: Outcome, message: string, at: string): Promise<void>;
    find(episodeId: string): Promise<Episode | undefined>;
    listFor(ref: ResourceRef, limit: number): Promise<readonly Episode[]>;
    /** Oldest first, at most 10,000. */
    listOpen(): Promise<readonly Episode[]>;
    countOpen(): Promise<readonly OpenEpisodeCount[]>;
    /** Of objects that were written: those with an open drift that is asked about, or about to be, by nobody knows whom; at most 500. */
    listWithoutAuthor(
      writes: readonly Pick<AuditWrite, 'group' | 'namespace' | 'name'>[],
    ): Promise<readonly ResourceRef[]>;
    /** Answers the attempt that is on record: a step that starts again counts on, also where whoever runs it counts anew. */
    appendStep(entry: StepEntry): Promise<number>;
    listSteps(episodeId: string): Promise<readonly StepEntry[]>;
  };
  readonly records: {
    /** A resource that was compared and has no drift gets a record `none`; active and resolved ones stay as they are. */
    noteClean(
      ref: ResourceRef,
      states: { desired: JsonValue; live: JsonValue; desiredHash: string },
      at: string,
    ): Promise<void>;
    list(query: RecordQuery): Promise<Page<DriftRecord>>;
    /** All records that match the parts given (kind, namespace, name and maybe environment). */
    find(parts: {
      environment?: string;
      kind: string;
      namespace: string;
      name: string;
    }): Promise<readonly DriftRecord[]>;
    statistics(environment?: string): Promise<Statistics>;
  };
  readonly questions: {
    /** Opens a question; any other open question of the same workflow becomes `superseded`. */
    open(question: Question): Promise<void>;
    /** Shows what has become known of an open question's drift: finding, summary, quorum, who is barred, whose votes count. */
    amend(question: Question, approvals: readonly string[]): Promise<void>;
    setApprovals(id: string, approvals: readonly string[]): Promise<void>;
    /** How many reminders went out, and who has been called in. */
    setReminded(id: string, reminded: number, escalatedTo?: readonly string[]): Promise<void>;
    close(id: string, status: Exclude<QuestionStatus, 'open'>, at: string): Promise<void>;
    find(id: string): Promise<Question | undefined>;
    list(query: {
      status?: QuestionStatus;
      environment?: string;
      /** `space/slug`; of promotions. */
      unit?: string;
      limit: number;
    }): Promise<readonly Question[]>;
    openFor(ref: ResourceRef): Promise<Question | undefined>;
    /** Of one episode or promotion, newest first. */
    listOf(episodeId: string, limit: number): Promise<readonly Question[]>;
    countOpen(): Promise<readonly { readonly environment: string; readonly count: number }[]>;
  };
  readonly decisions: {
    insert(row: DecisionRow): Promise<void>;
    settle(decisionId: string, result: 'taken' | 'refused', refusal?: string): Promise<void>;
    find(decisionId: string): Promise<DecisionRow | undefined>;
    /** All answers to a question, or one person's, oldest first. */
    listFor(questionId: string, person?: string): Promise<readonly DecisionRow[]>;
  };
  readonly history: {
    /** What happened lately around a resource; times are RFC 3339. */
    around(
      ref: ResourceRef,
      since: {
        /** Episodes of the environment that began since then are counted as drifting. */
        readonly blast: string;
        /** The resource's episodes that ended by themselves since then, each in less than `shorterThanMs`. */
        readonly flapping: string;
        readonly shorterThanMs: number;
        /** Approvals of the fix of a fight. */
        readonly enforced: string;
        /** Automatic fixes, by rule. */
        readonly hour: string;
      },
    ): Promise<{
      readonly drifting: number;
      readonly short: number;
      readonly enforcedAt?: string;
      readonly fixesByRule: Readonly<Record<string, number>>;
    }>;
    /** Verified fixes of the resource that ended since then, newest first, at most 50. */
    pastFixes(ref: ResourceRef, since: string): Promise<readonly PastFix[]>;
  };
  readonly unitHolds: {
    /** Makes an episode the one that plans for a unit, or says which one does: one that lives, and at rest has covered this drift. */
    take(
      unitId: string,
      by: {
        readonly episodeId: string;
        /** What its drift is called whatever is live; `exact` with what is live, as a holder at rest has to have covered it. */
        readonly drift: string;
        readonly exact: string;
        /** The drifts that its plan covers. */
        readonly covers: readonly string[];
        readonly at: string;
      },
    ): Promise<
      | { readonly episodeId: string; readonly ref: ResourceRef; readonly isCovered: boolean }
      | undefined
    >;
    /** An episode that plans for nothing any more covers no drift: at rest, it gives way to each. */
    release(episodeId: string): Promise<void>;
    /** Resources with open drift in the units that an episode holds or held last, at most 500. */
    waitingFor(episodeId: string): Promise<readonly ResourceRef[]>;
  };
  readonly notices: {
    /** False where one about the same subject was posted less than `quietForMs` before; true for a repeat of one id. */
    post(notice: Notice, quietForMs: number): Promise<boolean>;
    /** Newest first, at most 1,000. */
    list(query: { environment?: string; limit: number }): Promise<readonly Notice[]>;
    /** Of one episode, oldest first. */
    listOf(episodeId: string): Promise<readonly Notice[]>;
  };
  readonly messages: {
    /** All messages about an episode, promotion or digest, at all receivers. */
    listFor(subject: string): Promise<readonly Message[]>;
    /** Who has been told of it, by itself or in a digest. */
    receiversOf(subject: string): Promise<readonly string[]>;
    /** Notes that a message is about to be posted. False where that was noted before: it may have arrived. */
    claim(name: MessageName, at: string): Promise<boolean>;
    posted(
      name: MessageName,
      message: { readonly place: Place; readonly fingerprint: string; readonly at: string },
    ): Promise<void>;
    failed(name: MessageName, failure: string): Promise<void>;
    /** Questions that have been open for a minute and that no message shows. */
    countUnposted(): Promise<readonly { readonly environment: string; readonly count: number }[]>;
    /** Episodes and promotions with an open question that no message shows, oldest first, at most 1,000. */
    listUnposted(): Promise<readonly string[]>;
  };
  readonly digests: {
    /** Adds members to a digest, which is made by the first; who is in another one stays there. */
    add(
      digest: Pick<Digest, 'id' | 'receiver'> & { readonly at: string },
      members: Digest['members'],
    ): Promise<void>;
    find(id: string): Promise<Digest | undefined>;
    membershipOf(
      receiver: string,
      subject: string,
    ): Promise<{ readonly digestId: string; readonly leads: boolean } | undefined>;
  };
  readonly analyses: {
    /** Keeps what became of asking about one difference; what it cost adds up. A note stays, a reason for none gives way. */
    save(episodeId: string, diffDigest: string, analysis: Analysis): Promise<void>;
    find(episodeId: string, diffDigest: string): Promise<Analysis | undefined>;
  };
  readonly claudeCalls: {
    /**
     * Notes a call and the most that it can cost, unless that is beyond what may be spent within an hour or a day: then it names
     * which. Repeating an id changes nothing.
     */
    reserve(
      id: string,
      usd: number,
      budget: Readonly<Record<'perHour' | 'perDay', { calls: number; dollars: number }>>,
    ): Promise<'hour' | 'day' | undefined>;
    /** What the call cost in the end. */
    settle(id: string, usd: number): Promise<void>;
    /** Keeps an answer for a day. */
    keep(key: string, answer: JsonValue): Promise<void>;
    recall(key: string): Promise<JsonValue | undefined>;
  };
  readonly costs: {
    /** By environment; those without drift or saving are left out. */
    totals(): Promise<readonly CostTotals[]>;
  };
  readonly operations: {
    /** What is done to a unit, and then again what became of it. */
    note(write: UnitWrite): Promise<void>;
    /** Newest first, at most 1,000 on a page. */
    list(query: { readonly limit: number; readonly cursor?: string }): Promise<Page<Operation>>;
    /** Steps of one operation, oldest first; none where nobody knows it. */
    steps(operationId: string): Promise<readonly UnitWrite[]>;
    /** Decisions of people and what was done to units, newest first, at most 1,000 on a page. */
    audit(query: { readonly limit: number; readonly cursor?: string }): Promise<Page<AuditEntry>>;
  };
  readonly analysisRuns: {
    /**
     * Notes a run that is under way; an older one of the same workflow id becomes `failed`. False if it was noted before. Runs
     * that ended and are older than 30 days go.
     */
    start(run: {
      runId: string;
      workflowId: string;
      scope: AnalysisScope;
      startedAt: string;
    }): Promise<boolean>;
    progress(
      runId: string,
      counts: { total: number; checked: number; drifted: number; errors: readonly string[] },
    ): Promise<void>;
    finish(runId: string, status: 'completed' | 'failed', at: string): Promise<void>;
    find(runId: string): Promise<AnalysisRun | undefined>;
    /** Runs under way that began within the last hour, those of one workflow id not counted. */
    countRunning(exceptWorkflowId: string): Promise<number>;
  };
  readonly commandRuns: {
    /** Notes a run that is under way; it is `running` until told otherwise. */
    start(run: Omit<CommandRun, 'status' | 'message' | 'changeSet' | 'endedAt'>): Promise<void>;
    /** A run that has ended stays as it is. */
    update(
      runId: string,
      change: Partial<Pick<CommandRun, 'status' | 'message' | 'changeSet' | 'endedAt'>>,
    ): Promise<void>;
    /** The first result of a unit holds. */
    addResults(runId: string, results: readonly UnitResult[], at: string): Promise<void>;
    find(runId: string): Promise<CommandRun | undefined>;
    latestOf(workflowId: string): Promise<CommandRun | undefined>;
    /** By environment and unit, at most 10,000. */
    listResults(runId: string): Promise<readonly UnitResult[]>;
  };
  readonly auditWrites: {
    /** Keeps the writes of a batch, each once. The oldest go: after seven days, or beyond 100,000 rows. */
    append(cluster: string, writes: readonly AuditWrite[]): Promise<void>;
    /** Writes to one object, and deletions of its whole collection; newest first, at most 200. */
    listFor(
      cluster: string,
      object: Pick<AuditWrite, 'group' | 'resource' | 'namespace' | 'name'>,
    ): Promise<readonly AuditWrite[]>;
  };
  readonly ruleHits: {
    /** Adds to what rules have decided so far. Counts of one rule from several processes add up. */
    add(hits: readonly RuleHitCount[]): Promise<void>;
    /** Every rule that ever decided something, at most 1,000. */
    list(): Promise<readonly RuleHitCount[]>;
  };
  readonly retention: Retention;
  /** The installation's secret key for keyed hashes, made at first use. 32 bytes. */
  installationKey(): Promise<Uint8Array>;
  /** Answers when Postgres does; throws DATABASE_UNAVAILABLE otherwise. */
  ping(): Promise<void>;
  /** This process's connections to Postgres that are in use now. */
  activeConnections(): { readonly database: string; readonly count: number };
  close(): Promise<void>;
};
