// The shape of errors and of log records: what the caller gets, what X-Ray gets, what the log gets.
//
// Contract: console.* become records with time, request id and level, in text or JSON, on the descriptor of
// _LAMBDA_TELEMETRY_LOG_FD as frames or on stdout as lines. process.stdout and process.stderr stay as they are.
// Failure: a value that cannot be serialised is described, not thrown; only `serialise` throws.
'use strict';

const { env, legacy, LEGACY_REQUEST_ID, LEGACY_TENANT_ID, multiConcurrent, take } = require('./settings.cjs');

const fs = require('node:fs');
const { format, types } = require('node:util');

// ---------------------------------------------------------------------------------------------------------------------
// Errors

/** An error of the runtime, as opposed to one of the function: its type begins with `Runtime.`. */
function runtimeError(type, message) {
  const error = new Error(message);
  error.name = `Runtime.${type}`;
  if (legacy) {
    // There the name is the class's: the trace begins with it, and the log line does not list it as a property.
    error.stack = error.stack.replace(/^Error/, error.name);
    Object.defineProperty(error, 'name', { enumerable: false });
  }
  return error;
}

const escapeDel = (text) => text?.replaceAll('\x7F', '%7F');

// Legacy also takes for an error what has the shape of one, for example from another realm (`vm`, jest).
function isError(value) {
  if (value instanceof Error) return true;
  const nonEmpty = (text) => typeof text === 'string' && text !== '';
  return legacy && (types.isNativeError(value)
    || (nonEmpty(value?.name) && nonEmpty(value.message) && nonEmpty(value.stack)));
}

