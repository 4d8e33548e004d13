// Runs against a project with a handler in Node.js. LAMBKIN names the program.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'

import { FunctionError, LambkinError, invokeOnce, start } from '../index.mjs'

const HANDLER = `
export const handler = async (event) => {
  console.log('got', JSON.stringify(event))
  if (event.fail) throw new TypeError('as asked')
  return { statusCode: 200, body: 'hello' }
}
`
const CONFIG = `
[functions.hello]
code = "."
handler = "index.handler"
[triggers.web]
plugin = "api-gateway-http"
listen = "127.0.0.1:3000"
routes = { "$default" = "hello" }
`

let folder
before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lambkin-testing-'))
  writeFileSync(path.join(folder, 'index.mjs'), HANDLER)
  writeFileSync(path.join(folder, 'lambkin.toml'), CONFIG)
})
after(() => rmSync(folder, { recursive: true }))

test('a project is invoked, called and stopped', async () => {
  const lambkin = await start(folder)
  try {
    assert.equal((await lambkin.invoke('hello', { n: 1 })).body, 'hello')
    assert.equal(await (await fetch(`${lambkin.url('web')}/x`)).text(), 'hello')
    assert.match(await lambkin.waitForLog('got {"n":1}'), /got \{"n":1\}/)
    await assert.rejects(lambkin.invoke('hello', { fail: true }), (error) => {
      return error instanceof FunctionError && error.payload.errorMessage === 'as asked'
    })
    assert.throws(() => lambkin.url('wbe'), /there are: web/)
    await assert.rejects(lambkin.invoke('other'), /404/)
    await assert.rejects(lambkin.waitForLog('never', 10), LambkinError)
  } finally {
    await lambkin.stop()
  }
  await assert.rejects(lambkin.invoke('hello'))
})

test('a function is invoked once', async () => {
  assert.equal((await invokeOnce('hello', { n: 2 }, { cwd: folder })).body, 'hello')
  await assert.rejects(invokeOnce('hello', { fail: true }, { cwd: folder }), FunctionError)
  await assert.rejects(invokeOnce('other', {}, { cwd: folder }), /did you mean|other/)
})

test('a mistake is told', async () => {
  const file = path.join(folder, 'wrong.toml')
  writeFileSync(file, "[functions.hello]\ncode = 'nowhere'\n")
  await assert.rejects(start(file), /nowhere/)
  await assert.rejects(start(folder, { program: '/missing/lambkin' }), /set LAMBKIN/)
})
