// The connection to the post, from the .proto files alone: mutual TLS, deadlines, retries, and reasons of refusals.

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import protobuf from 'protobufjs';

const CONNECTION = ['protos', 'address', 'ca', 'certificate', 'key'];
const TRY_SECONDS = 30;
const TRIES = 5;

// A definitive answer that is no: match on the reason, never on the text.
export class Refused extends Error {
  constructor(reason, metadata, text) {
    super(text);
    this.reason = reason;
    this.metadata = metadata;
  }
}

// Reads `--name value` for the connection and for each of the names; what else is given, are files. With --help it prints
// how the program is called, and where something is wrong, that too; then the program ends.
export function commandLine(names) {
  const wanted = [...CONNECTION, ...names];
  const usage = `usage: node ${basename(process.argv[1])} ${wanted.map((name) => `--${name} …`).join(' ')} [FILE …]
--protos may be given several times: the directories of namak/v1 and of google/rpc.`;
  const options = Object.fromEntries(wanted.map((name) => [name, { type: 'string' }]));
  options.protos.multiple = true;
  try {
    const { values, positionals } = parseArgs({ options: { ...options, help: { type: 'boolean' } }, allowPositionals: true });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const missing = wanted.filter((name) => values[name] === undefined);
    if (missing.length > 0) throw new Error(`missing: --${missing.join(' --')}`);
    return { ...values, files: positionals };
  } catch (wrong) {
    console.error(`${wrong.message}\n${usage}`);
    return process.exit(2);
  }
}

export class Post {
  // `protos` are the directories that hold namak/v1 and what it imports, google/api, google/rpc and google/type.
  constructor({ protos, address, ca, certificate, key }) {
    const sources = ['delivery', 'mailbox'].map((name) => `namak/v1/${name}.proto`);
    const loaded = protoLoader.loadSync(sources, { includeDirs: protos, keepCase: true, longs: String, enums: String, defaults: true });
    const { namak } = grpc.loadPackageDefinition(loaded);
    const credentials = grpc.credentials.createSsl(readFileSync(ca), readFileSync(key), readFileSync(certificate));
    this.deliveries = new namak.v1.DeliveryService(address, credentials);
    this.mailbox = new namak.v1.MailboxService(address, credentials);
    this.details = refusalTypes(protos);
  }

  close() {
    this.deliveries.close();
    this.mailbox.close();
  }

  // Calls until there is an answer. The request is the same each time, so the post does once what is asked twice.
  async call(service, method, request) {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#once(service, method, request);
      } catch (failure) {
        const unknown = [grpc.status.UNAVAILABLE, grpc.status.DEADLINE_EXCEEDED].includes(failure.code);
        if (!unknown) throw this.#refusal(failure);
        if (tried === TRIES) throw failure;
        await pause(100 * 2 ** tried * (0.5 + Math.random() / 2));
      }
    }
  }

  #once(service, method, request) {
    const deadline = Date.now() + TRY_SECONDS * 1000;
    return new Promise((resolve, reject) => {
      service[method](request, { deadline }, (failure, reply) => (failure ? reject(failure) : resolve(reply)));
    });
  }

  #refusal(failure) {
    const [bytes] = failure.metadata?.get('grpc-status-details-bin') ?? [];
    if (bytes === undefined) return failure;
    for (const detail of this.details.status.decode(bytes).details) {
      if (!detail.type_url.endsWith('/google.rpc.ErrorInfo')) continue;
      const { reason, metadata } = this.details.errorInfo.decode(detail.value);
      return new Refused(reason, metadata, failure.details);
    }
    return failure;
  }
}

function refusalTypes(protos) {
  const root = new protobuf.Root();
  const rpc = protos.map((directory) => join(directory, 'google/rpc/error_details.proto')).find(readable);
  root.resolvePath = (_, target) => protos.map((directory) => join(directory, target)).find(readable) ?? target;
  root.loadSync([rpc, 'google/rpc/status.proto'], { keepCase: true });
  return { status: root.lookupType('google.rpc.Status'), errorInfo: root.lookupType('google.rpc.ErrorInfo') };
}

function readable(path) {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

// Runs a program: its result is one JSON document, and a refusal is one too, with exit code 1.
export async function run(options, program) {
  const post = new Post(options);
  try {
    console.log(JSON.stringify(await program(post)));
  } catch (failure) {
    if (!(failure instanceof Refused)) throw failure;
    console.log(JSON.stringify({ reason: failure.reason, metadata: failure.metadata, text: failure.message }));
    process.exitCode = 1;
  } finally {
    post.close();
  }
}
