import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';

// `realign drifts | head` closes the pipe early; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 2);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = reportError(error, process.argv.includes('--debug'));
}
