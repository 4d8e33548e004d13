// The loops that take events and call the handler, one for each of the two behaviours (see client.cjs), and the
// response streams that both have.
//
// Contract: a loop takes the next event when the answer to the one before is posted; with AWS_LAMBDA_MAX_CONCURRENCY
// at once. Failure: what the handler throws is logged and posted, and the loop goes on.
'use strict';

const { errorBody, logError, runtimeError, serialise, xrayCause } = require('./log.cjs');
const { headerText } = require('./runtime-api.cjs');
const {
  BEFORE_EXIT, env, HIGH_WATER_MARK, legacy, LEGACY_REQUEST_ID, LEGACY_TENANT_ID, multiConcurrent, REQUEST_ID,
  STREAMING, TENANT_ID, X_RAY_TRACE_ID,
} = require('./settings.cjs');

const NEVER_SETTLED = 'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly '
  + 'caused by a Promise that was never settled. For more information, see '
  + 'https://nodejs.org/docs/latest/api/process.html#exit-codes';
/** Attempts at `next` after the first with AWS_LAMBDA_MAX_CONCURRENCY, and the pauses before them. */
const MAX_NEXT_RETRIES = 19;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 90_000;

// AWS calls the handler as a method of an object of its client: `this` is an object, the same one each time, and the
// class's name is in traces ("at Runtime.handler").
class Runtime {}
class BufferedInvokeProcessor {}
class StreamingInvokeProcessor {}
const legacySelf = new Runtime();
const bufferedSelf = new BufferedInvokeProcessor();
const streamingSelf = new StreamingInvokeProcessor();
const isPromise = (value) => typeof value?.then === 'function';
const turnOfTheLoop = () => new Promise((resolve) => setImmediate(resolve));
const postError = (api, invocation, error) => (
  api.postError(invocation, JSON.stringify(errorBody(error)), xrayCause(error)));

function environmentOfContext() {
  return {
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, // text, as on AWS
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
  };
}

function setTraceId({ headers }) {
  const traceId = headers['lambda-runtime-trace-id'];
  if (traceId) env._X_AMZN_TRACE_ID = traceId;
  else delete env._X_AMZN_TRACE_ID;
}

/** A header that holds JSON; `complain` makes the error if it does not. */
function jsonHeader(text, complain) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw complain(error);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Legacy: callbacks, and an answer that may wait until the event loop is empty

/** Where an error outside the handler is posted to; each invocation replaces it. */
let postStray;
let dying = false;

/** From here on, errors that the handler does not see are reported: to /init/error until the first event. */
function reportStrayErrors(api) {
  postStray = (error) => api.postInitError(JSON.stringify(errorBody(error)), errorBody(error).errorType);
  const die = async (what, error, status) => {
    if (dying) return;
    dying = true;
    logError(what, error);
    await postStray(error).catch(() => {});
    process.exit(status);
  };
  process.on('uncaughtException', (error) => die('Uncaught Exception', error, 129));
  process.on('unhandledRejection', (reason, promise) => {
    const error = Object.assign(runtimeError('UnhandledPromiseRejection', String(reason)), { reason, promise });
    die('Unhandled Promise Rejection', error, 128);
  });
  // Node emits this when nothing is left to wait for.
  onEmptyLoop(() => {});
  process.on('beforeExit', () => globalThis[BEFORE_EXIT]());
}

function onEmptyLoop(action) {
  globalThis[BEFORE_EXIT] = action;
}

function runLegacy(api, handler) {
  const invoke = handler[STREAMING] ? invokeLegacyStreaming : invokeLegacy;
  const scheduleNext = () => setImmediate(() => {
    api.next().then((invocation) => {
      globalThis[LEGACY_REQUEST_ID] = invocation.id;
      globalThis[LEGACY_TENANT_ID] = invocation.headers['lambda-runtime-aws-tenant-id'];
      postStray = (error) => postError(api, invocation, error);
      return invoke(api, handler, invocation, scheduleNext);
    }).catch((error) => {
      console.log(`Unexpected Top Level Error: ${error}`);
      process.exit(129);
    });
  });
  scheduleNext();
}

function invokeLegacy(api, handler, invocation, scheduleNext) {
  const [callback, context, answer] = callbacks(api, invocation, scheduleNext);
  let result;
  // The handler neither called back nor has anything to wait for.
  onEmptyLoop(() => {
    if (isPromise(result)) answer.error(runtimeError('NodeJsExit', NEVER_SETTLED));
    else answer.result(null);
  });
  try {
    result = handler.call(legacySelf, JSON.parse(invocation.body), legacyContext(context, invocation), callback);
    if (isPromise(result)) result.then(context.succeed, context.fail).catch(context.fail);
  } catch (error) {
    callback(error);
  }
}

