"""README.md: what it tells newcomers to type works as written."""

import json
import os
import re
import subprocess
import sys

from tests.browser.site import ROOT, Member, Site

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def sample(language: str, word: str) -> str:
    blocks = BLOCK.findall((ROOT / "README.md").read_text())
    [found] = [text for kind, text in blocks if kind == language and word in text]
    return str(found)


def ran(command: list[str], member: Member) -> str:
    done = subprocess.run(
        command,
        env=os.environ | {"ALLTOKEN_API_KEY": member.key},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_sample_streams_an_answer_and_its_cost(site: Site, member: Member) -> None:
    text = sample("python", "OpenAI(").replace("http://localhost:3000", site.url)
    said = ran([sys.executable, "-c", text], member)
    assert re.search(r"cost in USD: [0-9.e-]+", said)
    assert len(said) > 40


def test_the_curl_sample_gets_an_answer(site: Site, member: Member) -> None:
    text = sample("bash", "curl").replace("http://localhost:3000", site.url)
    answer = json.loads(ran(["sh", "-c", text], member))
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["cost"] > 0
