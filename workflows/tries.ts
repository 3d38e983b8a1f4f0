import { patched } from '@temporalio/workflow';
import type { Run } from './remediation-run.ts';

// Who is quicker than a fix, and writes another value each time, makes each look find another difference: fixes that fail or that
// somebody undoes at once are counted beyond the difference, or nothing would ever stop them.

/** Failed fixes before a person is asked. */
const MAX_FAILURES = 3;
/** Somebody else writes the unit or the resource each time that it is to be fixed: after so many times a person must look. */
const MAX_CONFLICTS = 5;

/** Counts another try that found the unit or the drift changed under it; false once there were too many of them. */
export function retries(run: Run): boolean {
  run.conflicts += 1;
  contest(run);
  return run.conflicts < MAX_CONFLICTS;
}

/** Counts a fix that failed, or that did not hold. */
export function countFailure(run: Run): void {
  run.failures += 1;
  contest(run);
}

/** Another difference is counted for itself, unless it came of a fix that failed or was undone. */
export function countAnother(run: Run, digest: string): void {
  if (digest === run.lastDigest) return;
  run.lastDigest = digest;
  if (run.isContested) return;
  run.conflicts = 0;
  run.failures = 0;
}

/** The drift has come to rest: what differs next has come by itself. Once people have to look, they have to until the drift ends. */
export function endContest(run: Run): void {
  if (tooManyTries(run) === undefined) run.isContested = false;
}

/** What keeps failing or being undone is for people; why, if it is so. */
export function tooManyTries(run: Run): string | undefined {
  if (run.failures >= MAX_FAILURES) return `the fix has failed ${run.failures} times`;
  if (!run.isContested || run.conflicts < MAX_CONFLICTS) return undefined;
  return `somebody else has written it ${run.conflicts} times while it was being fixed`;
}

function contest(run: Run): void {
  // Runs that began before this was told apart go on as they began.
  run.isContested ||= patched('tries-count-on');
}
