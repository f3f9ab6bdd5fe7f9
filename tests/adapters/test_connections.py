"""Connections to services: plain and over TLS."""

import datetime as dt
import http.server
import ipaddress
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import adapters.connections
from adapters.connections import Connections

ASK = """
import sys
from adapters.connections import Connections
reply = Connections(secure=False).send(sys.argv[1], "GET", "/", {}, None)
print(reply.status, "encodings.idna" in sys.modules)
"""


class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def certificate(folder: Path, name: x509.GeneralName) -> Path:
    """Write a certificate of a host's own, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "here.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def ask(pem: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Ask a server on this machine that has this certificate, which we trust."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    monkeypatch.setattr(adapters.connections, "_context", ssl.create_default_context(cafile=str(pem)))
    connections = Connections(secure=True, timeout=5)
    try:
        with serving(server) as port:
            return connections.send(f"127.0.0.1:{port}", "GET", "/", {}, None).body
    finally:
        connections.close()


def test_over_tls_a_host_is_asked_that_is_who_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = certificate(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    assert ask(own, monkeypatch) == b"hello"


def test_over_tls_a_host_is_not_asked_that_has_somebody_elses_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = certificate(tmp_path, x509.DNSName("example.org"))
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(other, monkeypatch)


def test_no_tables_of_international_names_are_loaded() -> None:
    with serving() as port:
        done = subprocess.run(
            [sys.executable, "-c", ASK, f"localhost:{port}"], capture_output=True, text=True, check=True
        )
    assert done.stdout.split() == ["200", "False"]
