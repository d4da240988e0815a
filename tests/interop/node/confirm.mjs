// Opens a message as its recipient and confirms that it was read.
//
//   node confirm.mjs --protos DIR … --address HOST:PORT --ca FILE --certificate FILE --key FILE \
//     --delivery ID --signing-certificate FILE --signing-key FILE
//
// The certificate for TLS and the one for signing are different ones of the same person. A real card keeps the signing key;
// here it is a file, and the program openssl makes the signature.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { commandLine, run } from './post.mjs';

const options = commandLine(['delivery', 'signing-certificate', 'signing-key']);

// A signature has consequences in law, and the server says what to sign: sign nothing but a statement about the message
// that was shown. Throws otherwise.
function checkStatement(text, { message, parts }) {
  const sha256 = createHash('sha256').update(message.subject, 'utf8').digest('hex');
  const expected = [
    'namak-statement/1 reading-confirmation',
    `delivery: ${message.delivery_id}`,
    `sender: ${message.sender}`,
    `part: subject sha-256:${sha256}`,
    ...parts.map(({ digest }, index) => `part: ${index + 1} sha-256:${digest.value.toString('hex')}`),
  ];
  const lines = text.split('\n');
  const missing = expected.filter((line) => !lines.includes(line));
  const others = lines.filter((line) => line.startsWith('part: ') && !expected.includes(line));
  if (missing.length > 0 || others.length > 0) throw new Error(`nothing was signed: the statement is wrong:\n${text}`);
}

// Returns a detached CMS in DER over exactly these bytes, with signing-certificate-v2 (`-cades`), which the post demands, and with
// all authorities up to, and without, the root: the certificate's file holds them after the certificate.
function sign(statement) {
  const pem = readFileSync(options['signing-certificate'], 'utf8');
  const [signer, ...authorities] = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g);
  const directory = mkdtempSync(join(tmpdir(), 'namak-'));
  const file = (name, content) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  try {
    const who = ['-signer', file('signer.pem', signer), '-inkey', options['signing-key']];
    const above = authorities.length > 0 ? ['-certfile', file('authorities.pem', authorities.join(''))] : [];
    const how = ['-binary', '-outform', 'DER', '-md', 'sha256', '-cades', '-nosmimecap'];
    return execFileSync('openssl', ['cms', '-sign', ...how, ...who, ...above, '-in', file('statement.txt', statement)]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

await run(options, async (post) => {
  const delivery = { delivery_id: options.delivery };
  const opened = await post.call(post.mailbox, 'OpenMessage', delivery);
  const { statement_id, statement } = await post.call(post.mailbox, 'IssueStatement', delivery);
  const text = statement.toString('utf8');
  console.error(text); // what is signed is shown first
  checkStatement(text, opened);
  const confirmation = { ...delivery, statement_id, cms_signature: sign(statement) };
  const { evidence } = await post.call(post.mailbox, 'ConfirmReading', confirmation);
  return { evidence: evidence.map(({ evidence_id, event }) => ({ evidence_id, event: event.split('/').pop() })) };
});
