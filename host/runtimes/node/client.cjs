// Runtime client for Node.js functions: takes events from the Lambda Runtime API, calls the handler, posts the result.
//
// Started as `node <flags> client.cjs` with the environment of a Lambda function (AWS_LAMBDA_RUNTIME_API, _HANDLER,
// LAMBDA_TASK_ROOT, …). Needs Node 18 or newer and nothing but its standard library. Beside it lie
//   settings.cjs     the environment           log.cjs        errors and logs
//   runtime-api.cjs  the HTTP client           invoke.cjs     the loops that call the handler, response streams
//   node-path.cjs    `import` from the folders of NODE_PATH       explain.cjs  hints at why a handler cannot be loaded
//
// Contract: what a function can observe is what AWS's own clients do, and there are two that differ:
//   legacy (AWS's 3.x)  runtimes up to nodejs22.x: callbacks, the answer waits for an empty event loop, errors outside
//                       the handler are reported as the function's
//   modern (AWS's 4.x)  nodejs24.x and newer, and any runtime with AWS_LAMBDA_MAX_CONCURRENCY: promises only, errors
//                       outside the handler end the process with nothing posted
// The runtime's id decides, not the version of the Node that runs this: it is in AWS_EXECUTION_ENV
// (AWS_Lambda_nodejs22.x) or, where that is not to be set, in LAMBKIN_RUNTIME.
//
// Failure: the function's errors are posted to the Runtime API and logged. If initialisation fails, the error is posted
// to /init/error and the process exits with AWS's status (legacy 129, or 128 for a rejection; modern 1). If the Runtime
// API fails, the process exits with an error and the platform starts another one.
'use strict';

const { prepareStreaming, reportStrayErrors, runLegacy, runModern } = require('./invoke.cjs');
const { errorBody, installConsole, logError, runtimeError } = require('./log.cjs');
const { RuntimeApi } = require('./runtime-api.cjs');
const {
  env, HIGH_WATER_MARK, legacy, multiConcurrent, REQUEST_ID, runtimeId, runtimeMajor, STREAMING, TENANT_ID,
  X_RAY_TRACE_ID,
} = require('./settings.cjs');

// No file of the client is an ES module, although AWS's are: the first one costs a cold start 5 to 10 ms, which a handler
// that is none need not pay.
const fs = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { isAsyncFunction } = require('node:util').types;

const CALLBACKS_END = 'For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';
const CALLBACKS_REMOVED = runtimeMajor <= 22
  ? 'ERROR: AWS Lambda does not support callback-based function handlers when using Node.js 22 with Managed Instances. '
    + `To use Managed Instances, modify this function to use a supported handler signature. ${CALLBACKS_END}`
  : 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to '
    + `modify this function to use a supported handler signature to use Node.js 24 or later. ${CALLBACKS_END}`;
const CALLBACKS_WARNING = 'AWS Lambda plans to remove support for callback-based function handlers starting with '
  + 'Node.js 24. You will need to update this function to use an async handler to use Node.js 24 or later. For more '
  + 'information and to provide feedback on this change, see '
  + 'https://github.com/aws/aws-lambda-nodejs-runtime-interface-client/issues/137. To disable this warning, set the '
  + 'AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING environment variable.';
/** Threads for each processor with AWS_LAMBDA_MAX_CONCURRENCY. */
const WORKERS_PER_CPU = 8;

// ---------------------------------------------------------------------------------------------------------------------
// The handler

/** As for a client that is an ES module, like AWS's, the function's modules have no `require.main`. */
const requireHandler = nodeModule.createRequire(__filename);
process.mainModule = undefined;

