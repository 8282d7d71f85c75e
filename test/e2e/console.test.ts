/**
 * The console in a real browser: an operator signs in once, answers by key, rejects, takes back, and finds things; on a
 * telephone, in the dark, with a screen reader; and nothing is ever asked of another host.
 *
 * With WRITE_DOCS=1 the pictures of docs/console.md are taken anew.
 */
import t from 'tap'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { openScene } from '../../docs/generate-console.ts'
import { parseAnswer } from '../../lib/config/load.ts'
import { serveConsole } from '../../lib/console/server.ts'
import { join } from 'node:path'
import { systemClock } from '../../lib/model/clock.ts'
import type { PolicyDocument } from '../../lib/index.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { enterOwnNetwork } from '../helpers/own-network.ts'
import { openWire } from '../helpers/wire.ts'
import type { Wire } from '../helpers/wire.ts'
import { problemsOf } from '../helpers/page-problems.ts'

enterOwnNetwork()

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(file => existsSync(file))
const isSkipped = CHROMIUM === undefined && process.env['CI'] === undefined ? 'no Chromium is installed' : false

const policy = (port: number): PolicyDocument => ({
  version: 1, name: 'console',
  rules: [{ id: 'ask', action: 'hold', host: ['a.test', 'b.test'], scheme: 'http', port, private: true, note: 'look twice' }],
})
const ok = /^(?:HTTP\/1\.1 10\d[^]*?\r\n\r\n)*HTTP\/1\.1 200/

async function send(house: House, port: number, path: string, host = 'a.test', fields = ''): Promise<Wire> {
  const wire = await openWire(house.port)
  wire.write(`GET http://${host}:${port}${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n${fields}\r\n`)
  return wire
}

/** What may happen on no page: errors, refused resources, requests to anybody else. */
const faults: string[] = []
const browser = CHROMIUM === undefined ? null : await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
t.teardown(() => browser?.close())

async function openPage(t: { teardown(call: () => unknown): unknown }, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser!.newContext({ viewport: { width: 1200, height: 760 }, reducedMotion: 'reduce', ...options })
  t.teardown(() => context.close())
  const page = await context.newPage()
  page.on('pageerror', error => faults.push(error.message))
  // Chromium reports every refusal of ours here, which is no fault of the page.
  page.on('console', message => { if (message.type() === 'error' && !message.text().includes('status of 40')) faults.push(message.text()) })
  page.on('request', request => { if (new URL(request.url()).origin !== new URL(url).origin) faults.push(`it asked ${request.url()}`) })
  await page.goto(url)
  return page
}

const current = (page: Page, text: string | RegExp): Promise<void> => page.locator('#detail h2', { hasText: text }).waitFor()
/** As long as a person takes to read; a key before that answers nothing. */
const read = (page: Page): Promise<void> => page.waitForTimeout(350)

