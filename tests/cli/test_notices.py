"""`q2c notices`: who could not be told is listed with the reason, and told once it is mended."""

import json
import re
import time
from pathlib import Path

import httpx

from embedded.system import System
from tests.cli.conftest import Q2c, draft

MUTE = "mute@acme.example"


def test_who_could_not_be_told_is_listed_and_told_again(q2c: Q2c, sandbox: str, system: System, tmp_path: Path) -> None:
    assert sandbox
    people = tmp_path / "people.yaml"
    people.write_text(f"people:\n  - {{email: {MUTE}, name: Max Mute, role: finance, country: DE}}\n", encoding="utf-8")
    q2c("import", str(people))
    mailbox = f"{system.sandbox_url}/control/mails"
    httpx.post(mailbox, json={"to": MUTE, "answer": "550 5.1.1 No such mailbox"}, trust_env=False)
    opened = q2c("deal", "open", str(draft(tmp_path, "Nobody hears", discount="15"))).out
    deal = re.findall(r"d_[a-z2-7]{26}", opened)[0]
    q2c("deal", "submit", deal)
    q2c("approve", deal, "--comment", "--reason", "is it signed?", "--mention", MUTE)

    while not (refused := json.loads(q2c("notices", "--deal", deal, "--json").out)):
        time.sleep(0.2)
    assert [(each["person"], each["status"], each["attempts"]) for each in refused] == [(MUTE, "refused", 1)]
    told = q2c("notices", "--person", MUTE).out
    assert (
        f"refused  {MUTE}  mention by mail, 1 try\n  mail: 550 5.1.1 No such mailbox\n  {refused[0]['key']}\n" in told
    )

    assert "some notices or mails reached nobody: `q2c notices` says why" in q2c("status").out
    httpx.post(mailbox, json={"to": MUTE}, trust_env=False)
    q2c("notices", "--again", refused[0]["key"])
    while "sent" not in q2c("notices", "--status", "all", "--person", MUTE).out:
        time.sleep(0.2)
    assert q2c("notices", "--deal", deal).out == "everybody was told\n"
    assert "reached nobody" not in q2c("status").out
    assert "only what was refused" in q2c("notices", "--again", refused[0]["key"], fails=1).err
    assert "one of refused, waiting, sent, overtaken, all" in q2c("notices", "--status", "lost", fails=1).err
    [mail] = httpx.get(mailbox, params={"to": MUTE}, trust_env=False).json()["mails"]
    assert mail["subject"].endswith("mentions you: Nobody hears")
