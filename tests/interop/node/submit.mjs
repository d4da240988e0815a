// Submits files to a recipient as an agency.
//
//   node submit.mjs --protos DIR … --address HOST:PORT --ca FILE --certificate FILE --key FILE \
//     --from ADDRESS --to ADDRESS --subject TEXT --request-id ID FILE …
//
// Store the request id with the letter before the first try. After a crash or a time-out run the same command again:
// under the same id the letter is sent once, and the answer is the same.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { commandLine, run } from './post.mjs';

const options = commandLine(['from', 'to', 'subject', 'request-id']);

await run(options, async (post) => {
  const parts = options.files.map((file) => ({
    name: basename(file),
    media_type: file.endsWith('.pdf') ? 'application/pdf' : 'text/plain',
    content: readFileSync(file),
  }));
  const submission = {
    request_id: options['request-id'],
    sender: options.from,
    recipient: options.to,
    subject: options.subject,
    parts,
  };
  const { accepted } = await post.call(post.deliveries, 'Submit', { submission });
  return {
    delivery_id: accepted.delivery.delivery_id,
    // Keep these: the documents are the evidence, the receipts prove that they stand in the public log.
    evidence: accepted.evidence.map(({ evidence_id, event }) => ({ evidence_id, event: basename(event) })),
    receipts: accepted.receipts.map(({ tlog_proof }) => tlog_proof.toString('utf8')),
  };
});
