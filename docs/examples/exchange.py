"""Exchange with Anju from another system, with nothing but Python's standard library.

    ANJU_URL=https://anju.example.gov.cn ANJU_TOKEN=anju_… python exchange.py changes 2026-11-01T00:00:00+08:00
    … python exchange.py enter <household key> answers.json 李四 13800138000

``changes`` writes every survey of the token's area that changed since an instant, a JSON object a line,
and at the end, on standard error, the instant to ask from the next time. ``enter`` fills in the survey of
a household that was not entered yet, tells what is missing, and submits it when nothing is.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REGISTER = "lookback"


class Refused(Exception):
    """Anju said no; ``problem`` is its RFC 9457 answer."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["detail"])
        self.problem = problem


class Anju:
    """The API as one token sees it."""

    def __init__(self, url: str, token: str, language: str = "zh") -> None:
        self.url = url.rstrip("/") + "/api/v1"
        self.headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request; waits and asks again where Anju says that it was asked too often.

        :raises Refused: with the problem that Anju told.
        """
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 (the address is ours)
            self.url + path, data, self.headers | kind | headers, method=method
        )
        while True:
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 429:
                    raise Refused(json.load(error)) from None
                time.sleep(int(error.headers["Retry-After"]))

    def changes(self, since: str, fields: str = "") -> Iterator[dict[str, Any]]:
        """The records that changed since an instant, oldest first; the last thing that comes is
        ``{"until": …}``, the instant to ask from the next time.
        """
        asked = {"since": since, "limit": "500"} | ({"fields": fields} if fields else {})
        while True:
            page = self.ask("GET", f"/{REGISTER}/changes?{urllib.parse.urlencode(asked)}")
            yield from page["items"]
            if page["next"] is None:
                yield {"until": page["until"]}
                return
            asked["cursor"] = page["next"]

    def enter(self, household: str, values: dict[str, Any]) -> dict[str, Any]:
        """Fill in the survey of a household. The key of the request makes it safe to send again."""
        key = str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([household, values], sort_keys=True)))
        body = {"household_id": household, "values": values}
        return self.ask("POST", f"/{REGISTER}", body, **{"Idempotency-Key": key})

    def missing(self, record: dict[str, Any]) -> list[str]:
        """What is missing or wrong before the record can be submitted."""
        found = self.ask("GET", f"/{REGISTER}/{record['id']}/check")
        return [problem["message"] for problem in found["problems"]]

    def submit(self, record: dict[str, Any], person: str, phone: str) -> dict[str, Any]:
        """Hand it over to the county's reviewers."""
        body = {"version": record["version"], "contact": {"name": person, "phone": phone}}
        return self.ask("POST", f"/{REGISTER}/{record['id']}/steps/submit", body)


def main(arguments: list[str]) -> int:
    anju = Anju(os.environ["ANJU_URL"], os.environ["ANJU_TOKEN"])
    try:
        if arguments[:1] == ["changes"]:
            for one in anju.changes(arguments[1], "living,grade,secured,measure"):
                until = one.get("until")
                print(
                    until or json.dumps(one, ensure_ascii=False),
                    file=sys.stderr if until else sys.stdout,
                )
            return 0
        if arguments[:1] == ["enter"]:
            household, answers, person, phone = arguments[1:]
            record = anju.enter(household, json.loads(Path(answers).read_text(encoding="utf-8")))
            if missing := anju.missing(record):
                print("\n".join(missing), file=sys.stderr)
                return 1
            print(anju.submit(record, person, phone)["state"])
            return 0
    except Refused as error:
        print(error, file=sys.stderr)
        for problem in error.problem.get("problems", []):
            print(f"  {problem['pointer']}: {problem['message']}", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
