import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export type Mailbox = {
  /** What came, as it was sent, headers and all. */
  readonly mails: string[];
  /** While this is set, every recipient is refused. */
  refuses: boolean;
  /** Takes mails from now on, at the port that it answers. */
  readonly listen: () => Promise<number>;
  readonly close: () => Promise<void>;
};

/** A mail server on this machine that keeps what it is sent. */
export function createMailbox(): Mailbox {
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, done) =>
      done(mailbox.refuses ? Object.assign(new Error('no'), { responseCode: 550 }) : null),
    onData(stream, _session, done) {
      let mail = '';
      stream.on('data', (part) => {
        mail += String(part);
      });
      stream.on('end', () => {
        mailbox.mails.push(mail);
        done();
      });
    },
  });
  const mailbox: Mailbox = {
    mails: [],
    refuses: false,
    async listen() {
      const server = smtp.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
    close: () => new Promise<void>((resolve) => smtp.close(() => resolve())),
  };
  return mailbox;
}
