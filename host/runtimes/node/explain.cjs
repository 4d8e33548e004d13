// What AWS's client does not say about a handler that cannot be loaded: one line of the log for the developer. Loaded
// only when something has failed.
//
// Contract: writes with console.error, so that the line is a record of the function's log. Failure: says nothing.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const ENDINGS = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];
/** The names of modules that are imported by their paths. */
const IMPORTS = /(?:from|import|require)\s*\(?\s*['"](\.[^'"]+)['"]/g;
/** How many files a search for a syntax error looks at. */
const MAX_FILES = 30;

/** There is a file in TypeScript, which AWS does not look for and this Node cannot run. */
function explainTypeScript(error, file) {
  const typescript = ['.ts', '.mts', '.cts'].map((ending) => file + ending).find((name) => fs.existsSync(name));
  if (!typescript || error?.code !== 'MODULE_NOT_FOUND' || !error.message.includes(`'${path.basename(file)}'`)) return;
  console.error(`lambkin: there is ${typescript}, but AWS Lambda does not look for a handler in TypeScript. `
    + `Compile it: npx esbuild ${path.basename(typescript)} --bundle --platform=node `
    + `--outfile=${path.basename(file)}.js`);
}

/** Where a syntax error is: AWS's report has its text alone, and Node does not tell it of modules that are imported. */
function explainSyntax(error, file) {
  const place = placeIn(error.stack ?? '') ?? search(file);
  if (place) console.error(`lambkin: ${place.file}:${place.line}: ${error.message}: ${place.source.trim()}`);
}

// `/task/app.js:3`, the line, `^^` below the mistake; in front of the error's own text.
function placeIn(text) {
  const [, file, line, source] = /^(?:file:\/\/)?(\/.*):(\d+)\n(.*)\n *\^/m.exec(text) ?? [];
  return file && { file: decodeURI(file), line, source };
}

// Looks for the file with the error among the handler's and those that it imports by their paths.
function search(file) {
  const { spawnSync } = require('node:child_process');
  const isFile = (name) => fs.statSync(name, { throwIfNoEntry: false })?.isFile();
  const first = ENDINGS.map((ending) => file + ending).find(isFile);
  const files = new Set(first ? [first] : []);
  for (const each of files) {
    if (files.size > MAX_FILES) return undefined;
    const { stderr } = spawnSync(process.execPath, ['--check', each], { encoding: 'utf8', env: {} });
    const place = placeIn(stderr ?? '');
    if (place) return place;
    for (const [, name] of fs.readFileSync(each, 'utf8').matchAll(IMPORTS)) {
      const imported = path.resolve(path.dirname(each), name);
      if (isFile(imported)) files.add(imported);
    }
  }
  return undefined;
}

/** Which functions the module has instead of the one that the handler names. */
function explainExports(fullName, property, module) {
  const names = new Set([module, module?.default].flatMap((value) => (
    value && ['object', 'function'].includes(typeof value) ? Object.keys(value) : [])));
  const functions = [...names].filter((name) => typeof (module[name] ?? module.default?.[name]) === 'function');
  const start = fullName.slice(0, fullName.length - property.length);
  const near = functions.find((name) => distance(name.toLowerCase(), property.toLowerCase()) <= 2);
  console.error(`lambkin: ${start.replace(/\.$/, '')} exports ${functions.join(', ') || 'no function'}`
    + `${near ? `; did you mean the handler ${start}${near}?` : ''}`);
}

// The number of letters to be added, removed or changed.
function distance(one, other) {
  let row = [...Array(other.length + 1).keys()];
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[other.length];
}

module.exports = { explainTypeScript, explainSyntax, explainExports };
