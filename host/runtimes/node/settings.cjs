// What the environment says about the function, read once, and the names under which AWS's clients keep things on
// shared objects, where monitoring libraries look for them.
'use strict';

const { env } = process;

/** The value of a variable that the function is not to see. */
function take(name) {
  const value = env[name];
  delete env[name];
  return value;
}

const runtimeId = take('LAMBKIN_RUNTIME') ?? (env.AWS_EXECUTION_ENV ?? '').replace(/^AWS_Lambda_/, '');
const runtimeMajor = Number(/^nodejs(\d+)/.exec(runtimeId)?.[1] ?? process.versions.node.split('.')[0]);
const multiConcurrent = env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined;
const legacy = runtimeMajor <= 22 && !multiConcurrent;

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const LEGACY_REQUEST_ID = Symbol.for('aws.lambda.runtime.requestId');
const LEGACY_TENANT_ID = Symbol.for('aws.lambda.runtime.tenantId');
const BEFORE_EXIT = Symbol.for('aws.lambda.beforeExit');
const REQUEST_ID = Symbol.for('_AWS_LAMBDA_REQUEST_ID');
const X_RAY_TRACE_ID = Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID');
const TENANT_ID = Symbol.for('_AWS_LAMBDA_TENANT_ID');

module.exports = {
  env, take, runtimeId, runtimeMajor, multiConcurrent, legacy, STREAMING, HIGH_WATER_MARK, LEGACY_REQUEST_ID,
  LEGACY_TENANT_ID, BEFORE_EXIT, REQUEST_ID, X_RAY_TRACE_ID, TENANT_ID,
};
