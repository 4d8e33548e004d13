#!/usr/bin/env node
// The command of the npm package: starts the program of this machine's platform in its own place.
//
// The program is in the optional dependency that is named after the platform. From version 22.15 on, Node.js replaces
// itself by the program; older versions start it, pass signals on, and end as the program ends.
//
// On failure: what is missing and what to do about it, on standard error, and exit code 2.
'use strict';

const { spawn } = require('child_process');
const { constants } = require('os');
const { optionalDependencies, version } = require('../package.json');

const scope = '@lambkin/';

function fail(message) {
  process.stderr.write(`lambkin: ${message}\n`);
  process.exit(2);
}

function find() {
  const platform = `${process.platform}-${process.arch}`;
  const dependency = scope + platform;
  if (!(dependency in optionalDependencies)) {
    const known = Object.keys(optionalDependencies).map((name) => name.slice(scope.length));
    const advice = process.platform === 'win32'
      ? 'On Windows, install it in the Windows Subsystem for Linux.'
      : 'It can be built from its source with Rust; its README says how.';
    fail(`version ${version} has no program for ${platform}, only for ${known.join(', ')}. ${advice}`);
  }
  try {
    return require.resolve(`${dependency}/bin/lambkin`);
  } catch {
    return fail(
      `the package ${dependency}, which has the program, is not installed. Optional dependencies may have been left ` +
        'out, or node_modules may be from another machine: run `npm install --include=optional lambkin` on this one.',
    );
  }
}

function start(program, args) {
  if (process.execve) {
    process.execve(program, [program, ...args], process.env);
  }
  const child = spawn(program, args, { stdio: 'inherit' });
  child.on('error', (error) => fail(`${program} cannot be started: ${error.message}`));
  // A terminal sends these two to the program as well, which would count the second one as impatience.
  const fromTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']) {
    process.on(signal, () => {
      if (!fromTerminal || signal === 'SIGHUP' || signal === 'SIGTERM') {
        child.kill(signal);
      }
    });
  }
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.exitCode = 128 + constants.signals[signal];
      process.kill(process.pid, signal);
    } else {
      process.exitCode = code;
    }
  });
}

start(find(), process.argv.slice(2));
