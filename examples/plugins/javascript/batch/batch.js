// A batch trigger: it makes one event of several jobs, and gives failed jobs more attempts.
//
// `configure` runs once, and what it returns as `state` is passed to `shape` (messages become an event) and `settle`
// (the function's result becomes verdicts). The contract is described in `wit/deps/batch-trigger`.

export const batchShaper = {
  configure(config, surroundings, source) {
    const { function: name, attempts = 3, ...others } = JSON.parse(config);
    const problems = [];
    const problem = (at, message) => problems.push({ at, message, extra: [] });
    for (const key of Object.keys(others)) {
      problem([key], 'is not a setting of this plugin: its settings are function and attempts');
    }
    if (name === undefined) {
      problem([], 'needs function: the function that does the jobs');
    } else if (typeof name !== 'string') {
      problem(['function'], 'has to be a string: the name of a function');
    }
    if (!Number.isInteger(attempts) || attempts < 1 || attempts > 100) {
      problem(['attempts'], 'has to be a number from 1 to 100');
    }
    if (problems.length > 0) {
      throw problems;
    }
    return {
      state: String(attempts),
      function: { name, at: ['function'] },
      batching: { maxMessages: 10, maxBytes: 1 << 20, windowMs: 0 },
      reusable: true,
      summary: [`${source.name} -> ${name}, ${attempts} attempts`],
      warnings: [],
      extra: [],
    };
  },

  shape(state, messages) {
    const attempts = Object.fromEntries(messages.map((message) => [message.id, attempt(message)]));
    const event = JSON.stringify({ jobs: messages.map(job) });
    return { event, skipped: [], token: JSON.stringify(attempts), extra: [] };
  },

  settle(state, token, ids, outcome) {
    const failed = outcome.ending.tag === 'completed' ? failedJobs(outcome.ending.val) : undefined;
    if (failed === undefined) {
      return { otherwise: { tag: 'retry' }, but: [], extra: [] };
    }
    const attempts = JSON.parse(token);
    const verdict = (id) =>
      attempts[id] >= Number(state)
        ? { id, action: { tag: 'dead-letter', val: `failed ${attempts[id]} times` } }
        : { id, action: { tag: 'retry' } };
    const but = ids.filter((id) => failed.includes(id)).map(verdict);
    return { otherwise: { tag: 'ack' }, but, extra: [] };
  },
};

function job(message) {
  const { tag, val } = message.body;
  return {
    id: message.id,
    attempt: attempt(message),
    body: tag === 'binary' ? base64(val) : val,
    isBase64Encoded: tag === 'binary',
  };
}

function attempt(message) {
  return message.receiveCount ?? 1;
}

/** The ids of failed jobs in the function's result; undefined if it is not of the form {"failed": []}. */
function failedJobs(result) {
  try {
    const { failed } = JSON.parse(result);
    return Array.isArray(failed) ? failed : undefined;
  } catch {
    return undefined;
  }
}

/** QuickJS has no Buffer. */
function base64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
