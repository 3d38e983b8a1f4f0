import { AppError } from '../lib/errors.ts';

type Bench = { run(args: readonly string[]): Promise<void> };

/** Name on the command line → the file that measures it. Each prints JSON lines with `-o json`. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  compare: () => import('./compare.ts'),
  latency: () => import('./latency.ts'),
  question: () => import('./question.ts'),
  storm: () => import('./storm.ts'),
  watch: () => import('./watch.ts'),
  'api-list': () => import('./api-list.ts'),
  confighub: () => import('./confighub.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = BENCHES[name];
try {
  if (!load) {
    throw new AppError(
      'INVALID_INPUT',
      `there is no benchmark "${name}"; there are ${Object.keys(BENCHES).join(', ')}`,
    );
  }
  await (await load()).run(args);
} catch (error) {
  console.error(error instanceof AppError ? error.message : error);
  process.exitCode = 2;
}