/** Finds the handler as Lambda does. Throws what is then posted to /init/error. */
async function loadHandler(root, fullName) {
  if (fullName.includes('..')) {
    throw runtimeError('MalformedHandlerName', `'${fullName}' is not a valid handler name. Use absolute paths when `
      + 'specifying root directories in handler names.');
  }
  const name = path.basename(fullName);
  const folder = fullName.slice(0, fullName.indexOf(name));
  const [, moduleName, property] = /^([^.]*)\.(.*)$/.exec(name) ?? [];
  if (moduleName === undefined) throw runtimeError('MalformedHandlerName', 'Bad handler');
  const file = path.resolve(root, folder, moduleName);
  let module;
  try {
    module = await (legacy ? loadLegacy(file) : loadModern(file));
    module ||= requireHandler(requireHandler.resolve(moduleName, {
      paths: [root, legacy ? folder : path.join(root, folder)],
    }));
  } catch (error) {
    explain('explainTypeScript', error, file);
    if (error instanceof SyntaxError) {
      explain('explainSyntax', error, file);
      const syntaxError = runtimeError('UserCodeSyntaxError', String(error));
      if (!legacy) syntaxError.stack = error.stack;
      throw syntaxError;
    }
    if (error?.code === 'MODULE_NOT_FOUND') throw runtimeError('ImportModuleError', String(error));
    throw error;
  }
  const descend = (value, key) => (legacy || typeof value === 'object' ? value?.[key] : undefined);
  const find = (start) => property.split('.').reduce(descend, start);
  const handler = find(module) || (!legacy && find(module.default));
  if (!handler) {
    explain('explainExports', fullName, property, module);
    throw runtimeError('HandlerNotFound', `${fullName} is undefined or not exported`);
  }
  if (typeof handler !== 'function') throw runtimeError('HandlerNotFound', `${fullName} is not a function`);
  if (handler[STREAMING] && handler[STREAMING] !== 'response') {
    throw runtimeError('MalformedStreamingHandler', 'Only response streaming is supported.');
  }
  if (!handler[STREAMING] && handler.length >= 3) {
    if (!legacy) throw runtimeError('CallbackHandlerDeprecated', CALLBACKS_REMOVED);
    const silent = env.AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING !== undefined || isAsyncFunction(handler);
    if (!silent && handler.length === 3) console.warn(CALLBACKS_WARNING);
  }
  return handler;
}

const importFile = (file) => (fs.existsSync(file) ? import(pathToFileURL(file).href) : undefined);
const requireFile = (file) => (fs.existsSync(file) ? requireHandler(file) : undefined);

async function loadLegacy(file) {
  const esm = fs.existsSync(`${file}.js`) && isInModulePackage(path.dirname(file));
  return requireFile(file)
    || (esm ? await importFile(`${file}.js`) : requireFile(`${file}.js`))
    || (await importFile(`${file}.mjs`))
    || requireFile(`${file}.cjs`)
    || loadTypeScript(file);
}

async function loadModern(file) {
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    const module = await importFile(file + extension);
    if (module) return module;
  }
  return loadTypeScript(file);
}

// Not AWS's, which does not look for TypeScript: what Node itself can run, or a loader such as tsx.
async function loadTypeScript(file) {
  if (!process.features.typescript && !/--(import|loader|require)/.test(env.NODE_OPTIONS ?? '')) return undefined;
  for (const extension of ['.ts', '.mts', '.cts']) {
    const module = await importFile(file + extension);
    if (module) return module;
  }
}

function isInModulePackage(folder) {
  if (path.basename(folder) === 'node_modules') return false;
  const manifest = path.join(folder, 'package.json');
  if (fs.existsSync(manifest)) {
    try {
      return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
    } catch (error) {
      console.warn(`${manifest} cannot be read, it will be ignored for ES module detection purposes.`, error);
      return false;
    }
  }
  const parent = path.dirname(folder);
  return parent !== folder && isInModulePackage(parent);
}

// Not AWS's: one line of the log that says more than AWS's report. Nothing that fails here hides the report.
function explain(name, ...details) {
  try {
    require('./explain.cjs')[name](...details);
  } catch {}
}

function honourNodePathForImports(root) {
  const folders = (env.NODE_PATH ?? '').split(path.delimiter).filter((folder) => folder && fs.existsSync(folder));
  // The task folder alone needs no hook, which would cost each cold start some milliseconds.
  if (folders.every((folder) => path.resolve(folder) === path.resolve(root))) return;
  const hooks = require.resolve('./node-path.cjs');
  if (nodeModule.registerHooks) nodeModule.registerHooks(require(hooks).hooksFor(folders));
  else nodeModule.register?.(pathToFileURL(hooks), { data: folders });
}

// ---------------------------------------------------------------------------------------------------------------------
// globalThis.awslambda

