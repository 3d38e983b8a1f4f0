import { setTimeout as pause } from 'node:timers/promises';
import type { Severity } from '../drift/field-change.ts';
import { parseDurationMs } from '../lib/duration.ts';
import { AppError } from '../lib/errors.ts';
import { type OutputFormat, writeNote, writeResult } from './output.ts';
import { atLeast, listRecords, renderRecords } from './records.ts';
import { EXIT } from './report-error.ts';
import { splitEnvironment, toResourceId } from './resource-name.ts';
import { createRest, type Rest } from './rest.ts';
import {
  type AnalysisRunAnswer,
  analysisRunSchema,
  analysisStartedSchema,
  type RecordAnswer,
} from './wire.ts';

const POLL_MS = 250;
const PAGE_SIZE = 1_000;
const MAX_PAGES = 100;

type Scope = {
  readonly environment?: string;
  readonly namespace?: string;
  readonly resource?: string;
};

/** Starts a run (or joins the one that runs); with `wait` or `failOn` stays until its end. Returns the exit code. */
export async function analyze(
  options: Scope & {
    readonly wait?: true;
    readonly failOn?: Severity;
    readonly allowEmpty?: true;
    readonly timeout: string;
    readonly output: OutputFormat;
  },
): Promise<number> {
  const timeoutMs = parseDurationMs(options.timeout);
  if (timeoutMs === undefined) {
    throw new AppError(
      'INVALID_INPUT',
      `--timeout ${options.timeout} is not a duration; write 90s or 10m`,
    );
  }
  const rest = createRest(process.env);
  const scope = scopeOf(options);
  const started = await rest.post('/api/v1/analyze', analysisStartedSchema, scope);
  if (options.wait === undefined && options.failOn === undefined) {
    writeResult(
      options.output,
      started,
      () => `${started.message} (run ${started.run_id}, ${started.status}).`,
    );
    return EXIT.ok;
  }
  const run = await waitForRun(rest, started.run_id, Date.now() + timeoutMs);
  const open = atLeast(await listOpen(rest, scope), options.failOn ?? 'info');
  writeResult(options.output, { ...run, drift_records: open }, () => renderRecords(open));
  for (const error of run.errors) writeNote(`error: ${error}`);
  writeNote(`${run.checked} of ${run.total} resources compared, ${run.drifted} with drift.`);
  if (run.status === 'failed') throw new AppError('INTERNAL', `analysis run ${run.run_id} failed`);
  if (options.failOn === undefined) return EXIT.ok;
  if (run.total === 0 && !options.allowEmpty) {
    writeNote(
      'Nothing was compared, so nothing is known to be well; --allow-empty takes that for success.',
    );
    return EXIT.found;
  }
  return open.length > 0 ? EXIT.found : EXIT.ok;
}

function scopeOf({ environment, namespace, resource }: Scope): Scope {
  const named = resource === undefined ? {} : splitEnvironment(toResourceId(resource));
  return {
    ...named,
    ...(environment === undefined ? {} : { environment }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

async function waitForRun(
  rest: Rest,
  runId: string,
  deadlineMs: number,
): Promise<AnalysisRunAnswer> {
  const path = `/api/v1/analysis-runs/${encodeURIComponent(runId)}`;
  for (;;) {
    const run = await rest.get(path, analysisRunSchema);
    if (run.status !== 'running') return run;
    if (Date.now() >= deadlineMs) {
      throw new AppError(
        'API_UNAVAILABLE',
        `analysis run ${runId} still runs: ${run.checked} of ${run.total} compared; wait longer with --timeout`,
      );
    }
    await pause(POLL_MS);
  }
}

async function listOpen(rest: Rest, scope: Scope): Promise<readonly RecordAnswer[]> {
  const records: RecordAnswer[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await listRecords(rest, {
      status: 'active',
      environment: scope.environment,
      namespace: scope.namespace,
      limit: PAGE_SIZE,
      cursor,
    });
    records.push(...answer.drift_records);
    cursor = answer.next_cursor ?? undefined;
    if (cursor === undefined) break;
  }
  return records.filter(
    (record) => scope.resource === undefined || record.resource_id === scope.resource,
  );
}
