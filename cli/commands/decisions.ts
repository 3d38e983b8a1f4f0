import type { Command } from 'commander';
import type { Decision } from '../../drift/decide/record.ts';
import { type OutputOptions, optionsOf, outputOption } from '../options.ts';

type Options = OutputOptions & {
  readonly reason?: string;
  readonly digest?: string;
  readonly for?: string;
  readonly breakGlass?: boolean;
};

const COMMANDS: readonly { decision: Decision; does: string }[] = [
  { decision: 'approve', does: 'approve the plan of a question: live becomes as declared' },
  { decision: 'reject', does: 'turn a question down: nothing is written' },
  { decision: 'accept', does: 'keep what runs: it is written to ConfigHub' },
  { decision: 'snooze', does: 'ask again later' },
];

/** `realign approve|reject|accept|snooze QUESTION|RESOURCE`. */
export function registerDecisions(program: Command): void {
  for (const { decision, does } of COMMANDS) {
    const command = program
      .command(decision)
      .description(does)
      .argument('<question>', 'id of a question, or the resource that it is about')
      .option('-r, --reason <text>', 'why; kept in the record')
      .option('--digest <digest>', 'decide only if the question still has this digest')
      .addOption(outputOption());
    if (decision === 'snooze') command.requiredOption('--for <duration>', 'for how long: 1h, 2d');
    if (decision === 'approve') {
      command.option('--break-glass', 'approve alone in an emergency, with a reason');
    }
    command.action(async (about: string, _options: unknown, self: Command) => {
      const { decide } = await import('../decide.ts');
      const options = optionsOf<Options>(self);
      await decide({ ...options, decision, about });
    });
  }
}
