// Resolver hook: makes `import` honour NODE_PATH, as the Node.js that AWS Lambda ships does (since nodejs18.x) and the
// one from nodejs.org does not. Without it a package that only a layer has loads with `require` and not with `import`.
//
// Contract: Node's own resolution comes first. Only when it cannot find a bare specifier (ERR_MODULE_NOT_FOUND) are the
// folders of NODE_PATH searched, in order. `require` is not affected: it honours NODE_PATH by itself.
// Failure: if no folder has the package, the error of Node's own resolution is thrown, unchanged.
'use strict';

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

let folders = [];

/** The hooks for `module.registerHooks`: synchronous, in the thread of the program. */
function hooksFor(nodePath) {
  folders = nodePath;
  return {
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        for (const attempt of attempts(error, specifier, context)) {
          try {
            return nextResolve(attempt.specifier, attempt.context);
          } catch {}
        }
        throw withoutHookFrames(error);
      }
    },
  };
}

/** Called by `module.register` (Node before 22.15), which runs this file in a thread of its own. */
function initialize(nodePath) {
  folders = nodePath;
}

/** The hook for `module.register`: as above, with promises. */
async function resolve(specifier, context, nextResolve) {
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    for (const attempt of attempts(error, specifier, context)) {
      try {
        return await nextResolve(attempt.specifier, attempt.context);
      } catch {}
    }
    throw withoutHookFrames(error);
  }
}

function* attempts(error, specifier, context) {
  const bare = !/^(\.{0,2}\/|#|[a-z]+:)/i.test(specifier);
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !bare) return;
  for (const folder of folders) {
    if (path.basename(folder) === 'node_modules') {
      // Resolving from beside the folder applies the ESM rules to it: "exports", the condition "import".
      const beside = pathToFileURL(path.join(path.dirname(folder), 'importer.mjs')).href;
      yield { specifier, context: { ...context, parentURL: beside } };
    } else {
      try {
        const file = createRequire(path.join(folder, 'importer.js')).resolve(`./${specifier}`);
        yield { specifier: pathToFileURL(fs.realpathSync(file)).href, context };
      } catch {}
    }
  }
}

// The error's trace goes to the caller; on AWS the patch is inside Node and has no frames there.
function withoutHookFrames(error) {
  error.stack = error.stack?.split('\n').filter((line) => !line.includes(__filename)).join('\n');
  return error;
}

module.exports = { hooksFor, initialize, resolve };
