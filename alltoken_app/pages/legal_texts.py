"""The two documents people accept when they sign up, as data. A changed text is a new version."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Clause:
    """A numbered part of a document; `id` is its anchor and never changes its meaning."""

    id: str
    title: str
    paragraphs: tuple[str, ...]


TERMS = (
    Clause(
        "T1",
        "What you agree to",
        (
            "These terms are between you, or the organisation you sign up for, and the operator "
            "of this installation of AllToken. By making an account, making a key or sending a "
            "request you accept them, the privacy policy, and the usage policy of every provider "
            "whose models you call. Where two rules differ, the stricter one holds.",
        ),
    ),
    Clause(
        "T2",
        "What the service does",
        (
            "AllToken takes a request in one format, sends it to a provider that may serve it, "
            "returns the answer, and charges a prepaid wallet. Models and providers come and go; "
            "the page of models says what there is now.",
        ),
    ),
    Clause(
        "T3",
        "Your account",
        (
            "Tell us the truth about who you are and keep it up to date. You must be 16 or older. "
            "Keep your password and keys secret; what is done with them counts as done by you. "
            "If you think one has leaked, revoke it at once and tell the operator.",
        ),
    ),
    Clause(
        "T4",
        "What you must not do",
        (
            "Nothing unlawful. Nothing that sexualises or endangers children. No intimate or "
            "deceptive images of real people without their consent. No incitement to violence, "
            "hatred or self-harm. No weapons capable of mass harm, no malware, no fraud, no spam, "
            "no interference with elections, no unlawful surveillance.",
            "Do not bypass limits, safety measures or billing, do not extract models, and do not "
            "resell bare access where a provider forbids it. Do not let a model decide about "
            "people’s work, credit, housing, health or rights without a qualified person.",
            "If you serve others with it: tell them that they talk to a machine, bind them to "
            "rules like these, give them a way to report abuse, and act on reports.",
            "We may warn, slow down, suspend or close an account that breaks these rules.",
        ),
    ),
    Clause(
        "T5",
        "Prices and payment",
        (
            "The wallet is prepaid, in US dollars. Before a request is sent, the most it can cost "
            "is set aside; you pay for what was used at the price that was shown when it began, "
            "and the rest comes back at once. A request never costs more than was set aside. "
            "Usage never takes the wallet below zero; a disputed or bounced payment can.",
            "A top-up has a fee, shown before you pay. Money in the sandbox book is not real.",
        ),
    ),
    Clause(
        "T6",
        "Refunds",
        (
            "Credits used are generally non-refundable, unless the law says otherwise. If you "
            "think a charge is wrong, send the operator the request id: every request has a "
            "record that shows how its price was made.",
        ),
    ),
    Clause(
        "T7",
        "Availability",
        (
            "We work to keep the service up, and depend on providers and networks that we do not "
            "control. There is no promise of uninterrupted service.",
        ),
    ),
    Clause(
        "T8",
        "Who owns what",
        (
            "Your prompts and answers stay yours, as far as the law and the provider’s terms go. "
            "Models belong to their providers, under their licences. AllToken belongs to its "
            "makers.",
        ),
    ),
    Clause(
        "T10",
        "Liability",
        (
            "The service comes as it is. As far as the law allows, the operator is not liable for "
            "indirect damage or lost profit. Models make mistakes: check what matters.",
        ),
    ),
    Clause(
        "T11",
        "The end",
        (
            "You may stop at any time and ask the operator to close your account. We may end "
            "access for a breach of these terms, for unpaid debt, or where the law or a provider "
            "requires it.",
        ),
    ),
    Clause(
        "T12",
        "Changes",
        (
            "A changed text gets a new date. You are asked again before you go on, and the record "
            "keeps which version you accepted and when.",
        ),
    ),
)

PRIVACY = (
    Clause(
        "P1",
        "Who this is from",
        (
            "The operator of this installation of AllToken decides how it is run and answers for "
            "the data in it. This page says what the software keeps and what it does not.",
        ),
    ),
    Clause(
        "P2",
        "Where your prompts go",
        (
            "A request goes to the provider that serves the model you name, or the one your "
            "routing preferences choose, and to nobody else. Each provider handles it under its "
            "own policy; every model’s page says what we know of it, the evidence, and the date "
            "it was checked. Each record of a request names the provider that answered.",
        ),
    ),
    Clause(
        "P2.2",
        "Zero data retention",
        (
            "That a provider offers zero data retention does not mean that it is active for you. "
            "Only “confirmed” means that, and only such endpoints serve a request that asks for "
            "it. What we do not know counts as no.",
        ),
    ),
    Clause(
        "P3",
        "What we keep",
        (
            "Your name, email address, a hash of your password, and your organisation’s name. "
            "Wallet entries and payments; card details go to the payment processor, never to us. "
            "For each request: time, key, model, provider, token counts, durations, status, and "
            "cost. For security: IP address, browser and event of sign-ins and the like.",
        ),
    ),
    Clause(
        "P3.1",
        "What we do not keep",
        (
            "Prompts and answers are in no table, no log and no error report. Conversations of "
            "the chat page stay in your browser. A key is shown once; we keep a keyed hash of it.",
        ),
    ),
    Clause(
        "P4",
        "What it is used for",
        (
            "To serve and bill requests, to keep the service safe, to answer you, and to meet the "
            "law. Nothing you send trains a model of ours; whether a provider trains on it is "
            "said on the page of each model.",
        ),
    ),
    Clause(
        "P5",
        "Who else gets it",
        (
            "The provider of your request, the payment processor, and whoever carries the mail. "
            "Pages load nothing from other sites: no analytics, no fonts, no trackers. The one "
            "cookie is the one that keeps you signed in.",
        ),
    ),
    Clause(
        "P6",
        "How long",
        (
            "Accounts, wallet entries and records of requests: while the account exists, and "
            "billing records as long as tax law demands. Entries of the security log: 90 days. "
            "Mails in the outbox: 7 days.",
        ),
    ),
    Clause(
        "P9",
        "Your rights",
        (
            "Depending on where you live you may ask for a copy of your data, its correction, "
            "deletion or restriction, object to its use, and complain to an authority. Ask the "
            "operator; records of requests and of the wallet you can download yourself.",
        ),
    ),
    Clause(
        "P11",
        "Children",
        ("The service is for people of 16 and older.",),
    ),
    Clause(
        "P12",
        "Changes",
        ("A changed text gets a new date, and you are asked again before you go on.",),
    ),
)