/** `callback`, the properties of the context that answer, and what both use. Only the first call of any counts. */
function callbacks(api, invocation, scheduleNext) {
  let waitForEmptyLoop = true;
  let answered = false;
  const answer = {
    error(error) {
      logError('Invoke Error', error);
      if (!dying) postError(api, invocation, error).catch(() => {}).then(scheduleNext);
    },
    result(value) {
      if (answered) {
        console.error('Invocation has already been reported as done. Cannot call complete more than once per '
          + 'invocation.');
        return;
      }
      answered = true;
      const json = serialise(value);
      if (!dying) api.postResponse(invocation, json).catch(() => {}).then(scheduleNext);
    },
  };
  const finish = (error, result) => {
    onEmptyLoop(() => {});
    if (error !== undefined && error !== null) answer.error(error);
    else answer.result(result);
  };
  let called = false;
  const once = (fn) => (...args) => {
    if (called) return;
    fn(...args);
    called = true; // after the call: a result that has no JSON may still be followed by the error
  };
  const callback = once((error, result) => {
    const failed = error !== undefined && error !== null;
    if (failed || !waitForEmptyLoop) return finish(error, result);
    onEmptyLoop(() => setImmediate(() => answer.result(result)));
  });
  const context = {
    get callbackWaitsForEmptyEventLoop() { return waitForEmptyLoop; },
    set callbackWaitsForEmptyEventLoop(value) { waitForEmptyLoop = value; },
    succeed: once((result) => finish(null, result)),
    fail: once((error) => finish(error ?? 'handled')),
    done: once(finish),
  };
  return [callback, context, answer];
}

