"""What the guides say of codes, models and settings is what the code has."""

import ast
import inspect
import json
import re
from types import ModuleType

from alltoken_app.api import headers
from alltoken_app.api.openapi.document import document
from alltoken_app.engines.fault_scripts import SCRIPTS
from alltoken_app.engines.models import FAULT
from alltoken_app.guides import reference, texts
from alltoken_app.privacy import policy
from alltoken_app.routing import eligibility, plans
from alltoken_app.routing.preferences import Preferences
from alltoken_app.settings import ExtraProvider, Settings
from tests.docs import codes
from tests.docs.samples import FENCE

ROW = re.compile(r"^\| `([^`]+)` \|(.*)\|$", re.MULTILINE)
IN_STREAM_TOO = {"billing_unavailable", "hold_closed", "internal_error"}  # raised while it runs
SETTING = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")


def guide(name: str) -> str:
    return (texts.FOLDER / f"{name}.md").read_text()


def rows(name: str, heading: str = "") -> dict[str, list[str]]:
    """First cell → the other cells of every table row below a heading."""
    text = guide(name)
    part = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0] if heading else text
    return {key: [cell.strip() for cell in rest.split("|")] for key, rest in ROW.findall(part)}


def test_every_code_a_caller_can_meet_is_in_the_table_and_no_other() -> None:
    assert rows("errors").keys() == codes.reachable().keys()


def test_the_table_names_status_and_type_of_each_code() -> None:
    for code, (status, kind, charged, advice) in rows("errors").items():
        meaning = codes.reachable()[code]
        stream = {"stream"} if code in IN_STREAM_TOO else set()
        assert set(status.split(", ")) == meaning.statuses | stream, code
        assert set(re.findall(r"`(\w+)`", kind)) == meaning.types, code
        assert charged == ("What was delivered" if "stream" in status else "No"), code
        assert advice


def test_files_with_codes_are_known_to_be_met_or_not() -> None:
    assert codes.unplaced() == []


def test_every_script_of_the_fault_provider_is_listed() -> None:
    listed = rows("testing").keys()
    assert listed == {model.slug for model in FAULT}
    assert listed == {f"fault/{name}" for name in SCRIPTS}


def test_every_routing_wish_is_listed() -> None:
    assert rows("routing", "The provider object").keys() == set(Preferences.__struct_fields__)


def test_every_rule_that_leaves_an_endpoint_out_is_listed() -> None:
    listed = {rule: why for rule, (why,) in rows("routing", "It fails closed").items()}
    assert listed == eligibility.RULES
    given = {word for module in (eligibility, plans, policy) for word in returned(module)}
    assert eligibility.RULES.keys() - given == {"context_length"}  # left out later than the rest


def returned(module: ModuleType) -> set[str]:
    tree = ast.parse(inspect.getsource(module))
    returns = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value]
    return {word for node in returns for word in codes.texts(node)}


def test_every_header_of_an_answer_is_listed() -> None:
    said = codes.texts(ast.parse(inspect.getsource(headers)))
    sent = {word for word in said if word.startswith(("x-", "server-timing"))}
    kinds = [word for word in sent if word.endswith("-")]  # of requests, and of tokens
    sent = sent - set(kinds) | {
        f"{word}{kind}" for word in kinds for kind in ("requests", "tokens")
    }
    listed = {name.lower() for name in rows("money", "Headers of an answer")}
    assert listed == sent | {"x-request-id", "retry-after"}


def test_settings_that_are_named_exist() -> None:
    known = {name.upper() for name in Settings.model_fields}
    text = guide("self-hosting") + guide("testing") + guide("chat")
    text = text.replace("ALLTOKEN_API_KEY", "")
    assert set(SETTING.findall(text)) - known == set()


def test_the_provider_that_is_shown_can_be_added() -> None:
    [line] = re.findall(r"^EXTRA_PROVIDERS=(.*)$", guide("self-hosting"), re.MULTILINE)
    [provider] = [ExtraProvider(**one) for one in json.loads(line)]
    assert provider.models[0].input_price == "0.20"


def test_links_between_guides_lead_somewhere() -> None:
    pages = [*texts.guides(), *reference.pages(document())]
    places = {one.route: {anchor for anchor, _ in one.headings} for one in pages}
    for name in texts.ORDER:
        for route, _, anchor in re.findall(r"\]\((/docs[^)#]*)(#([^)]*))?\)", guide(name)):
            assert route in places
            assert not anchor or anchor in places[route], (name, anchor)


def test_code_is_never_read_as_markup() -> None:
    tokens = texts._markdown().parse("<script>1</script> [x](javascript:alert(1)) `<b>`\n")
    html = texts._html(tokens)
    assert "<script" not in html
    assert "href" not in html
    assert "<code>&lt;b&gt;</code>" in html


def test_every_fence_has_a_language_with_a_label() -> None:
    languages = {found[0] for name in texts.ORDER for found in FENCE.findall(guide(name))}
    assert languages <= texts.LABELS.keys()
