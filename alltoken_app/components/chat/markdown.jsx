import { memo, useEffect, useState } from "react";

// What an answer may be made of. No images: loading one would tell its host what was asked.
const ALLOWED = {
  ALLOWED_TAGS:
    "a p br hr strong em del code pre blockquote ul ol li h2 table thead tbody tr th td div span button".split(" "),
  ALLOWED_ATTR: ["href", "title", "class", "target", "rel", "align", "start", "tabindex", "role", "aria-label", "type", "data-copy"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i, // of every attribute but these
  ADD_URI_SAFE_ATTR: ["target", "rel", "align", "start", "tabindex", "role", "type"],
};

let library = null;

function load() {
  library ??= Promise.all([import("marked"), import("dompurify")]).then(([{ Marked }, purify]) => {
    const marked = new Marked({ gfm: true, breaks: true, renderer: { html, image, link, code, heading } });
    return (text) => purify.default.sanitize(marked.parse(text), ALLOWED);
  });
  return library;
}

const escape = (text) =>
  String(text ?? "").replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const html = ({ text }) => escape(text);
const image = ({ href, text }) => escape(`![${text}](${href})`);

function link({ href, title, tokens }) {
  const more = title ? ` title="${escape(title)}"` : "";
  const words = this.parser.parseInline(tokens);
  return `<a href="${escape(href)}"${more} target="_blank" rel="noopener noreferrer nofollow">${words}</a>`;
}

// One level, below the page's h1: models skip levels as they please.
function heading({ tokens, depth }) {
  return `<h2 class="${depth < 3 ? "answer-part" : "h3"}">${this.parser.parseInline(tokens)}</h2>`;
}

function code({ text, lang }) {
  const name = escape((lang ?? "").split(/\s/)[0] || "Code");
  return `<div class="code"><div class="code-head"><span class="tab tab-title">${name}</span><button class="button button-quiet button-small push" type="button" data-copy>Copy</button></div><pre tabindex="0" role="region" aria-label="${name}"><code>${escape(text)}</code></pre></div>`;
}

async function copy(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard?.writeText(button.closest(".code").querySelector("code").textContent);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

export const Markdown = memo(function Markdown({ text }) {
  const [render, setRender] = useState(null);
  useEffect(() => {
    let here = true;
    load().then(
      (ready) => here && setRender(() => ready),
      () => {}, // without the library the text stays plain
    );
    return () => (here = false);
  }, []);

  if (!render) return <div className="answer-plain">{text}</div>;
  return <div className="answer" onClick={copy} dangerouslySetInnerHTML={{ __html: render(text) }} />;
});
