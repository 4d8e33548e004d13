// AWS Lambda functions and their triggers in tests: runs `lambkin serve` on free ports.
//
// Contract: after `start`, everything of the project listens; after `stop`, no process of it is left.
// On failure: `LambkinError` with what Lambkin has logged.

import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'

const TIMEOUT = 60_000

export class LambkinError extends Error {}

export class FunctionError extends LambkinError {
  constructor(functionName, payload) {
    super(`${functionName} failed: ${JSON.stringify(payload)}`)
    this.payload = payload
  }
}

class Lambkin {
  #child
  #log = ''
  #listeners = new Set()
  #ended
  #timeout

  constructor(child, timeout) {
    this.#child = child
    this.#timeout = timeout
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (text) => {
      this.#log += text
      for (const listener of [...this.#listeners]) listener()
    })
    this.#ended = new Promise((resolve) => child.on('close', resolve))
  }

  async listens() {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), this.#timeout)
    const lines = createInterface({ input: this.#child.stdout })
    const line = await Promise.race([new Promise((resolve) => lines.once('line', resolve)), this.#ended.then(() => null)])
    clearTimeout(timer)
    if (line === null) throw new LambkinError(`lambkin serve did not start:\n${this.#log}`)
    this.ready = JSON.parse(line)
  }

  get outputs() {
    return this.ready.outputs ?? {}
  }

  async invoke(functionName, event = {}) {
    const url = `${this.ready.invoke}/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(event) })
    const text = await response.text()
    if (!response.ok) throw new LambkinError(`${functionName} was not invoked: ${response.status} ${text}`)
    const payload = text === '' ? null : JSON.parse(text)
    if (response.headers.has('x-amz-function-error')) throw new FunctionError(functionName, payload)
    return payload
  }

  url(name) {
    const { triggers, services } = this.ready
    const url = triggers[name] ?? services[name]
    if (url === undefined) {
      const known = [...Object.keys(triggers), ...Object.keys(services)].join(', ')
      throw new LambkinError(`there is no trigger and no service '${name}' with a URL; there are: ${known}`)
    }
    return url
  }

  log() {
    return this.#log
  }

  async waitForLog(text, timeout = this.#timeout) {
    const failed = () => new LambkinError(`'${text}' was not logged:\n${this.#log}`)
    await new Promise((resolve, reject) => {
      const finish = (settle) => {
        clearTimeout(timer)
        this.#listeners.delete(look)
        settle()
      }
      const look = () => this.#log.includes(text) && finish(resolve)
      const timer = setTimeout(() => finish(() => reject(failed())), timeout)
      this.#listeners.add(look)
      this.#ended.then(() => finish(() => reject(failed())))
      look()
    })
    return this.#log
  }

  async stop() {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), this.#timeout)
    this.#child.kill('SIGTERM')
    await this.#ended
    clearTimeout(timer)
  }
}

export async function start(project = '.', options = {}) {
  const whole = path.resolve(project)
  const isFolder = statSync(whole).isDirectory()
  const args = ['serve', '--json', '--free-ports', ...(options.arguments ?? [])]
  if (!isFolder) args.push('--config', whole)
  const child = await run(args, isFolder ? whole : path.dirname(whole), options)
  const lambkin = new Lambkin(child, options.timeout ?? TIMEOUT)
  await lambkin.listens()
  return lambkin
}

export async function invokeOnce(target, event = {}, options = {}) {
  const args = ['invoke', ...(options.arguments ?? []), target, JSON.stringify(event)]
  const child = await run(args, options.cwd ?? '.', options)
  let result = ''
  let log = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (result += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text))
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code === 1) throw new FunctionError(target, JSON.parse(result))
  if (code !== 0) throw new LambkinError(`${target} was not invoked:\n${log}`)
  return JSON.parse(result)
}

async function run(args, cwd, options) {
  const program = options.program ?? process.env.LAMBKIN ?? 'lambkin'
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', () => {
      reject(new LambkinError(`there is no program '${program}': install lambkin, or set LAMBKIN to its path`))
    })
  })
  return child
}