/** The body of an error: three keys, without the cause and further properties of the error. */
function errorBody(error) {
  try {
    if (!isError(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
    return {
      errorType: escapeDel(error.name),
      errorMessage: escapeDel(error.message),
      trace: escapeDel(error.stack)?.split('\n') ?? [],
    };
  } catch {
    const errorMessage = 'callback called with Error argument, but there was a problem while retrieving one or more of '
      + 'its message, name, and stack';
    return { errorType: 'handled', errorMessage, trace: [] };
  }
}

/** The value of the header that X-Ray's view of an error is made from; empty if the error has none. */
function xrayCause(error) {
  try {
    const stack = (escapeDel(error.stack) ?? '').split('\n').slice(1).map((line) => {
      const frame = line.trim().replace(/[()]/g, '').replace(/^\S*\s/, '');
      const space = frame.lastIndexOf(' ');
      const [file, lineNumber] = frame.slice(space + 1).split(':');
      return { path: file, line: parseInt(lineNumber, 10), label: space > 0 ? frame.slice(0, space) : 'anonymous' };
    });
    const exceptions = [{ type: escapeDel(error.name), message: escapeDel(error.message), stack }];
    const paths = [...new Set(stack.map((frame) => frame.path))];
    return JSON.stringify({ working_directory: process.cwd(), exceptions, paths });
  } catch {
    return '';
  }
}

function serialise(value) {
  let json;
  try {
    json = JSON.stringify(value === undefined ? null : value);
  } catch {
    const message = 'Unable to stringify response body';
    throw legacy ? new Error(message) : runtimeError('JSONStringifyError', message);
  }
  // A function or a symbol has no JSON. The message is the one of AWS's transport.
  if (json === undefined) throw new TypeError('Wrong arguments');
  return json;
}

// ---------------------------------------------------------------------------------------------------------------------
// Logs

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const jsonLogs = multiConcurrent || env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
const minimumLevel = Math.max(LEVELS.indexOf(env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()), 0);

function installConsole(invokeStore) {
  const descriptor = take('_LAMBDA_TELEMETRY_LOG_FD');
  const logFd = descriptor && !multiConcurrent ? Number(descriptor) : undefined;
  const log = (level, args) => {
    const now = new Date();
    const requestId = legacy ? globalThis[LEGACY_REQUEST_ID] : invokeStore.getRequestId();
    const tenantId = legacy ? globalThis[LEGACY_TENANT_ID] : invokeStore.getTenantId();
    const record = jsonLogs
      ? jsonRecord(now, level, requestId, tenantId, args)
      : `${now.toISOString()}\t${requestId}\t${LEVELS[level]}\t${format(...args)}`;
    if (logFd !== undefined) return writeFrame(logFd, now, level, record);
    // Without frames a record ends at the newline, so that one inside of it is sent as a carriage return.
    const line = `${record.replaceAll('\n', '\r')}\n`;
    // The stdout of a worker thread is sent by the main thread, later; AWS writes past it.
    if (multiConcurrent) writeAll(1, Buffer.from(line));
    else process.stdout.write(line);
  };
  LEVELS.forEach((name, level) => {
    const enabled = level >= minimumLevel || (legacy && name === 'FATAL');
    console[name.toLowerCase()] = enabled ? (message, ...more) => log(level, [message, ...more]) : () => {};
  });
  console.log = console.info;
}

function jsonRecord(now, level, requestId, tenantId, args) {
  const record = { timestamp: now.toISOString(), level: LEVELS[level], requestId };
  if (tenantId) record.tenantId = tenantId;
  const errorType = ({ name, constructor }) => (
    String(name).startsWith('Runtime.') ? name.slice('Runtime.'.length) : constructor?.name ?? 'UnknownError');
  if (args.length === 1) {
    record.message = args[0];
    try {
      return JSON.stringify(record, (_, value) => (value instanceof Error
        ? { errorType: errorType(value), errorMessage: value.message, stackTrace: stackLines(value), ...value }
        : value));
    } catch {
      record.message = format(args[0]);
      return JSON.stringify(record);
    }
  }
  record.message = format(...args);
  const error = (legacy ? args : args.slice(1)).find((value) => value instanceof Error);
  if (error) {
    record.errorType = errorType(error);
    record.errorMessage = error.message;
    record.stackTrace = stackLines(error) ?? [];
  }
  return JSON.stringify(record);
}

const stackLines = (error) => (typeof error.stack === 'string' ? error.stack.split('\n') : undefined);

// The telemetry frame: type with the level's bits (4 bytes), length (4), microseconds since 1970 (8), the record.
function writeFrame(fd, now, level, record) {
  const message = Buffer.from(jsonLogs ? record : `${record}\n`);
  const frame = Buffer.alloc(16 + message.length);
  frame.writeUInt32BE(((jsonLogs ? 0xa55a0002 : 0xa55a0003) | (4 * (level + 1))) >>> 0, 0);
  frame.writeUInt32BE(message.length, 4);
  frame.writeBigInt64BE(BigInt(now.valueOf()) * 1000n, 8);
  message.copy(frame, 16);
  writeAll(fd, frame);
}

function writeAll(fd, bytes) {
  for (let written = 0; written < bytes.length;) {
    try {
      written += fs.writeSync(fd, bytes, written);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error; // a full pipe that does not block: wait for the reader
    }
  }
}

/** Logs an error of the function or of its initialisation, with the properties that the body leaves out. */
function logError(what, error) {
  const value = error instanceof Error ? error : new Error(String(error));
  if (jsonLogs) console.error(value);
  else console.error(what, `\t${errorDetails(value)}`);
  explainMissingSdk(value);
}

function errorDetails(error) {
  try {
    return JSON.stringify(error, (_, value) => (value instanceof Error
      ? { errorType: value.name, errorMessage: value.message, code: value.code, ...value, stack: stackLines(value) }
      : value));
  } catch {
    return JSON.stringify(errorBody(error));
  }
}

let sdkExplained = false;

// Not AWS's: why a function that works there does not find a package here.
function explainMissingSdk({ message }) {
  const missing = /Cannot find (?:module|package) '(aws-sdk|@aws-sdk\/[^/']+)['/]/.exec(message)?.[1];
  if (!missing || sdkExplained) return;
  sdkExplained = true;
  if (missing === 'aws-sdk') {
    console.error('lambkin: aws-sdk is version 2 of the SDK, which AWS Lambda has not shipped since nodejs18.x. Use '
      + "version 3, which it ships: require('@aws-sdk/client-s3') instead of new AWS.S3(), and so on; or bring "
      + 'version 2 along: npm install aws-sdk');
    return;
  }
  console.error(`lambkin: AWS Lambda ships ${missing} with its Node.js runtimes; this machine does not have it. `
    + `Install it in the function's project: npm install ${missing}`);
}

module.exports = { runtimeError, errorBody, xrayCause, serialise, installConsole, logError };