t.test('an operator works through the questions by keys', { skip: isSkipped }, async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port), { console: {}, standing: true })
  const { link, url } = house.firewall.console!

  const page = await openPage(t, link)
  await page.getByRole('heading', { name: 'Nothing waits' }).waitFor()
  t.equal(page.url(), `${url}/`, 'the secret is gone from the address')
  t.match(await page.context().cookies(), [{ httpOnly: true, sameSite: 'Strict' }])
  await page.goto(link)
  await page.getByRole('heading', { name: 'Nothing waits' }).waitFor()
  t.pass('who is signed in may open a spent link')

  const other = await openPage(t, link)
  await other.getByText('This link was used before').waitFor()
  t.equal(await other.getByRole('tab').count(), 0, 'a second use gets nothing')

  await page.evaluate(`new MutationObserver((_, watch) => {
    if (document.getElementById('detail').dataset.id === '') return
    watch.disconnect()
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'a' }))
    document.documentElement.dataset.pressed = 'a'
  }).observe(document.getElementById('detail'), { childList: true })`)
  const first = await send(house, origin.port, '/items/1', 'a.test', 'User-Agent: <img src=x onerror="document.title=1">\u202etxt\r\n')
  await current(page, '/items/1')
  await page.locator('html[data-pressed="a"]').waitFor()
  t.equal(house.firewall.pending().length, 1, 'a key that was pressed as it appeared answers nothing')
  t.ok(await page.getByText('<img src=x onerror="document.title=1">').count(), 'what an agent wrote is text')
  t.notOk(await page.locator('#detail img').count())
  t.equal(await page.title(), '(1) Sallyport')
  await read(page)
  await page.keyboard.press('2')
  await page.keyboard.press('a')
  t.match(await first.ended(), ok, 'approved by a key, it goes on')
  await page.getByText('Approved: 1 request goes on.').waitFor()
  t.match(house.closed.at(-1), { held: { by: process.env['USER'] ?? null, door: 'console', grant: /^grant-/ } })
  t.match(await (await send(house, origin.port, '/items/2')).ended(), ok, 'by the second rule, ids as *')

  await page.getByRole('tab', { name: 'Grants' }).click()
  await page.getByRole('row', { name: /\/items\/\*/ }).getByText('2', { exact: true }).waitFor()
  await page.keyboard.press('u')
  await page.getByRole('heading', { name: 'No grant is open' }).waitFor()
  const again = await send(house, origin.port, '/items/3')
  await house.questions(1)
  await page.getByRole('tab', { name: 'Questions' }).click()
  await current(page, '/items/3')

  await read(page)
  await page.keyboard.press('r')
  await page.getByRole('dialog', { name: 'Reject' }).waitFor()
  await page.keyboard.type('use the mirror')
  await page.keyboard.press('Enter')
  t.match(await again.ended(), /^HTTP\/1\.1 403 [^]*use the mirror/, 'the agent reads the reason')

  const twins = [await send(house, origin.port, '/one'), await send(house, origin.port, '/two', 'b.test')]
  await house.questions(2)
  await page.getByRole('option').nth(1).waitFor()
  await read(page)
  await page.evaluate(`for (let n = 0; n < 2; n++) document.dispatchEvent(new KeyboardEvent('keydown', { key: 'o' }))`)
  t.match(await twins[0]!.ended(), ok)
  await current(page, '/two')
  t.equal(house.firewall.pending().length, 1, 'a key that is pressed twice answers one question')
  await read(page)
  await page.keyboard.press('e')
  const rule = JSON.stringify({ host: 'b.test', scheme: 'http', port: origin.port, path: '/tw*' })
  await page.getByRole('textbox', { name: /policy language/ }).fill('{')
  await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click()
  await page.getByText('That is not JSON').waitFor()
  await page.getByRole('textbox', { name: /policy language/ }).fill(rule)
  await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click()
  t.match(await twins[1]!.ended(), ok, 'a rule that was edited')
})

