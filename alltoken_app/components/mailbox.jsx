import { useEffect, useState } from "react";

const EVERY = 3_000; // milliseconds between looks, while the tab is visible
const LINK = /(https?:\/\/[^\s<>"]+)/;

function Text({ text }) {
  return (
    <p className="mail-text">
      {text.split(LINK).map((part, at) =>
        at % 2 ? (
          <a key={at} href={part}>
            {part}
          </a>
        ) : (
          part
        ),
      )}
    </p>
  );
}

function Mail({ mail }) {
  const sent = new Date(mail.created_at);
  return (
    <li className="card">
      <div className="card-head">
        <h2>{mail.subject}</h2>
        <time className="push small faint" dateTime={sent.toISOString()}>
          {sent.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })}
        </time>
      </div>
      <div className="card-body stack stack-tight">
        <p className="small muted">To {mail.recipient}</p>
        <Text text={mail.text} />
      </div>
    </li>
  );
}

export function Mailbox({ source, empty, none }) {
  const [mails, setMails] = useState(undefined); // null: there is no mailbox here

  useEffect(() => {
    let alive = true;
    const look = async () => {
      if (document.hidden) return;
      const answer = await fetch(source).catch(() => undefined);
      if (!alive || !answer) return;
      setMails(answer.ok ? (await answer.json()).mails : null);
      if (!answer.ok) clearInterval(timer);
    };
    const timer = setInterval(look, EVERY);
    look();
    return () => {
      alive = false;
      clearInterval(timer);
    };
  }, [source]);

  if (mails === undefined) return <p className="muted">Looking …</p>;
  if (mails === null) return <p className="muted">{none}</p>;
  return (
    <>
      <p className="only-screen-reader" role="status">
        {mails.length} mails
      </p>
      {mails.length === 0 && <p className="muted">{empty}</p>}
      <ul className="stack">
        {mails.map((mail) => (
          <Mail key={mail.id} mail={mail} />
        ))}
      </ul>
    </>
  );
}
