"""A QUIC server or client of aioquic; runs by itself, with a Python that has aioquic.

quic_peer.py server ADDRESS CHAIN KEY
quic_peer.py client ADDRESS HOST VERSION SUITE TRUST KEYLOG
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aioquic.asyncio import connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import CipherSuite

VERSIONS = {"1": QuicProtocolVersion.VERSION_1, "2": QuicProtocolVersion.VERSION_2}


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.write(b"hello\n")
    writer.write_eof()


async def _server(address: str, chain: str, key: str) -> None:
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["hq-interop"])
    configuration.supported_versions = list(VERSIONS.values())
    configuration.load_cert_chain(chain, key)

    def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler.tasks.append(asyncio.ensure_future(_answer(reader, writer)))  # type: ignore[attr-defined]

    handler.tasks = []  # type: ignore[attr-defined]
    await serve(address, 443, configuration=configuration, stream_handler=handler)
    await asyncio.Event().wait()


async def _client(address: str, host: str, version: str, suite: str, trust: str, log: str) -> None:
    with Path(log).open("a") as secrets:
        configuration = QuicConfiguration(
            is_client=True,
            alpn_protocols=["hq-interop"],
            server_name=host,
            secrets_log_file=secrets,
            cipher_suites=[CipherSuite[suite]],
            supported_versions=[VERSIONS[version]],
            original_version=VERSIONS[version],
        )
        configuration.load_verify_locations(trust)
        async with connect(address, 443, configuration=configuration) as connection:
            reader, writer = await connection.create_stream()
            writer.write(b"GET /hello\r\n")
            writer.write_eof()
            print((await reader.read()).decode(), end="")


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    asyncio.run(_server(*arguments) if role == "server" else _client(*arguments))
