import { useEffect, useRef, useState } from "react";

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea"); // plain http: no clipboard
  area.value = text;
  area.style.cssText = "position:fixed;opacity:0";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("not copied");
}

export function CopyButton({ text, label, look, onCopied }) {
  const [word, setWord] = useState("");
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);

  const copy = async () => {
    const done = await write(text).then(
      () => true,
      () => false,
    );
    setWord(done ? "Copied" : "Not copied: select it and copy by hand");
    if (done) onCopied?.();
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setWord(""), 2000);
  };

  return (
    <button className={look} type="button" onClick={copy}>
      <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
        {word === "Copied" ? (
          <path d="m5 12.5 4.5 4.5L19 7.5" />
        ) : (
          <path d="M11 9h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2zM5 15H4V5a1 1 0 0 1 1-1h10v1" />
        )}
      </svg>
      <span>{word || label}</span>
      <span className="only-screen-reader" role="status">
        {word}
      </span>
    </button>
  );
}
