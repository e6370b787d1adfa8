"""The sandbox processor's hosted payment page, as HTML. No script: a click on a card is a link."""

from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from alltoken_app.clock import SECOND, to_datetime
from alltoken_app.payments.sandbox.cards import CARDS, Card
from alltoken_app.payments.sandbox.store import Object

EXPIRY, SECURITY_CODE = "12 / 34", "123"
MARK = (
    '<svg width="22" height="22" viewBox="0 0 24 24" aria-hidden="true">'
    '<path d="M3.5 20.5 12 3.5l8.5 17" fill="none" stroke="currentColor" '
    'stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/>'
    '<circle cx="12" cy="16.5" r="3" fill="var(--link)"/></svg>'
)


@dataclass(frozen=True)
class Typed:
    """What the form shows: the fields, and what is wrong with them by field name."""

    number: str = ""
    expiry: str = ""
    security_code: str = ""
    wrong: tuple[tuple[str, str], ...] = ()
    ready: bool = False  # a test card was just filled in: the next thing to do is to pay


def filled(card: Card) -> Typed:
    """The form with this test card in it."""
    return Typed(card.grouped, EXPIRY, SECURITY_CODE, ready=True)


def money(minor: int, currency: str) -> str:
    """ "$21.00", or "21.00 EUR" for what is not in dollars."""
    number = f"{minor // 100:,}.{minor % 100:02d}"
    return f"${number}" if currency == "usd" else f"{number} {currency.upper()}"


def payment_form(session: Object, typed: Typed, refused: str = "") -> str:
    """The page that asks for a card; `refused` says why the last attempt was not paid."""
    total = money(session["amount_total"], session["currency"])
    alert = (
        f'<div class="notice notice-danger" role="alert"><p><span class="strong">Not paid.</span> '
        f"{escape(refused)}</p></div>"
        if refused
        else ""
    )
    body = f"""
<section class="pay-summary stack stack-loose" aria-labelledby="title">
  <div class="stack stack-tight">
    <p class="stat-label">Top up your AllToken wallet</p>
    <h1 id="title" class="pay-total tabular">{total}</h1>
  </div>
  {_items(session)}
  {_cancel(session)}
</section>
<div class="stack">
  {alert}
  {_card_form(session, typed, total)}
  {_test_cards()}
</div>"""
    return _page(f"{'Not paid · ' if refused else ''}Pay {total}", body, wide=True)


def challenge(session: Object) -> str:
    """The page that stands for the payer's bank (3-D Secure)."""
    total = money(session["amount_total"], session["currency"])
    body = f"""
<section class="card" aria-labelledby="title">
  <div class="card-body stack">
    <p class="stat-label">3-D Secure, the test bank</p>
    <h1 id="title">Is this payment yours?</h1>
    <p class="muted">AllToken asks for {total}. A real bank would send you a code or ask its
    app; the test bank takes your word.</p>
    <form class="pay-actions" method="post" action="{escape(session["id"])}/confirm">
      <button class="button button-primary button-large" name="answer" value="yes">Confirm
      payment</button>
      <button class="button button-large" name="answer" value="no">Refuse</button>
    </form>
  </div>
</section>"""
    return _page("Confirm with your bank", body)


def message(title: str, text: str, link: str, link_text: str) -> str:
    """A page that only tells something."""
    body = f"""
<section class="card" aria-labelledby="title">
  <div class="card-body stack">
    <h1 id="title">{escape(title)}</h1>
    <p class="muted">{escape(text)}</p>
    <p><a class="button" href="{escape(link)}">{escape(link_text)}</a></p>
  </div>
</section>"""
    return _page(title, body)


