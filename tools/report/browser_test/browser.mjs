// SPDX-License-Identifier: Apache-2.0
// A headless Chromium, driven by its DevTools protocol over a pipe: no port, no package.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CANDIDATES = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter(
  Boolean,
);

// The name of a program that starts; undefined when there is none.
export const findChromium = () =>
  CANDIDATES.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);

export class Browser {
  // A page of its own, and all that goes wrong in it: errors, warnings, requests for what is no file.
  static async open(program, { width = 1280, height = 900, dark = false } = {}) {
    const browser = new Browser(program);
    const { targetId } = await browser.#send('Target.createTarget', { url: 'about:blank' });
    ({ sessionId: browser.session } = await browser.#send('Target.attachToTarget', {
      targetId,
      flatten: true,
    }));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network'])
      await browser.call(`${domain}.enable`);
    await browser.call('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await browser.setDark(dark);
    return browser;
  }

  constructor(program) {
    this.troubles = [];
    this.profile = mkdtempSync(join(tmpdir(), 'tandem-chromium-'));
    this.process = spawn(
      program,
      [
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--no-first-run',
        '--disable-background-networking',
        '--force-color-profile=srgb',
        `--user-data-dir=${this.profile}`,
        '--remote-debugging-pipe',
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true },
    );
    this.ended = new Promise((resolve) => {
      this.process.on('exit', resolve);
    });
    this.answers = new Map();
    this.waiters = [];
    this.lastId = 0;
    let rest = '';
    this.process.stdio[4].on('data', (bytes) => {
      const parts = (rest + bytes).split('\0');
      rest = parts.pop();
      parts.forEach((text) => this.#take(JSON.parse(text)));
    });
  }

  #take(message) {
    if (message.id) {
      const { resolve, reject } = this.answers.get(message.id);
      this.answers.delete(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
      return;
    }
    const { method, params } = message;
    if (method === 'Runtime.exceptionThrown')
      this.troubles.push(
        params.exceptionDetails.exception?.description || params.exceptionDetails.text,
      );
    if (
      method === 'Runtime.consoleAPICalled' &&
      ['error', 'warning', 'assert'].includes(params.type)
    )
      this.troubles.push(params.args.map((each) => each.value).join(' '));
    if (method === 'Log.entryAdded' && params.entry.level !== 'verbose')
      this.troubles.push(`${params.entry.level}: ${params.entry.text}`);
    if (method === 'Network.requestWillBeSent' && !/^(file|data|about):/.test(params.request.url))
      this.troubles.push(`asked the network for ${params.request.url}`);
    this.waiters = this.waiters.filter(
      (waiter) => waiter.method !== method || waiter.resolve(params),
    );
  }

  #send(method, params = {}, sessionId = undefined) {
    const id = ++this.lastId;
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => {
      this.answers.set(id, { resolve, reject });
    });
  }

  call(method, params) {
    return this.#send(method, params, this.session);
  }
  event(method) {
    return new Promise((resolve) => {
      this.waiters.push({ method, resolve });
    });
  }

  async goTo(url) {
    const loaded = this.event('Page.loadEventFired');
    await this.call('Page.navigate', { url });
    await loaded;
  }

  // The value of an expression in the page; a promise is awaited.
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (exceptionDetails)
      throw new Error(
        `${expression}: ${exceptionDetails.exception?.description || exceptionDetails.text}`,
      );
    return result.value;
  }

  // After the page had time to draw.
  settle() {
    return this.evaluate(
      'new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))',
    );
  }

  async press(key, { text = key.length === 1 ? key : undefined } = {}) {
    const codes = {
      Enter: 13,
      Escape: 27,
      ArrowDown: 40,
      ArrowUp: 38,
      ArrowLeft: 37,
      ArrowRight: 39,
      Tab: 9,
      Home: 36,
      End: 35,
    };
    const windowsVirtualKeyCode = codes[key] || key.toUpperCase().charCodeAt(0);
    const sent = key === 'Enter' ? '\r' : text;
    await this.call('Input.dispatchKeyEvent', {
      type: sent ? 'keyDown' : 'rawKeyDown',
      key,
      text: sent,
      windowsVirtualKeyCode,
    });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', key, windowsVirtualKeyCode });
    await this.settle();
  }

  async type(text) {
    for (const key of text) await this.press(key);
  }

  setDark(dark) {
    return this.call('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }],
    });
  }

  async screenshot(path) {
    await this.settle();
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' });
    writeFileSync(path, Buffer.from(data, 'base64'));
  }

  async close() {
    await this.#send('Browser.close').catch(() => {});
    await this.ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}