t.test('a flood does not move what is under the cursor; it is filtered, and answered as a group', { skip: isSkipped }, async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port), { console: {}, standing: true, audit: join(t.testdir(), 'audit.jsonl') })
  const page = await openPage(t, house.firewall.console!.link)
  const mine = await send(house, origin.port, '/mine', 'b.test')
  await current(page, '/mine')
  const place = await page.getByRole('option', { selected: true }).boundingBox()
  const flood = await Promise.all(Array.from({ length: 30 }, (_, n) => send(house, origin.port, `/stories/${n}`)))
  await house.questions(31)
  await page.getByText('30×').waitFor()
  t.equal(await page.getByRole('option').count(), 2, 'what one answer would settle is one row')
  t.match(await page.getByRole('option', { selected: true }).textContent(), '/mine')
  t.strictSame(await page.getByRole('option', { selected: true }).boundingBox(), place)
  await page.getByText('new questions').waitFor({ state: 'attached' })

  await page.keyboard.press('/')
  await page.keyboard.type('stories')
  await page.keyboard.press('Escape')
  await current(page, '/stories')
  t.equal(await page.getByRole('option').count(), 1)
  await read(page)
  await page.keyboard.press('A')
  for (const wire of flood) t.match(await wire.ended(), ok)
  await page.getByText('Approved 30 questions: 30 requests go on.').waitFor()
  await page.getByText('No question matches').waitFor()
  await page.getByRole('searchbox', { name: 'Filter' }).fill('')
  await current(page, '/mine')
  mine.close()

  await page.getByRole('tab', { name: 'Log' }).click()
  await page.getByRole('searchbox', { name: 'Anywhere' }).fill('/stories/7')
  await page.keyboard.press('Enter')
  await page.getByText('1 record.').waitFor()
  await page.getByRole('button', { name: 'Look in the files' }).click()
  await page.getByText('1 record of the files; that is all.').waitFor()
  await page.getByRole('tab', { name: 'Rules' }).click()
  await page.getByRole('row', { name: /^ask hold/ }).getByText('31', { exact: true }).waitFor()
  await page.getByRole('tab', { name: 'Traffic' }).click()
  await page.getByRole('img', { name: /^Requests over time: 3\d in all/ }).waitFor()
  await page.getByRole('button', { name: /Help/ }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Nobody is signed in here' }).waitFor()
})

t.test('it can be read by anybody, light and dark, on a screen and on a telephone', { skip: isSkipped }, async t => {
  const scene = await openScene(7)
  t.teardown(scene.close)
  const served = await serveConsole({ host: '127.0.0.1', port: 0, hosts: [], desk: scene.desk, clock: systemClock, user: 'ann', random: randomBytes, parseAnswer(value) {
    const parsed = parseAnswer(value)
    return parsed.kind === 'answer' ? parsed : { kind: 'refused', problems: parsed.problems.map(({ problem }) => problem) }
  } })
  t.teardown(() => served.close())
  const page = await openPage(t, served.link, { colorScheme: 'light' })
  await current(page, '/api/stories/')

  const grounds = new Set<string>()
  for (const [width, height] of [[1080, 720], [360, 740]] as const) {
    await page.setViewportSize({ width, height })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      grounds.add(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
      for (const name of ['Grants', 'Rules', 'Traffic', 'Log', 'Questions']) {
        await page.getByRole('tab', { name }).click()
        await page.locator({ Grants: '#grants td', Rules: '#rules td', Traffic: '.plot', Log: '#records td', Questions: '#detail h2' }[name]!).first().waitFor()
        t.strictSame(await page.evaluate(problemsOf), [], `${name}, ${colorScheme}, ${width} wide`)
      }
      await shoot(page, width < 500 ? colorScheme === 'dark' ? 'phone' : null : colorScheme)
    }
  }
  t.equal(grounds.size, 2, 'dark is not light')
  await page.getByRole('option', { name: /TASK/ }).click()
  await current(page, 'Send the finished digest')
  t.strictSame(await page.evaluate(problemsOf), [], 'a task')
  await read(page)
  await page.keyboard.press('a')
  await page.getByText('Approved, with all its rules.').waitFor()
  t.match(scene.desk.grants(), [{ rule: { host: 'chat.example.com' } }, { rule: { host: 'files.example.net' } }])
  await page.getByRole('button', { name: 'Theme: auto' }).click()
  t.ok(grounds.has(await page.evaluate('getComputedStyle(document.body).backgroundColor')))
  t.equal(await page.evaluate('document.documentElement.dataset.theme'), 'light', 'and may be chosen')
})

t.test('on none of these pages was there an error, or a request to anybody else', { skip: isSkipped }, async t => {
  t.strictSame(faults, [])
})

async function shoot(page: Page, name: string | null): Promise<void> {
  if (name === null || process.env['WRITE_DOCS'] !== '1') return
  await page.evaluate('document.getElementById("detail").scrollTo(0, 0)')
  await page.screenshot({ path: fileURLToPath(new URL(`../../docs/console-${name}.png`, import.meta.url)) })
}
