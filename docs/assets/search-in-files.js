// A browser starts no worker for a page that is opened as a file. The search needs one: a hidden frame takes its place.
class FrameWorker extends EventTarget {
  constructor(address) {
    super();
    const frame = document.createElement("iframe");
    frame.hidden = true;
    document.body.append(frame);
    this.inner = frame.contentWindow;
    this.inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
    this.inner.importScripts = async (...addresses) => {
      for (const each of addresses) await this.run(each);
    };
    this.started = this.run(address);
  }

  run(address) {
    return new Promise((resolve, reject) => {
      const script = this.inner.document.createElement("script");
      script.onload = resolve;
      script.onerror = reject;
      script.src = address;
      this.inner.document.body.append(script);
    });
  }

  async postMessage(data) {
    await this.started;
    this.inner.dispatchEvent(new MessageEvent("message", { data: structuredClone(data) }));
  }

  terminate() {
    this.inner.frameElement.remove();
  }
}

if (location.protocol === "file:") window.Worker = FrameWorker;
