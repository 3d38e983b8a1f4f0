import type { Check } from '../workers/doctor.ts';
import { printable } from './output.ts';

/** A line for each check, and a second one with the repair where something failed. */
export function renderChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  return checks
    .flatMap(({ name, ok, detail, repair }) => [
      `${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(width)}  ${printable(detail)}`,
      ...(repair === undefined ? [] : [`      ${' '.repeat(width)}  ${printable(repair)}`]),
    ])
    .join('\n');
}
