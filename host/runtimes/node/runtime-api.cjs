// Client of the Lambda Runtime API (2018-06-01) over node:net. node:http would do the same, but costs a millisecond of
// every cold start and up to a third of a warm call; it is loaded only for functions that stream their response.
//
// Contract: HTTP/1.1 with keep-alive. A connection carries one exchange at a time; further exchanges open further
// connections. There are no time-outs: the process may be frozen during any of them. Proxy variables are ignored.
// A connection without an exchange does not keep the process alive: Node must be able to notice that the handler has
// nothing left to wait for ("beforeExit"), which is how Lambda ends callback handlers.
// Failure: `next` rejects if there is no event to be had. The answer to a response or an error is not looked at, as in
// AWS's client: 410 (the invocation timed out) and 413 (too large) are reported to the caller by the platform itself.
'use strict';

const net = require('node:net');

const API = '/2018-06-01/runtime';
const USER_AGENT = 'lambkin-node/0.1.0';
/** What the platform keeps of the header `Lambda-Runtime-Function-XRay-Error-Cause`, in bytes. */
const MAX_XRAY_CAUSE_BYTES = 64 * 1024;

class RuntimeApi {
  #idle = [];

  /** `address` is the value of AWS_LAMBDA_RUNTIME_API: host:port. */
  constructor(address) {
    const colon = address.lastIndexOf(':');
    this.host = address.slice(0, colon).replace(/^\[|\]$/g, '');
    this.port = Number(address.slice(colon + 1));
  }

  /** Waits for an event. Returns its headers (names in lower case) and its body as text. */
  async next() {
    const { status, headers, body } = await this.#exchange('GET', '/invocation/next');
    if (status !== 200) throw new Error(`Failed to get next invocation, HTTP status ${status}: ${body}`);
    return { headers, body, id: headers['lambda-runtime-aws-request-id'] };
  }

  async postResponse(invocation, json) {
    await this.#answer(invocation, 'response', json, {});
  }

  async postError(invocation, json, xrayCause) {
    const cause = Buffer.byteLength(xrayCause) <= MAX_XRAY_CAUSE_BYTES ? xrayCause : '';
    await this.#answer(invocation, 'error', json, { 'Lambda-Runtime-Function-XRay-Error-Cause': cause });
  }

  async postInitError(json, errorType) {
    await this.#exchange('POST', '/init/error', json, { 'Lambda-Runtime-Function-Error-Type': headerText(errorType) });
  }

  /** Request options of a streamed response, for node:http. */
  streamRequest(invocation) {
    const path = `${API}/invocation/${encodeURIComponent(invocation.id)}/response`;
    const headers = { 'User-Agent': USER_AGENT, ...attempt(invocation) };
    return { method: 'POST', host: this.host, port: this.port, path, headers };
  }

  #answer(invocation, kind, json, headers) {
    const path = `/invocation/${encodeURIComponent(invocation.id)}/${kind}`;
    return this.#exchange('POST', path, json, { ...headers, ...attempt(invocation) });
  }

  async #exchange(method, path, json, extra = {}) {
    const body = json === undefined ? undefined : Buffer.from(json);
    const headers = { Host: `${this.host}:${this.port}`, 'User-Agent': USER_AGENT, ...extra };
    if (body) Object.assign(headers, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = Buffer.from(`${method} ${API}${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    for (;;) {
      const reused = this.#idle.pop();
      const connection = reused ?? new Connection(this.host, this.port);
      try {
        const response = await connection.exchange(head, body);
        if (connection.reusable) this.#idle.push(connection);
        return response;
      } catch (error) {
        // The server may close a connection while it is idle: then a new one is tried.
        if (!reused || error.responseBegun) throw error;
      }
    }
  }
}

// Since July 2026 the platform gives each attempt of an invocation an id of its own and expects it back.
function attempt(invocation) {
  const id = invocation.headers['lambda-runtime-invocation-id'];
  return id ? { 'Lambda-Runtime-Invocation-Id': id } : {};
}

/** `text` with every character that may not appear in a header replaced by "?". */
function headerText(text) {
  return String(text).replace(/[^\x20-\x7e]/g, '?');
}

class Connection {
  #socket;
  #pending; // { resolve, reject } of the exchange under way
  #unread = Buffer.alloc(0);
  #response;
  #state = 'status'; // what the next line is: status, header, size (of a chunk), trailer
  #left = 0; // bytes of the body, or of the chunk, still to come
  #chunked = false;
  reusable = true;

  constructor(host, port) {
    this.#socket = net.connect({ host, port, noDelay: true });
    this.#socket.on('data', (bytes) => this.#receive(bytes));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('The Runtime API closed the connection.')));
  }

  exchange(head, body) {
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      if (!this.reusable) return this.#fail(new Error('The Runtime API closed the connection.'));
      this.#socket.ref();
      this.#socket.cork();
      this.#socket.write(head);
      if (body) this.#socket.write(body);
      this.#socket.uncork();
    });
  }

  #fail(error) {
    this.reusable = false;
    error.responseBegun = this.#response !== undefined;
    this.#pending?.reject(error);
    this.#pending = undefined;
  }

  #receive(bytes) {
    let rest = this.#unread.length ? Buffer.concat([this.#unread, bytes]) : bytes;
    while (this.#pending) {
      if (this.#left > 0) {
        const part = rest.subarray(0, this.#left);
        this.#response.parts.push(part);
        this.#left -= part.length;
        rest = rest.subarray(part.length);
        if (this.#left > 0) break;
        if (!this.#chunked) this.#finish();
        continue;
      }
      const end = rest.indexOf('\r\n');
      if (end < 0) break;
      this.#line(rest.toString('utf8', 0, end));
      rest = rest.subarray(end + 2);
    }
    this.#unread = rest;
  }

  #line(line) {
    const response = this.#response;
    if (this.#state === 'status') {
      this.#response = { status: Number(line.split(' ')[1]), headers: {}, parts: [] };
      this.#state = 'header';
    } else if (this.#state === 'header' && line !== '') {
      const colon = line.indexOf(':');
      response.headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    } else if (this.#state === 'header') {
      this.#chunked = /chunked/i.test(response.headers['transfer-encoding'] ?? '');
      this.#left = this.#chunked ? 0 : Number(response.headers['content-length'] ?? 0);
      this.#state = this.#chunked ? 'size' : 'status';
      const interim = response.status < 200;
      if (!interim && !this.#chunked && this.#left === 0) this.#finish();
    } else if (this.#state === 'size' && line !== '') {
      // An empty line in this state is the end of the chunk before.
      this.#left = parseInt(line, 16);
      if (this.#left === 0) this.#state = 'trailer';
    } else if (this.#state === 'trailer' && line === '') {
      this.#finish();
    }
  }

  #finish() {
    const { status, headers, parts } = this.#response;
    const { resolve } = this.#pending;
    this.#pending = this.#response = undefined;
    this.#state = 'status';
    // An answer before the request was written in full means that the server does not read the rest of it.
    const closing = /close/i.test(headers.connection ?? '') || this.#socket.writableLength > 0;
    if (closing) {
      this.reusable = false;
      this.#socket.destroy();
    }
    this.#socket.unref();
    resolve({ status, headers, body: Buffer.concat(parts).toString('utf8') });
  }
}

module.exports = { RuntimeApi, headerText };
