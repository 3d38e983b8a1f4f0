import { createTransport } from 'nodemailer';
import type { DigestView } from '../../drift/message/digest-view.ts';
import type { MessageState, MessageView } from '../../drift/message/message-view.ts';
import { notificationOf } from '../../drift/message/notification.ts';
import type { Receiver } from '../../lib/config-notifications.ts';
import { sha256 } from '../../lib/digest.ts';
import { AppError } from '../../lib/errors.ts';
import type { Notifier, Said } from '../../lib/notifier.ts';

const TIMEOUT_MS = 10_000;
const MAX_SUBJECT_CHARS = 200;
const ID_HEX_DIGITS = 32;

/** Mail cannot be taken back: it is sent for what somebody should know, not for each step. */
const TOLD: ReadonlySet<MessageState> = new Set<MessageState>([
  ...(['waiting', 'fixed', 'partly-fixed', 'failed', 'rejected', 'accepted-live'] as const),
  ...(['expired', 'resolved', 'notified'] as const),
]);

type Mail = {
  readonly subject: string;
  readonly lines: readonly string[];
  /** Another mail is sent only for another occasion. */
  readonly occasion: string;
};

/** Tells people by mail, as plain text and as HTML. */
export function createEmailNotifier(receiver: Extract<Receiver, { kind: 'email' }>): Notifier {
  const { name, to, smtp } = receiver;
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.tls === 'implicit',
    requireTLS: smtp.tls === 'required',
    ignoreTLS: smtp.tls === 'none',
    ...(smtp.user !== undefined && { auth: { user: smtp.user, pass: smtp.password ?? '' } }),
    ...{ connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS },
    // Texts from outside must not name files or addresses to fetch.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  return {
    threads: false,
    groups: true,
    compose(said) {
      const mail = mailOf(said);
      if (!mail) return undefined;
      const fingerprint = sha256(mail.occasion);
      return {
        fingerprint,
        async send({ name: message, posted, correctsOnly }) {
          if (correctsOnly) return undefined;
          // The same for each try: mail servers take an id that they know only once, most of them.
          const id = `<${sha256(`${message} ${fingerprint}`).slice(0, ID_HEX_DIGITS)}@realign>`;
          await transport
            .sendMail({
              ...{ from: smtp.from, to: [...to], messageId: id, subject: oneLine(mail.subject) },
              ...{ text: mail.lines.join('\n'), html: toHtml(mail) },
              ...(posted && { inReplyTo: posted.ref, references: posted.ref }),
            })
            .catch((error: unknown) => {
              throw asMailError(name, error);
            });
          return posted ?? { channel: name, ref: id };
        },
      };
    },
  };
}

function mailOf(said: Said): Mail | undefined {
  switch (said.kind) {
    case 'headline':
      return TOLD.has(said.view.state) ? mailOfDrift(said.view) : undefined;
    case 'digest':
      return mailOfDigest(said.view);
    case 'notice': {
      const { id, message } = said.notice;
      return { subject: message, lines: [message], occasion: id };
    }
    default:
      return undefined;
  }
}

function mailOfDrift(view: MessageView): Mail {
  const { state, question, summary, environment, severity } = view;
  const fields = Object.entries(notificationOf(view));
  const answer =
    state === 'waiting' && question
      ? ['', `realign approve ${question.id} --digest ${question.digest}`]
      : [];
  return {
    subject: `[Realign] ${state}: ${summary} (${environment}, ${severity})`,
    lines: [summary, '', ...fields.map(([name, value]) => `${name}: ${value}`), ...answer],
    occasion: `${state} ${question?.id ?? ''}`,
  };
}

function mailOfDigest({ total, open, groups }: DigestView): Mail {
  const ended = open === 0 ? 'all ended' : `${open} open`;
  return {
    subject: `[Realign] ${total} drifts at once, ${ended}`,
    lines: groups.map((one) => `${one.items.length}x ${one.cause} (${one.severity})`),
    // Once when they begin and once when all are over, not with each.
    occasion: open === 0 ? 'ended' : 'open',
  };
}

/** A line break in a header would begin another one. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').slice(0, MAX_SUBJECT_CHARS);
}

function toHtml({ lines }: Mail): string {
  return `<pre style="white-space:pre-wrap">${lines.map(escapeHtml).join('\n')}</pre>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? '');
}

/** 5yz is a server's last word; a wrong password and a lacking STARTTLS are ours to mend. */
function asMailError(receiver: string, error: unknown): AppError {
  const { responseCode, code } = (error ?? {}) as { responseCode?: number; code?: string };
  const isFinal = (responseCode ?? 0) >= 500 || code === 'EAUTH' || code === 'ETLS';
  const said = responseCode === undefined ? (code ?? 'nothing') : String(responseCode);
  return isFinal
    ? new AppError('RECEIVER_REFUSED', `${receiver}: the mail server refused the mail (${said})`)
    : new AppError('RECEIVER_UNAVAILABLE', `${receiver}: no answer from the mail server (${said})`);
}
