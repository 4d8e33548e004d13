// A webhook receiver: it checks the signature of each request and makes an event of it.
//
// `configure` runs once, and what it returns as `state` is passed to `shape` (a request becomes an event) and `resume`
// (what became of the event becomes a response). The contract is described in `wit/deps/http-trigger`.

import { sha256 } from 'js-sha256';

const SECRET = 'WEBHOOK_SECRET';
const SIGNATURE = 'x-hub-signature-256';
// QuickJS takes a millisecond to hash one KiB or two, and a call has 100 ms, and half a millisecond for each KiB.
const MAX_BODY_BYTES = 64 << 10;

export const httpShaper = {
  configure(config, surroundings) {
    const { function: name, path = '/webhook', ...others } = JSON.parse(config);
    const problems = [];
    const problem = (at, message) => problems.push({ at, message, extra: [] });
    for (const key of Object.keys(others)) {
      problem([key], 'is not a setting of this plugin: its settings are function and path');
    }
    if (name === undefined) {
      problem([], 'needs function: the function that receives the events');
    } else if (typeof name !== 'string') {
      problem(['function'], 'has to be a string: the name of a function');
    }
    if (typeof path !== 'string' || !path.startsWith('/')) {
      problem(['path'], 'has to be a string that begins with /');
    }
    const secret = new Map(surroundings.environment).get(SECRET);
    if (!secret) {
      problem([], 'needs the variable WEBHOOK_SECRET: set it, and list it in pass-environment');
    }
    if (problems.length > 0) {
      throw problems;
    }
    return {
      state: JSON.stringify({ name, path, secret }),
      functions: [{ name, at: ['function'] }],
      maxBodyBytes: MAX_BODY_BYTES,
      reusable: true,
      summary: [`POST ${path} -> ${name}`],
      warnings: [],
      extra: [],
    };
  },

  shape(state, request) {
    const { name, path, secret } = JSON.parse(state);
    if (request.path !== path) {
      return refuse(404, 'Not Found');
    }
    if (request.method !== 'POST') {
      return reply(405, '{"message":"Method Not Allowed"}', [['Allow', 'POST']]);
    }
    const { tag, val } = request.body;
    if (tag === 'too-large') {
      return refuse(413, 'Content Too Large');
    }
    const bytes = tag === 'binary' ? val : utf8(val ?? '');
    if (!isSigned(request.headers, utf8(secret), bytes)) {
      return refuse(401, 'Unauthorized');
    }
    const event = {
      id: request.id,
      time: Number(request.atMs),
      headers: joined(request.headers),
      body: tag === 'binary' ? base64(val) : (val ?? ''),
      isBase64Encoded: tag === 'binary',
    };
    const invocation = {
      function: name,
      event: JSON.stringify(event),
      mode: 'buffered',
      token: '',
      withRequest: false,
      extra: [],
    };
    return { tag: 'invoke', val: invocation };
  },

  resume(state, token, outcome, request) {
    switch (outcome.ending.tag) {
      case 'completed':
        return reply(202, outcome.ending.val);
      case 'failed':
        return refuse(500, 'Internal Server Error');
      case 'timed-out':
      case 'expired':
        return refuse(504, 'Gateway Timeout');
      case 'throttled':
        return refuse(429, 'Too Many Requests');
      case 'unavailable':
        return refuse(503, 'Service Unavailable');
      default:
        throw 'this plugin neither streams, nor invokes asynchronously, nor fetches';
    }
  },
};

/** Whether the signature is the HMAC of the body. The comparison takes the same time wherever the first difference is. */
function isSigned(headers, secret, body) {
  const signature = headers.find((header) => header.name === SIGNATURE)?.value ?? '';
  const expected = `sha256=${sha256.hmac(secret, body)}`;
  let difference = signature.length ^ expected.length;
  for (let at = 0; at < expected.length; at++) {
    difference |= expected.charCodeAt(at) ^ signature.charCodeAt(at);
  }
  return difference === 0;
}

/** The headers by their names in lower case. The values of a repeated header are joined. */
function joined(headers) {
  const values = new Map();
  for (const { name, value } of headers) {
    values.set(name, values.has(name) ? `${values.get(name)}, ${value}` : value);
  }
  return Object.fromEntries(values);
}

/** QuickJS has no TextEncoder. */
function utf8(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (character) => character.charCodeAt(0));
}

/** QuickJS has no Buffer. */
function base64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function refuse(status, message) {
  return reply(status, JSON.stringify({ message }));
}

function reply(status, body, headers = []) {
  const all = [...headers, ['Content-Type', 'application/json']];
  return { tag: 'reply', val: { status, headers: all, body: { tag: 'text', val: body }, extra: [] } };
}
