"""What a phone keeps for a form without a line: one address that is gone, and it keeps nothing at all."""

from __future__ import annotations

import json
import re

from flask.testing import FlaskClient

#: What workers ask for that phones installed before scripts had folders.
FORMER = ["/offline", "/static/js/offline.js"]


def test_every_address_that_the_worker_keeps_is_there(client: FlaskClient) -> None:
    with client.get("/worker.js") as worker:
        assert worker.status_code == 200
        listed = re.search(r"^const OFFLINE = (\[.*\]);$", worker.text, re.MULTILINE)
    assert listed is not None
    kept = json.loads(listed[1])
    assert len(kept) > 1
    for address in (*kept, *FORMER):
        with client.get(address) as answer:
            assert answer.status_code == 200, address
            assert answer.get_data(), address


def test_the_former_script_leads_to_the_one_of_today(client: FlaskClient) -> None:
    with client.get(FORMER[1]) as former:
        (path,) = re.findall(r'^import "\.\./(.+)";$', former.text, re.MULTILINE)
    with client.get(f"/static/{path}") as script:
        assert script.status_code == 200