def headers(session: Object | None) -> dict[str, str]:
    """What the page may do: no script, no frames, forms to here and on to the merchant only."""
    target = urlsplit(session["success_url"]) if session else None
    merchant = f" {target.scheme}://{target.netloc}" if target else ""
    return {
        "content-security-policy": (
            "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
            f"form-action 'self'{merchant}; frame-ancestors 'none'; base-uri 'none'"
        ),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


def _items(session: Object) -> str:
    rows = "".join(
        f"<dt>{escape(item['description'])}</dt>"
        f"<dd>{money(item['amount_total'], session['currency'])}</dd>"
        for item in session["_line_items"]
    )
    total = money(session["amount_total"], session["currency"])
    return (
        f'<dl class="facts facts-money">{rows}'
        f'<dt class="total">To pay</dt><dd class="total">{total}</dd></dl>'
    )


def _cancel(session: Object) -> str:
    closes = to_datetime(session["expires_at"] * SECOND)
    until = f"{closes.day} {closes:%b, %H:%M} UTC"
    link = (
        f'<p><a href="{escape(session["cancel_url"])}">Cancel and go back to AllToken</a></p>'
        if session["cancel_url"]
        else ""
    )
    return (
        f'<div class="stack stack-tight small">{link}<p class="faint">Open until {until}.</p></div>'
    )


def _card_form(session: Object, typed: Typed, total: str) -> str:
    wrong = dict(typed.wrong)
    number = _field("number", "Card number", typed.number, wrong, "4242 4242 4242 4242", size=23)
    expiry = _field("expiry", "Expires", typed.expiry, wrong, "MM / YY", size=7)
    code = _field("security_code", "Security code", typed.security_code, wrong, "CVC", size=4)
    focus = " autofocus" if typed.ready else ""
    return f"""<form class="card" id="pay" method="post" action="{session["id"]}"
    autocomplete="off" aria-label="Card">
    <div class="card-body stack">
      {number}
      <div class="pay-pair">{expiry}{code}</div>
      <button class="button button-primary button-large button-wide"{focus}>Pay {total}</button>
      <p class="field-hint">Do not type a real card: this page turns it away.</p>
    </div>
  </form>"""


def _field(
    name: str, label: str, value: str, wrong: dict[str, str], example: str, *, size: int
) -> str:
    error = wrong.get(name, "")
    first = next(iter(wrong), "") == name
    state = f' aria-invalid="true" aria-describedby="{name}-error"' if error else ""
    told = f'<p class="field-error" id="{name}-error">{escape(error)}</p>' if error else ""
    return (
        f'<div class="field"><label for="{name}">{label}</label>'
        f'<input class="input tabular" id="{name}" name="{name}" value="{escape(value)}" '
        f'inputmode="numeric" autocomplete="off" maxlength="{size}" placeholder="{example}" '
        f"required{state}{' autofocus' if first else ''}>{told}</div>"
    )


def _test_cards() -> str:
    rows = "".join(
        f'<li class="row"><span class="pay-card"><span class="mono nowrap">{card.grouped}</span>'
        f'<span class="small muted">{card.title}</span></span>'
        f'<a class="button button-small push" href="?card={card.number}" '
        f'aria-label="Use the card that {card.title[0].lower()}{card.title[1:]}">Use</a></li>'
        for card in CARDS
    )
    return f"""<section class="card" aria-labelledby="cards">
    <div class="card-head"><h2 class="h3" id="cards">Test cards</h2></div>
    <ul class="card-body pay-cards">{rows}</ul>
  </section>"""


def _page(title: str, body: str, *, wide: bool = False) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{escape(title)} · Sandbox payment</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/tokens.css">
<link rel="stylesheet" href="/components.css">
<link rel="stylesheet" href="/sandbox/pay.css">
</head>
<body>
<header class="topbar"><span class="wordmark">{MARK}AllToken</span>
<span class="badge badge-warning">Sandbox</span></header>
<main class="pay{" pay-wide" if wide else ""}">
<p class="notice notice-warning pay-notice"><span><span class="strong">No real money moves.</span>
This is the payment page of the test processor that comes with AllToken.</span></p>
{body}
</main>
</body>
</html>
"""
