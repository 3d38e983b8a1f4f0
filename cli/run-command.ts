import { setTimeout as delay } from 'node:timers/promises';
import { parseDurationMs } from '../lib/duration.ts';
import { AppError } from '../lib/errors.ts';
import { type OutputFormat, printable, renderTable, writeNote, writeResult } from './output.ts';
import { describePlan } from './questions.ts';
import { createRest, type Rest } from './rest.ts';
import {
  type CommandRunAnswer,
  commandAnswerSchema,
  commandRunSchema,
  type PlannedUnitAnswer,
} from './wire-commands.ts';

const POLL_MS = 500;
/** A page has some dozens of units; beyond this a Filter is too wide to be read. */
const MAX_PAGES = 400;

type CommandOptions = {
  readonly dryRun?: true;
  readonly wait: boolean;
  readonly timeout: string;
  readonly output: OutputFormat;
};

/**
 * Has the api plan or start what a command asks for, and follows it until it has ended or waits for people. Exit code 1 where something
 * failed or was refused.
 */
export async function runCommand(
  path: string,
  body: object,
  { dryRun, wait, timeout, output }: CommandOptions,
): Promise<void> {
  const timeoutMs = parseDurationMs(timeout);
  if (timeoutMs === undefined) {
    throw new AppError('INVALID_INPUT', `--timeout ${timeout} is not a duration; write 30s or 10m`);
  }
  const rest = createRest(process.env);
  if (dryRun) {
    const units = await readPlan(rest, path, body);
    writeResult(output, { status: 'planned', units }, () => renderPlan(units));
    return;
  }
  const { run_id: runId } = await rest.post(path, commandAnswerSchema, body);
  if (runId === null) throw new AppError('INTERNAL', 'the api started nothing');
  const run = await follow(rest, runId, wait ? Date.now() + timeoutMs : 0);
  writeResult(output, run, () => renderRun(run));
  const went = run.results.every(({ result }) => result !== 'failed' && result !== 'refused');
  if (!went || run.status === 'failed' || run.status === 'refused') process.exitCode = 1;
}

async function readPlan(rest: Rest, path: string, body: object): Promise<PlannedUnitAnswer[]> {
  const units: PlannedUnitAnswer[] = [];
  let after: string | null | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const next = after ? { after } : {};
    const answer = await rest.post(path, commandAnswerSchema, { ...body, dry_run: true, ...next });
    units.push(...answer.units);
    after = answer.next_after;
    if (!after) return units;
  }
  writeNote(`only the first ${units.length} are shown`);
  return units;
}

async function follow(rest: Rest, runId: string, deadlineMs: number): Promise<CommandRunAnswer> {
  const path = `/api/v1/command-runs/${encodeURIComponent(runId)}`;
  for (;;) {
    const run = await rest.get(path, commandRunSchema);
    if (run.status !== 'running' || Date.now() >= deadlineMs) return run;
    await delay(POLL_MS);
  }
}

function renderPlan(units: readonly PlannedUnitAnswer[]): string {
  if (units.length === 0) return 'There is nothing to do.';
  return units
    .flatMap(({ environment, unit, resource, outcome, rule, because, plan }) => {
      const about = resource ? `${unit}, ${resource}` : unit;
      const why = [rule ? `rule ${rule}` : undefined, because ?? undefined].filter(Boolean);
      const head = `${environment || '-'}: ${about}: ${outcome}`;
      const line = why.length === 0 ? head : `${head} (${why.join('; ')})`;
      return [line, ...(plan ? describePlan(plan).map((each) => `  ${each}`) : [])];
    })
    .map(printable)
    .join('\n');
}

function renderRun(run: CommandRunAnswer): string {
  const { run_id: runId, kind, subject, status, message, results } = run;
  const head = printable(`${kind} ${runId} of ${subject}: ${status}. ${message}`.trimEnd());
  if (results.length === 0) return head;
  const table = renderTable(results, [
    { title: 'ENVIRONMENT', value: (one) => one.environment },
    { title: 'UNIT', value: (one) => one.unit },
    { title: 'RESULT', value: (one) => one.result },
    { title: 'QUESTION', value: (one) => one.question_id ?? '-' },
    { title: 'REASON', value: (one) => one.reason },
  ]);
  return `${table}\n${head}`;
}
