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
// A command has done everything when it resolves or throws; what a failed start leaves behind, such as Temporal's native
// half, which has no way to be put away, must not keep the process.
await Promise.all([process.stdout, process.stderr].map(flush));
process.exit();

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((done) => void stream.write('', () => done()));
}