// The order of the keys is AWS's. Throws if a header is not what it should be.
function legacyContext(context, invocation) {
  const { headers } = invocation;
  setTraceId(invocation);
  const { functionName, functionVersion, ...more } = environmentOfContext();
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const parse = (header, name) => jsonHeader(headers[header], (error) => (
    new Error(`Cannot parse ${name} as json: ${error}`)));
  return Object.assign(context, { functionVersion, functionName, ...more }, {
    clientContext: parse('lambda-runtime-client-context', 'ClientContext'),
    identity: parse('lambda-runtime-cognito-identity', 'CognitoIdentity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: invocation.id,
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  });
}

async function invokeLegacyStreaming(api, handler, invocation, scheduleNext) {
  let waitForEmptyLoop = true;
  const next = () => {
    onEmptyLoop(() => {});
    if (waitForEmptyLoop) onEmptyLoop(() => setImmediate(scheduleNext));
    else scheduleNext();
  };
  const { stream, answered, fail } = openStream(api, invocation, handler[HIGH_WATER_MARK]);
  answered.catch(() => {});
  const context = {
    get callbackWaitsForEmptyEventLoop() { return waitForEmptyLoop; },
    set callbackWaitsForEmptyEventLoop(value) { waitForEmptyLoop = value; },
  };
  onEmptyLoop(scheduleNext);
  try {
    legacyContext(context, invocation);
    await runStreaming(handler, JSON.parse(invocation.body), stream, context, answered);
    next();
  } catch (error) {
    logError('Invoke Error', error);
    await fail(error);
    next();
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Modern: promises only

async function runModern(api, handler, invokeStore) {
  const invoke = handler[STREAMING] ? invokeModernStreaming : invokeModern;
  for (;;) {
    const invocation = await (multiConcurrent ? nextWithRetries(api) : api.next());
    const context = modernContext(invocation);
    const event = JSON.parse(invocation.body);
    const store = { [REQUEST_ID]: context.awsRequestId, [X_RAY_TRACE_ID]: context.xRayTraceId };
    // A key that is not set is not listed by getContext().
    if (context.tenantId) store[TENANT_ID] = context.tenantId;
    const done = invokeStore.run(store, () => invoke(api, handler, invocation, event, context));
    if (!multiConcurrent) await done;
  }
}

async function nextWithRetries(api) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await api.next();
    } catch (error) {
      if (attempt === MAX_NEXT_RETRIES) throw error;
      const pause = Math.min(FIRST_RETRY_MS * 2 ** attempt, MAX_RETRY_MS);
      logError(`Failed to get next invocation (attempt ${attempt + 1}/${MAX_NEXT_RETRIES + 1}). `
        + `Retrying in ${pause}ms...`, error);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

// The order of the keys is AWS's.
function modernContext(invocation) {
  const { headers } = invocation;
  const environment = environmentOfContext();
  const missing = ['FUNCTION_NAME', 'FUNCTION_VERSION', 'FUNCTION_MEMORY_SIZE', 'LOG_GROUP_NAME', 'LOG_STREAM_NAME']
    .map((name) => `AWS_LAMBDA_${name}`).filter((name) => !env[name]);
  if (missing.length) {
    throw runtimeError('PlatformError', `Missing required environment variables: ${missing.join(', ')}`);
  }
  const deadline = parseInt(headers['lambda-runtime-deadline-ms'], 10);
  if (Number.isNaN(deadline)) throw runtimeError('PlatformError', 'Invalid deadline timestamp');
  const parse = (name) => jsonHeader(headers[name], (error) => (
    runtimeError('PlatformError', `Failed to parse ${name} as JSON: ${error.message}`)));
  const context = {
    clientContext: parse('lambda-runtime-client-context'),
    identity: parse('lambda-runtime-cognito-identity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: invocation.id,
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    xRayTraceId: headers['lambda-runtime-trace-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
    ...environment,
  };
  if (!multiConcurrent) setTraceId(invocation); // one variable cannot hold the trace of several invocations
  return context;
}

async function invokeModern(api, handler, invocation, event, context) {
  try {
    const result = await handler.call(bufferedSelf, event, context);
    await turnOfTheLoop();
    const json = serialise(result);
    await api.postResponse(invocation, json).catch((error) => notPosted('response', invocation, error));
  } catch (error) {
    await turnOfTheLoop();
    logError('Invoke Error', error);
    await postError(api, invocation, error).catch((problem) => notPosted('error', invocation, problem));
  }
}

function notPosted(what, invocation, error) {
  if (multiConcurrent) logError(`Failed to post invocation ${what} for ${invocation.id}`, error);
}

async function invokeModernStreaming(api, handler, invocation, event, context) {
  const { stream, answered, fail } = openStream(api, invocation, handler[HIGH_WATER_MARK]);
  answered.catch(() => {});
  try {
    await runStreaming(handler, event, stream, context, answered);
  } catch (error) {
    await turnOfTheLoop();
    logError('Invoke Error', error);
    await fail(error);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Streamed responses

const STREAM_METHODS = [
  'cork', 'destroy', 'end', 'uncork', 'write', 'setContentType', 'addListener', 'emit', 'eventNames', 'getMaxListeners',
  'listenerCount', 'listeners', 'off', 'on', 'once', 'prependListener', 'prependOnceListener', 'rawListeners',
  'removeAllListeners', 'removeListener', 'setMaxListeners',
];
const STREAM_PROPERTIES = [
  'destroyed', 'writable', '_onBeforeFirstWrite', 'writableBuffer', 'writableCorked', 'writableEnded',
  'writableFinished', 'writableHighWaterMark', 'writableLength', 'writableNeedDrain', 'writableObjectMode',
];

let http;
let net;
let agent;

/** Loads node:http. Called during initialisation, so that the first event does not pay for it. */
function prepareStreaming() {
    http = require('node:http');
  net = require('node:net');
  agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
}

async function runStreaming(handler, event, stream, context, answered) {
  const promise = handler.call(legacy ? legacySelf : streamingSelf, event, stream, context);
  const problem = (text) => (legacy ? text : new Error(text));
  if (!isPromise(promise)) throw problem('Streaming does not support non-async handlers.');
  const result = await promise;
  if (result !== undefined) console.warn('Streaming handlers ignore return values.');
  await answered;
  if (!stream.writableFinished) throw problem('Response stream is not finished.');
}

/**
 * Begins the response of `invocation`. `stream` is what the handler gets: not a real Writable but an object with its
 * methods, as on AWS. `answered` settles with the platform's answer; `fail` ends the stream with the error's trailers,
 * also before the first byte, and never rejects.
 */
function openStream(api, invocation, highWaterMark) {
  agent.createConnection = (options, connected) => net.createConnection({ ...options, highWaterMark }, connected);
  const options = api.streamRequest(invocation);
  const request = http.request({ ...options, agent });
  request.setHeader('Lambda-Runtime-Function-Response-Mode', 'streaming');
  request.setHeader('Trailer', ['Lambda-Runtime-Function-Error-Type', 'Lambda-Runtime-Function-Error-Body']);
  request.setHeader('Content-Type', 'application/octet-stream');
  request.setHeader('Transfer-Encoding', 'chunked');
  const answered = new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => response.on('error', reject).on('end', resolve).resume());
  });

  let begun = false;
  const { write } = request;
  request.write = (chunk, encoding, callback) => {
    const raw = typeof chunk === 'string' || chunk instanceof Uint8Array;
    if (!begun) request._onBeforeFirstWrite?.((prelude) => write.call(request, prelude));
    begun = true;
    return write.call(request, raw ? chunk : JSON.stringify(chunk), encoding, callback);
  };
  request.setContentType = (contentType) => {
    if (begun) throw runtimeError('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    request.setHeader('Content-Type', contentType);
  };

  const stream = Object.fromEntries(STREAM_METHODS.map((name) => [name, request[name].bind(request)]));
  for (const name of STREAM_PROPERTIES) {
    Object.defineProperty(stream, name, { get: () => request[name], set: (value) => { request[name] = value; } });
  }
  const fail = async (error) => {
    const body = errorBody(error);
    request.addTrailers({
      'Lambda-Runtime-Function-Error-Type': headerText(body.errorType),
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(body)).toString('base64'),
    });
    request.end();
    await answered.catch(() => {});
  };
  return { stream, answered, fail };
}

module.exports = { reportStrayErrors, runLegacy, runModern, prepareStreaming };
