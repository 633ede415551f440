"""A small S3 server in this process: what the bucket's client says must be signed and well formed.

It checks every signature (AWS Signature Version 4) and the digest of every body, keeps objects and
unfinished uploads apart, serves ranges, and can be told to be ``trouble``: ``trouble(method, path)``
gives a status to fail with, or 0 to break the connection off.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

BUCKET, REGION, KEY, SECRET = "anju", "cn-test", "the-account", "its-secret-of-enough-letters"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8}/[^/]+/s3/aws4_request), ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)


class BucketServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.requests: list[str] = []
        self.delay = 0.0
        self.trouble: Callable[[str, str], int | None] = lambda _method, _path: None

    def settings(self, **others: Any) -> dict[str, Any]:
        """What the configuration says of this store."""
        url = f"http://127.0.0.1:{self.server_port}"
        account = {"bucket": BUCKET, "region": REGION, "key": KEY, "secret": SECRET}
        return {"url": url, "retries": 1, **account, **others}

    def handle_error(self, *_: Any) -> None:
        """A client that no longer waits is what some tests are about."""


@contextmanager
def bucket_server() -> Iterator[BucketServer]:
    with BucketServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


class _Refusal(Exception):
    def __init__(self, status: int, code: str) -> None:
        self.status, self.code = status, code


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BucketServer

    def answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        where = urlsplit(self.path)
        self.query = dict(parse_qsl(where.query, keep_blank_values=True))
        self.server.requests.append(f"{self.command} {self.path}")
        time.sleep(self.server.delay)
        trouble = self.server.trouble(self.command, self.path)
        if trouble == 0:
            self.close_connection = True
            return
        try:
            self.serve(where.path, trouble)
        except _Refusal as refusal:
            self.send(refusal.status, f"<Error><Code>{refusal.code}</Code></Error>".encode())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 (their caller's names)

    def serve(self, path: str, trouble: int | None) -> None:
        if trouble:
            raise _Refusal(trouble, "InternalError")
        self.check_signature(path)
        bucket, _, key = unquote(path[1:]).partition("/")
        if bucket != BUCKET:
            raise _Refusal(404, "NoSuchBucket")
        getattr(self, f"on_{self.command.lower()}")(key)

    def check_signature(self, path: str) -> None:
        if not (said := _AUTHORIZATION.fullmatch(self.headers.get("Authorization") or "")):
            raise _Refusal(403, "AccessDenied")
        account, scope, names, signature = said.groups()
        digest = self.headers["x-amz-content-sha256"]
        if digest != hashlib.sha256(self.body).hexdigest():
            raise _Refusal(400, "XAmzContentSHA256Mismatch")
        query = "&".join(
            f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}"
            for k, v in sorted(self.query.items())
        )
        headers = "".join(f"{name}:{self.headers[name].strip()}\n" for name in names.split(";"))
        request = f"{self.command}\n{path}\n{query}\n{headers}\n{names}\n{digest}"
        text = "\n".join(
            ["AWS4-HMAC-SHA256", self.headers["x-amz-date"], scope,
             hashlib.sha256(request.encode()).hexdigest()]
        )  # fmt: skip
        key = f"AWS4{SECRET}".encode()
        for part in [*scope.split("/"), text]:
            key = hmac.digest(key, part.encode(), "sha256")
        if account != KEY or REGION not in scope or not hmac.compare_digest(key.hex(), signature):
            raise _Refusal(403, "SignatureDoesNotMatch")

    def find(self, key: str) -> bytes:
        if key not in self.server.objects:
            raise _Refusal(404, "NoSuchKey")
        return self.server.objects[key]

    def on_get(self, key: str) -> None:
        content, asked = self.find(key), self.headers.get("Range")
        if not asked:
            return self.send(200, content)
        first, last = map(int, asked.removeprefix("bytes=").split("-"))
        if first >= len(content):
            raise _Refusal(416, "InvalidRange")
        part = content[first : last + 1]
        said = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
        return self.send(206, part, {"Content-Range": said})

    def on_head(self, key: str) -> None:
        self.send(200, self.find(key))

    def on_put(self, key: str) -> None:
        if source := self.headers.get("x-amz-copy-source"):
            self.server.objects[key] = self.find(unquote(source).strip("/").partition("/")[2])
            return self.send(200, b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>")
        if "uploadId" in self.query:
            self.upload()[int(self.query["partNumber"])] = self.body
        else:
            self.server.objects[key] = self.body
        return self.send(200)

    def on_post(self, key: str) -> None:
        if "uploads" in self.query:
            made = secrets.token_hex(8)
            self.server.uploads[made] = {}
            name = "InitiateMultipartUploadResult"
            return self.send(200, f"<{name}><UploadId>{made}</UploadId></{name}>".encode())
        parts = self.upload()
        wanted = [int(n) for n in re.findall(rb"<PartNumber>(\d+)</PartNumber>", self.body)]
        if wanted != sorted(parts) or any(len(parts[n]) < 5 << 20 for n in wanted[:-1]):
            raise _Refusal(400, "InvalidPart")
        self.server.objects[key] = b"".join(parts[n] for n in wanted)
        del self.server.uploads[self.query["uploadId"]]
        name = "CompleteMultipartUploadResult"
        return self.send(200, f"<{name}><ETag>x</ETag></{name}>".encode())

    def on_delete(self, key: str) -> None:
        if "uploadId" in self.query:
            self.upload()
            del self.server.uploads[self.query["uploadId"]]
        else:
            self.server.objects.pop(key, None)
        self.send(204)

    def upload(self) -> dict[int, bytes]:
        if self.query["uploadId"] not in self.server.uploads:
            raise _Refusal(404, "NoSuchUpload")
        return self.server.uploads[self.query["uploadId"]]

    def send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        found = {"ETag": '"x"', "Last-Modified": formatdate(usegmt=True)} | (headers or {})
        for name, value in found.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests look at ``requests`` instead."""
