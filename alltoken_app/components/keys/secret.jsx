import { useEffect, useState } from "react";
import { CopyButton } from "$/public/external/alltoken_app/components/copy_button/copy.jsx";

const WORDS = { day: "a day", week: "a week", month: "a month", total: "in total" };
const FIRST = "alltoken/smollm2-135m-instruct";

function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

const env = (origin, secret) =>
  secret.startsWith("atm_")
    ? `ALLTOKEN_MANAGEMENT_KEY=${secret}\n`
    : `ALLTOKEN_API_KEY=${secret}\nOPENAI_API_KEY=${secret}\nOPENAI_BASE_URL=${origin}/v1\n`;

// A request that this key may send: to a model that chats where there is one.
function curl(origin, secret, allowed, models) {
  if (secret.startsWith("atm_")) return `curl ${origin}/v1/keys -H "Authorization: Bearer ${secret}"`;
  const may = models.filter((model) => !allowed.length || allowed.includes(model.id));
  const model = may.find((one) => one.kind === "chat") ?? may[0] ?? { id: FIRST, kind: "chat" };
  const chat = model.kind === "chat";
  const input = chat
    ? { messages: [{ role: "user", content: "Hello" }], max_tokens: 64 }
    : { input: "Hello" };
  return `curl ${origin}/v1/${chat ? "chat/completions" : "embeddings"} \\
  -H "Authorization: Bearer ${secret}" \\
  -H "Content-Type: application/json" \\
  -d '${JSON.stringify({ model: model.id, ...input })}'`;
}

// The one look at a new secret. Only Done closes it, and only once the box is ticked.
export function Secret({ made, models, origin, onDone }) {
  const [kept, setKept] = useState(false);
  const until = made.expires_at && new Date(made.expires_at).toLocaleDateString("en-GB", { dateStyle: "medium" });
  const terms = [
    made.manages ? "Manages keys, calls no model" : made.limit ? `${made.limit} ${WORDS[made.period]}` : "No limit",
    until ? `expires ${until}` : "never expires",
  ];
  useEffect(() => {
    const warn = (event) => event.preventDefault(); // leaving the page would lose the key
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, []);

  return (
    <>
      <div className="dialog-body">
        <div className="field">
          <label htmlFor="new-key">{made.name}</label>
          <div className="secret">
            <input
              className="input mono"
              id="new-key"
              readOnly
              value={made.secret}
              autoFocus
              onFocus={(event) => event.target.select()}
            />
            <CopyButton text={made.secret} label="Copy" look="button button-primary button-copy" />
          </div>
        </div>
        <div className="row">
          <button
            className="button button-small"
            type="button"
            onClick={() => save("alltoken.env", env(origin, made.secret))}
          >
            Download .env
          </button>
          <span className="small muted tabular">{terms.join(" · ")}</span>
        </div>
        <div className="code">
          <div className="code-head">
            <span className="tab tab-title">Try it now</span>
            <span className="push">
              <CopyButton
                text={curl(origin, made.secret, made.models, models)}
                label="Copy"
                look="button button-quiet button-small button-copy"
              />
            </span>
          </div>
          <pre className="code-scroll" tabIndex={0} role="region" aria-label="Try it now">
            <code>{curl(origin, made.display, made.models, models)}</code>
          </pre>
        </div>
        <label className="choice">
          <input type="checkbox" checked={kept} onChange={(event) => setKept(event.target.checked)} />
          <span>I saved it in a safe place</span>
        </label>
      </div>
      <div className="dialog-foot">
        <button className="button button-primary" type="button" disabled={!kept} onClick={onDone}>
          Done
        </button>
      </div>
    </>
  );
}
