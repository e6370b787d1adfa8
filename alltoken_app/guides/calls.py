"""One HTTP call in curl, Python and JavaScript, as fences of Markdown."""

import json
import re
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

WIDTH = 72
NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Tongue:
    """How a language writes the values of JSON."""

    step: str
    words: dict[Any, str]
    bare: bool  # names of fields without quotes
    tail: str  # after the last of several lines


PYTHON = Tongue("    ", {True: "True", False: "False", None: "None"}, False, ",")
JAVASCRIPT = Tongue("  ", {True: "true", False: "false", None: "null"}, True, ",")
PLAIN = Tongue("  ", {True: "true", False: "false", None: "null"}, False, "")


@dataclass(frozen=True)
class HttpCall:
    """What is called, and with what.

    Attributes:
        key: The environment variable with the key; "" without one.
        form: Send the body as a form, with a sound in `file`.
        sound: The answer is a sound.
    """

    method: str
    url: str
    key: str
    body: Json | None = None
    form: bool = False
    sound: bool = False


def fences(call: HttpCall) -> str:
    """The three samples, one after the other."""
    made = (("bash", _curl(call)), ("python", _python(call)), ("javascript", _javascript(call)))
    return "\n\n".join(f"```{language}\n{text}\n```" for language, text in made)


def written(value: Any, tongue: Tongue, indent: str = "") -> str:
    """A value of JSON in a language: on one line where it fits."""
    line = _flat(value, tongue)
    if not isinstance(value, dict | list) or len(line) + len(indent) <= WIDTH:
        return line
    inner = indent + tongue.step
    if isinstance(value, dict):
        lines = [
            f"{inner}{_key(name, tongue)}: {written(one, tongue, inner)}"
            for name, one in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"{tongue.tail}\n{indent}}}"
    lines = [inner + written(one, tongue, inner) for one in value]
    return "[\n" + ",\n".join(lines) + f"{tongue.tail}\n{indent}]"


def _flat(value: Any, tongue: Tongue) -> str:
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(n, tongue)}: {_flat(v, tongue)}" for n, v in value.items())
        return f"{{ {pairs} }}" if tongue.bare and pairs else f"{{{pairs}}}"
    if isinstance(value, list):
        return f"[{', '.join(_flat(one, tongue) for one in value)}]"
    if value is None or isinstance(value, bool):
        return tongue.words[value]
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".") if value else "0"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str, tongue: Tongue) -> str:
    return name if tongue.bare and NAME.fullmatch(name) else json.dumps(name)


def _curl(call: HttpCall) -> str:
    verb = "" if call.method == "GET" or (call.method == "POST" and call.body) else call.method
    lines = [f"curl {f'-X {verb} ' if verb else ''}{call.url}"]
    if call.key:
        lines.append(f'-H "Authorization: Bearer ${call.key}"')
    if call.body and call.form:
        lines += [f"-F {name}={value}" for name, value in call.body.items()] + [
            "-F file=@train.wav"
        ]
    elif call.body:
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d '{written(call.body, PLAIN, '  ')}'")
    if call.sound:
        lines.append("--output hello.wav")
    return " \\\n  ".join(lines)


def _python(call: HttpCall) -> str:
    given = [f'"{call.url}"']
    if call.key:
        given.append(f'headers={{"Authorization": "Bearer " + os.environ["{call.key}"]}}')
    if call.body and call.form:
        given.append(f"data={written(call.body, PYTHON, PYTHON.step)}")
        given.append('files={"file": open("train.wav", "rb")}')
    elif call.body:
        given.append(f"json={written(call.body, PYTHON, PYTHON.step)}")
    if call.body:
        given.append("timeout=60")
    imports = ["import os"] if call.key else []
    lines = "".join(f"    {one},\n" for one in given)
    called = f"answer = httpx.{call.method.lower()}(\n{lines})"
    if len(given) == 1:
        called = f"answer = httpx.{call.method.lower()}({given[0]})"
    last = "print(answer.json())"
    if call.sound:
        imports.append("from pathlib import Path")
        last = (
            'Path("hello.wav").write_bytes(answer.content)\nprint(answer.headers["content-type"])'
        )
    return "\n".join([*imports, "import httpx", "", called, last])


def _javascript(call: HttpCall) -> str:
    before, options = "", []
    if call.method != "GET":
        options.append(f'method: "{call.method}"')
    headers = [f"Authorization: `Bearer ${{process.env.{call.key}}}`"] if call.key else []
    if call.body and call.form:
        before = _form(call.body)
        options.append(f"headers: {{ {headers[0]} }}")
        options.append("body: form")
    elif call.body:
        headers.append('"Content-Type": "application/json"')
        lines = "".join(f"    {one},\n" for one in headers)
        options.append(f"headers: {{\n{lines}  }}")
        options.append(f"body: JSON.stringify({written(call.body, JAVASCRIPT, '  ')})")
    elif headers:
        options.append(f"headers: {{ {headers[0]} }}")
    given = "".join(f"  {one},\n" for one in options)
    address = f'"{call.url}"'
    called = f"const response = await fetch({address}{f', {{{chr(10)}{given}}}' if given else ''});"
    last = "console.log(await response.json());"
    if call.sound:
        before = 'import { writeFile } from "node:fs/promises";\n\n'
        last = (
            'await writeFile("hello.wav", Buffer.from(await response.arrayBuffer()));\n'
            'console.log(response.headers.get("content-type"));'
        )
    return f"{before}{called}\n{last}"


def _form(body: Json) -> str:
    fields = "".join(f'form.append("{name}", "{value}");\n' for name, value in body.items())
    return (
        'import { readFile } from "node:fs/promises";\n\nconst form = new FormData();\n'
        f'{fields}form.append("file", new Blob([await readFile("train.wav")]), "train.wav");\n'
    )
