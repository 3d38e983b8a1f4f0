import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild } from './child.mjs';
import { findOnPath } from './locate.mjs';

const MODULES = fileURLToPath(new URL('go/', import.meta.url));
/** Before this share of the packages is done, an estimate from their pace would be a guess. */
const PACE_IS_KNOWN_AT = 0.15;

/**
 * Builds a program from the module that setup/go pins (versions in go.mod, every checksum in go.sum).
 * @param {import('./tools.mjs').Tool} tool
 * @param {string} target  where the program is written
 * @param {(progress: string) => void} report
 */
export async function goBuild(tool, target, report, env = process.env) {
  const go = findOnPath('go', env);
  if (go === undefined) throw new Error('there is no go on PATH');
  const options = { cwd: join(MODULES, tool.name), env: buildEnvironment(env) };

  let modules = 0;
  const countDownload = (line) => {
    if (!line.startsWith('go: downloading')) return;
    modules += 1;
    report(`${modules} Go modules downloaded`);
  };
  const listed = await runChild(go, ['list', '-deps', tool.go.target], {
    ...options,
    onComplaint: countDownload,
  });
  const total = listed.length;

  let done = 0;
  const buildStartedAt = Date.now();
  const args = ['build', '-v', '-trimpath', '-o', target, ...tool.go.flags, tool.go.target];
  const countPackage = (line) => {
    if (line.includes(' ')) return;
    done += 1;
    report(`${done} of at most ${total} packages, ${estimate(tool, done / total, buildStartedAt)}`);
  };
  await runChild(go, args, { ...options, onComplaint: countPackage });
}

/** What is left, by the pace so far once that is known; what is compiled already is skipped and makes it shorter. */
function estimate(tool, share, startedAt) {
  const elapsedS = (Date.now() - startedAt) / 1000;
  const leftS =
    share < PACE_IS_KNOWN_AT ? tool.buildSeconds - elapsedS : (elapsedS * (1 - share)) / share;
  return leftS > 5 ? `about ${Math.ceil(leftS / 10) * 10} s left` : 'nearly done';
}

function buildEnvironment(env) {
  return {
    ...env,
    CGO_ENABLED: '0',
    // The compiler lives for seconds only; collecting its garbage costs a fifth of the time.
    GOGC: 'off',
    // Replaces the user's own flags, so that nothing turns off the check against go.sum.
    GOFLAGS: '-mod=readonly -buildvcs=false',
    GOWORK: 'off',
  };
}
