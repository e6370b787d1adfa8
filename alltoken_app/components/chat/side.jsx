import { Dialog } from "$/public/external/alltoken_app/components/dialog/dialog.jsx";
import { Menu } from "$/public/external/alltoken_app/components/menu/menu.jsx";
import { useState } from "react";
import { Icon } from "./icon.jsx";
import { download, titleOf } from "./store.js";

const DAY = 86_400_000;

function groups(all) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const group = ({ updated }) => {
    if (updated >= midnight) return "Today";
    return updated >= midnight - 6 * DAY ? "This week" : "Earlier";
  };
  return Object.entries(Object.groupBy(all, group));
}

export function List({ talks, busy, onOpen }) {
  const [asking, setAsking] = useState(null); // {act, conversation}
  const choose = (act) => (conversation) => setAsking({ act, conversation });
  const close = () => setAsking(null);
  return (
    <>
      <button className="button button-wide" type="button" onClick={() => onOpen(null)}>
        <Icon name="plus" />
        New chat
      </button>
      {talks.loading && <span className="skeleton" />}
      {groups(talks.all).map(([name, some]) => (
        <section key={name}>
          <h2>{name}</h2>
          <ul>
            {some.map((one) => (
              <Row
                key={one.id}
                conversation={one}
                open={one.id === talks.current.id}
                busy={busy.has(one.id)}
                onOpen={onOpen}
                onRename={choose("rename")}
                onDelete={choose("delete")}
              />
            ))}
          </ul>
        </section>
      ))}
      <Kept talks={talks} onClear={() => setAsking({ act: "clear" })} />
      <Rename asking={asking} onClose={close} talks={talks} />
      <Delete asking={asking} onClose={close} talks={talks} />
    </>
  );
}

function Row({ conversation, open, busy, onOpen, onRename, onDelete }) {
  const title = titleOf(conversation);
  return (
    <li className="chat-row">
      <button
        className="nav-link chat-link"
        type="button"
        aria-current={open ? "page" : undefined}
        onClick={() => onOpen(conversation)}
      >
        <span className="chat-name">
          <span className="truncate" title={title}>
            {title}
          </span>
          <span className="tiny faint truncate">
            {busy ? "Answering" : conversation.settings.model.split("/").pop()}
          </span>
        </span>
      </button>
      <Menu label={`Actions for ${title}`} look="button button-quiet button-icon button-small">
        <Icon name="more" />
        <Item icon="edit" text="Rename" onClick={() => onRename(conversation)} />
        <Item icon="download" text="Export as JSON" onClick={() => download(`${title}.json`, conversation)} />
        <hr />
        <Item icon="trash" text="Delete" danger onClick={() => onDelete(conversation)} />
      </Menu>
    </li>
  );
}

function Item({ icon, text, danger, onClick }) {
  return (
    <button
      className={danger ? "menu-item is-danger" : "menu-item"}
      role="menuitem"
      type="button"
      onClick={onClick}
    >
      <Icon name={icon} />
      {text}
    </button>
  );
}

function Kept({ talks, onClear }) {
  if (!talks.kept) {
    return (
      <p className="tiny chat-note is-warning">
        This browser keeps nothing for us: conversations end with this page.
      </p>
    );
  }
  if (talks.loading) return null;
  if (!talks.all.length) return <p className="tiny faint chat-note">Conversations are kept in this browser only.</p>;
  return (
    <p className="tiny faint chat-note">
      Kept in this browser only.{" "}
      <button className="link-button" type="button" onClick={() => download("alltoken-chats.json", talks.all)}>
        Export all
      </button>{" "}
      or{" "}
      <button className="link-button" type="button" onClick={onClear}>
        delete all
      </button>
      .
    </p>
  );
}

function Rename({ asking, onClose, talks }) {
  const one = asking?.act === "rename" ? asking.conversation : null;
  const submit = (event) => {
    event.preventDefault();
    const title = new FormData(event.target).get("title").trim();
    if (title) talks.change(one.id, (conversation) => ({ ...conversation, title }));
    onClose();
  };
  return (
    <Dialog open={Boolean(one)} title="Rename conversation" onClose={onClose}>
      <form onSubmit={submit}>
        <div className="dialog-body">
          <div className="field">
            <label htmlFor="chat-title">Title</label>
            <input
              className="input"
              id="chat-title"
              name="title"
              maxLength={80}
              autoFocus
              defaultValue={one && titleOf(one)}
            />
          </div>
        </div>
        <div className="dialog-foot">
          <button className="button" type="button" onClick={onClose}>
            Cancel
          </button>
          <button className="button button-primary" type="submit">
            Rename
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Delete({ asking, onClose, talks }) {
  const clear = asking?.act === "clear";
  const one = asking?.act === "delete" ? asking.conversation : null;
  const chosen = clear ? talks.all : [one].filter(Boolean);
  const confirm = () => {
    chosen.forEach(({ id }) => talks.remove(id));
    onClose();
  };
  const what = clear ? `all ${chosen.length} conversations` : one && `“${titleOf(one)}”`;
  return (
    <Dialog open={chosen.length > 0} title={`Delete ${what}?`} onClose={onClose}>
      <div className="dialog-body">
        <p>They exist only in this browser. Nothing brings them back.</p>
      </div>
      <div className="dialog-foot">
        <button className="button" type="button" autoFocus onClick={onClose}>
          Keep
        </button>
        <button className="button button-danger" type="button" onClick={confirm}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}
