// A log that grows: followed by offset, so nothing is missed or shown twice whatever connection breaks.

import { make, signIn, visible } from "/static/page.js";

const BLOCK = 200; // lines in one <pre>: the browser skips the blocks that are out of sight
const KEPT = 100; // blocks kept; what is older is in the file
const FIRST = 4 << 20; // bytes shown of a file that is larger than this
const COLOURS = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

export class Log {
  constructor(box, note) {
    this.box = box;
    this.note = note;
    this.sticks = true;
    this.onstick = () => {};
    this.reading = null;
    box.addEventListener("scroll", () => this.#scrolled());
  }

  /** Show the file at `url`, so far `size` bytes long, from now on; `over()` says whether its job has ended. */
  async follow(url, size, over) {
    this.reading?.abort();
    const mine = (this.reading = new AbortController());
    this.#clear();
    let offset = this.#start(size);
    while (!mine.signal.aborted) {
      const ended = over();
      try {
        offset = await this.#read(url, offset, mine.signal);
        if (ended && !this.block) this.#mention("Nothing was written.");
        if (ended) return;
      } catch (error) {
        if (mine.signal.aborted) return;
        if (error.status === 401) return signIn();
        if (error.status && ended) return;
      }
      await new Promise((done) => setTimeout(done, over() ? 100 : 1000));
    }
  }

  stick(on) {
    this.sticks = on;
    if (on) this.#toEnd();
  }

  #start(size) {
    if (size <= FIRST) return 0;
    this.#mention(`The first ${((size - FIRST) / 1e6).toFixed(1)} MB are left out here; Download has it all.`);
    return size - FIRST;
  }

  async #read(url, offset, signal) {
    const answer = await fetch(`${url}?offset=${offset}&follow=true`, { signal });
    if (!answer.ok) throw Object.assign(new Error("no log"), { status: answer.status });
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true }));
      if (done) return offset;
      offset += value.length;
      this.#add(this.decoder.decode(value, { stream: true }));
    }
  }

  #add(text) {
    const lines = (this.partial + text).split("\n");
    this.partial = lines.pop();
    if (this.partial.length > 65536) {
      lines.push(this.partial);
      this.partial = "";
    }
    this.note.hidden = true;
    for (const line of lines) {
      if (!this.block || this.count === BLOCK) this.#newBlock();
      this.block.insertBefore(document.createTextNode(`${plain(line)}\n`), this.last);
      this.count += 1;
    }
    if (!this.block) this.#newBlock();
    this.last.data = plain(this.partial);
    if (this.sticks) this.#toEnd();
  }

  #newBlock() {
    this.last?.remove();
    this.last = document.createTextNode("");
    this.block = make("pre");
    this.block.append(this.last);
    this.box.append(this.block);
    this.count = 0;
    const blocks = this.box.querySelectorAll("pre");
    if (blocks.length > KEPT) {
      blocks[0].remove();
      this.#mention(`Only the last ${(KEPT * BLOCK).toLocaleString()} lines are kept here; Download has it all.`);
    }
  }

  #mention(text) {
    this.note.textContent = text;
    this.note.hidden = false;
  }

  #clear() {
    this.box.replaceChildren(this.note);
    this.#mention("Nothing was written yet.");
    this.partial = "";
    this.decoder = new TextDecoder();
    this.block = this.last = null;
    this.count = 0;
  }

  #toEnd() {
    const before = this.box.scrollTop;
    this.box.scrollTop = this.box.scrollHeight;
    this.expected = this.box.scrollTop !== before;
  }

  /** Scrolling up lets go of the end, scrolling back to it takes hold again. */
  #scrolled() {
    const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 24;
    if (this.expected) {
      this.expected = false;
      return;
    }
    if (atEnd !== this.sticks) {
      this.sticks = atEnd;
      this.onstick(atEnd);
    }
  }
}

/** Progress bars rewrite their line with carriage returns: what they wrote last counts. */
function plain(line) {
  const whole = line.endsWith("\r") ? line.slice(0, -1) : line;
  return visible(whole.slice(whole.lastIndexOf("\r") + 1).replace(COLOURS, ""));
}