/** What the modern client knows of the invocation under way; the interface of the package @aws/lambda-invoke-store. */
class InvokeStore {
  #current;
  #storage = multiConcurrent ? new (require('node:async_hooks').AsyncLocalStorage)() : undefined;
  getContext() { return this.#storage ? this.#storage.getStore() : this.#current; }
  hasContext() { return this.getContext() !== undefined; }
  get(key) { return this.getContext()?.[key]; }
  set(key, value) {
    if (this.isProtectedKey(key)) throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    if (this.#storage && !this.hasContext()) throw new Error('No context available');
    const context = this.getContext() ?? (this.#current = {});
    context[key] = value;
  }
  run(context, fn) {
    if (this.#storage) return this.#storage.run(context, fn);
    this.#current = context;
    return fn();
  }
  isProtectedKey(key) { return [REQUEST_ID, X_RAY_TRACE_ID, TENANT_ID].includes(key); }
  getRequestId() { return this.get(REQUEST_ID) ?? '-'; }
  getXRayTraceId() { return this.get(X_RAY_TRACE_ID); }
  getTenantId() { return this.get(TENANT_ID); }
}

class HttpResponseStream {
  /** Puts the status, headers and cookies of `prelude` before the first write. Without a write they are not sent. */
  static from(stream, prelude) {
    stream.setContentType('application/vnd.awslambda.http-integration-response');
    const json = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(json);
      write(new Uint8Array(8));
    };
    return stream;
  }
}

function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
  return handler;
}

function installGlobals(invokeStore) {
  if (['1', 'true'].includes(env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = { ...globalThis.awslambda, streamifyResponse, HttpResponseStream };
  if (!legacy) globalThis.awslambda.InvokeStore = invokeStore;
}

// ---------------------------------------------------------------------------------------------------------------------
// Start

async function start() {
  const missing = ['AWS_LAMBDA_RUNTIME_API', '_HANDLER', 'LAMBDA_TASK_ROOT'].find((name) => !env[name]);
  if (missing) throw runtimeError('PlatformError', `${missing} environment variable is not set`);
  const api = new RuntimeApi(env.AWS_LAMBDA_RUNTIME_API);
  const invokeStore = legacy ? undefined : new InvokeStore();
  installConsole(invokeStore);
  installGlobals(invokeStore);
  if (legacy) reportStrayErrors(api);
  try {
    honourNodePathForImports(env.LAMBDA_TASK_ROOT);
    const handler = await loadHandler(env.LAMBDA_TASK_ROOT, env._HANDLER);
    if (handler[STREAMING]) prepareStreaming();
    if (legacy) runLegacy(api, handler);
    else return () => runModern(api, handler, invokeStore);
  } catch (error) {
    if (legacy) throw error; // now an uncaught exception, see reportStrayErrors
    logError('Init Error', error);
    const body = errorBody(error);
    await api.postInitError(JSON.stringify(body), body.errorType).catch((problem) => {
      logError('Failed to post init error', problem);
    });
    throw error; // Node prints it and exits with status 1
  }
}

/**
 * Starts as the top level of an ES module would, which AWS's client is: an error is an uncaught exception, and a promise
 * that never settles ends the process with status 13. In modern, both are left to the promise.
 */
function startAsMain() {
  const unsettled = () => { process.exitCode ??= 13; };
  const warn = () => fs.writeSync(2, `Warning: Detected unsettled top-level await in the module of ${env._HANDLER}\n`);
  process.on('exit', unsettled).on('beforeExit', warn);
  const settled = () => process.off('exit', unsettled).off('beforeExit', warn);
  start().then(settled, (error) => {
    settled();
    setImmediate(() => { throw error; });
  });
}

/** With AWS_LAMBDA_MAX_CONCURRENCY: this file once more in each of several threads; ends when all have. */
async function startWorkers({ Worker }) {
  installConsole(new InvokeStore());
  // AWS starts 8 for each processor however few events there can be; each thread has a heap of its own.
  const usual = Math.min(WORKERS_PER_CPU * processors(), Number(env.AWS_LAMBDA_MAX_CONCURRENCY) || 1);
  const count = parseInt(env.AWS_LAMBDA_NODEJS_WORKER_COUNT || usual, 10);
  // These flags are of the process; a thread with one of them does not start.
  const ofProcess = /^--(expose-gc|max-semi-space-size|max-old-space-size)/;
  const execArgv = process.execArgv.filter((flag) => !ofProcess.test(flag));
  for (let id = 0; id < count; id += 1) {
    const worker = new Worker(__filename, { env: { ...env, LAMBKIN_RUNTIME: runtimeId }, execArgv });
    worker.on('error', (error) => logError(`Worker ${id} error:`, error));
    worker.on('exit', (code) => {
      if (code !== 0) logError(`Worker ${id} exit:`, new Error(`Worker ${id} exited with code ${code}`));
    });
  }
}

function processors() {
  try {
    const [quota, period] = fs.readFileSync('/sys/fs/cgroup/cpu.max', 'utf8').trim().split(/\s+/);
    return quota === 'max' ? require('node:os').cpus().length : Math.max(Math.ceil(quota / period), 1);
  } catch {
    return 1;
  }
}

const threads = multiConcurrent ? require('node:worker_threads') : undefined;
if (threads?.isMainThread) startWorkers(threads);
else if (legacy) startAsMain();
else start().then((run) => run());
