// XMLHttpRequest for the official client, which expects a browser's: as much of
// it as it uses, on top of fetch.
export class XMLHttpRequest {
  status = 0;
  readyState = 0;
  response = null;
  responseText = "";
  responseType = "";
  upload = { addEventListener() {} };
  #request = { headers: {} };

  open(method, url) {
    this.#request = { ...this.#request, method, url };
    this.readyState = 1;
  }

  setRequestHeader(name, value) {
    this.#request.headers[name] = value;
  }

  send(body) {
    const { url, ...request } = this.#request;
    const answered = fetch(url, { ...request, body: body ?? undefined });
    this.onloadstart?.();
    answered.then(
      async (answer) => {
        const bytes = await answer.arrayBuffer();
        this.status = answer.status;
        this.responseText = new TextDecoder().decode(bytes);
        this.response = this.#read(bytes);
        this.readyState = 4;
        this.onreadystatechange?.();
        this.onload?.();
      },
      (error) => this.onerror?.(error),
    );
  }

  #read(bytes) {
    switch (this.responseType) {
      case "arraybuffer":
        return bytes;
      case "json":
        try {
          return JSON.parse(this.responseText);
        } catch {
          return null;
        }
      default:
        return this.responseText;
    }
  }
}
