from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.crosscheck.dissection import Dissection

# As `tshark -T json --no-duplicate-keys` 4.0 wrote them, cut down to what matters.
TCP = {
    "tcp.stream": "7",
    "tcp.analysis": {"tcp.analysis.flags": {"_ws.expert": {"tcp.analysis.retransmission": ""}}},
}
REQUEST = {
    "ocsp.tbsRequest_element": {
        "ocsp.requestList_tree": {
            "ocsp.Request_element": {
                "ocsp.reqCert_element": {
                    "ocsp.issuerNameHash": "42:46",
                    "ocsp.issuerKeyHash": "98:d1",
                    "ocsp.serialNumber": "00:f8:2a",
                }
            }
        }
    }
}
SINGLE = {
    "ocsp.certID_element": {"ocsp.issuerNameHash": "42:46", "ocsp.serialNumber": "45:97"},
    "ocsp.certStatus": "1",
    "ocsp.thisUpdate": "Apr 21, 2021 13:49:38.000000000 UTC",
}
RESPONSE = {
    "ocsp.responseStatus": "0",
    "ocsp.responseBytes_element": {"ocsp.responses_tree": {"ocsp.SingleResponse_element": SINGLE}},
}
# An OCSPRequest for serial 1, without a nonce (RFC 6960 4.1.1).
GET_REQUEST = bytes.fromhex(
    "3042304030 3e303c303a300906052b0e03021a05000414".replace(" ", "")
    + "11" * 20
    + "0414"
    + "22" * 20
    + "020101"
)


def dissect(protocols: str = "eth:ip:tcp:tls", **layers: object) -> Dissection:
    dissection = Dissection("4.0.17")
    dissection.receive(9, protocols, {name: [fields] for name, fields in layers.items()})  # type: ignore[misc]
    return dissection


def test_every_message_of_every_record_is_read() -> None:
    tls = {
        "tls.record": [
            {
                "tls.handshake": [
                    {"tls.handshake.type": "2"},
                    {
                        "tls.handshake.type": "11",
                        "tls.handshake.certificates": {"tls.handshake.certificate": ["30:01", "30:02"]},
                    },
                ]
            },
            {"tls.handshake": {"tls.handshake.type": "22", "ocsp": RESPONSE}},
        ]
    }
    items = dissect(tcp=TCP, tls=tls).items
    assert [(item.kind, item.transport, item.stream, item.frame) for item in items] == [
        ("certificate", "tcp", 7, 9),
        ("certificate", "tcp", 7, 9),
        ("staple", "tcp", 7, 9),
    ]
    assert items[1].identity == sha256(b"\x30\x02").hexdigest()
    assert items[2].identity == "successful 4597/revoked/1619012978000000000/None"


def test_a_hello_needs_its_body() -> None:
    name = {"Extension: server_name": {"x": {"tls.handshake.extensions_server_name": "host.test"}}}
    whole = {"tls.handshake.type": "1", "tls.handshake.random": "AB:CD", **name}
    (item,) = dissect(tcp=TCP, tls={"tls.handshake": [whole, {"tls.handshake.type": "1"}]}).items
    assert (item.kind, item.identity, item.mark) == ("client-hello", "host.test", "abcd")


def test_ssl2_calls_the_random_a_challenge() -> None:
    (item,) = dissect(tcp=TCP, tls={"tls.handshake.type": "1", "tls.handshake.challenge": "01:02"}).items
    assert item.mark == "0102"


def test_the_innermost_conversation_counts() -> None:
    hello = {"tls.handshake.type": "1", "tls.handshake.random": "01"}
    dissection = Dissection("4.0.17")
    layers = {"udp": [{"udp.stream": "4"}], "tcp": [{"tcp.stream": "2"}], "tls": [hello]}
    dissection.receive(1, "eth:ip:udp:vxlan:eth:ip:tcp:tls", layers)
    dissection.receive(
        2,
        "eth:ip:udp:gtp:ip:udp:quic",
        {
            "udp": [{"udp.stream": "4"}, {"udp.stream": "5"}],
            "quic": [{"quic.frame": {"tls": hello}}],
        },
    )
    assert [(item.transport, item.stream) for item in dissection.items] == [("tcp", 2), ("udp", 5)]


@pytest.mark.parametrize("layer", ["rdpudp", "openvpn", "dtls"])
def test_tls_inside_what_is_not_read_is_no_business_of_the_facts(layer: str) -> None:
    hello = {"tls.handshake.type": "1", "tls.handshake.random": "01"}
    inside = {layer: {}, "tls": hello}
    assert not dissect(f"eth:ip:udp:{layer}:tls", udp={"udp.stream": "4"}, **inside).items


def test_tls_inside_the_layer_of_another_protocol() -> None:
    hello = {"tls.handshake.type": "1", "tls.handshake.random": "01"}
    quic = {"quic.frame": {"tls": {"tls.record": {"tls.handshake": hello}}}}
    (item,) = dissect("eth:ip:udp:quic:tls", udp={"udp.stream": "4"}, quic=quic).items
    assert (item.transport, item.stream) == ("udp", 4)


def test_requests_and_responses_of_http() -> None:
    (request,) = dissect("eth:ip:tcp:http:ocsp", tcp=TCP, http={}, ocsp=REQUEST).items
    assert (request.kind, request.identity) == ("request", "4246/98d1/f82a")
    (response,) = dissect("eth:ip:tcp:http:ocsp", tcp=TCP, http={}, ocsp=RESPONSE).items
    assert response.kind == "response"
    (refusal,) = dissect("eth:ip:tcp:http:ocsp", tcp=TCP, ocsp={"ocsp.responseStatus": "3"}).items
    assert refusal.label == "tryLater"


@pytest.mark.parametrize("encode", [lambda text: text, lambda text: quote(text, safe="")])
def test_a_get_request_is_known_by_what_its_url_decodes_to(encode: object) -> None:
    encoded = encode(b64encode(GET_REQUEST).decode())  # type: ignore[operator]
    url = f"http://ocsp.test/{encoded}"
    http = {"GET": {"http.request.method": "GET"}, "http.request.full_uri": url}
    (item,) = dissect("eth:ip:tcp:http", tcp=TCP, http=http).items
    assert item.identity == f"GET {url}"
    http["http.request.full_uri"] = "http://cdn.test/Mxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    assert dissect("eth:ip:tcp:http", tcp=TCP, http=http).items == []


@pytest.mark.parametrize(
    "text",
    ["Apr 21, 2021 13:49:38.000000000 UTC", "2021-04-21T13:49:38.000000000Z", "2021-04-21 13:49:38 (UTC)"],
)
def test_times_of_several_versions(text: str) -> None:
    single = {**SINGLE, "ocsp.thisUpdate": text}
    response = {**RESPONSE, "ocsp.responseBytes_element": single}
    (item,) = dissect("eth:ip:tcp:http:ocsp", tcp=TCP, ocsp=response).items
    assert "1619012978000000000" in item.identity


def test_what_the_tcp_analysis_says() -> None:
    assert dissect(tcp=TCP).sent_again == {9: "retransmission"}
    part = {"tcp.stream": "1", "tcp.segment_data": "00"}
    assert dissect(tcp=part).held_back == {9}
    assert dissect(tcp={**part, "tcp.reassembled_in": "12"}).held_back == set()
    assert dissect(tcp=part, **{"tcp.segments": {"tcp.segment": "9"}}).held_back == set()


VALUES = st.recursive(
    st.text(max_size=8) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "tls.handshake.type",
                    "tls.handshake.certificate",
                    "tls.handshake.random",
                    "ocsp",
                    "ocsp.certStatus",
                    "ocsp.serialNumber",
                    "ocsp.thisUpdate",
                    "http.request.full_uri",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["tcp", "udp", "tls", "quic", "http", "ocsp"]),
        st.lists(st.dictionaries(st.text(max_size=20), VALUES, max_size=4), max_size=2),
    )
)
def test_no_fields_make_it_fail(layers: dict[str, list[dict[str, object]]]) -> None:
    Dissection("4.0.17").receive(1, "eth:ip:tcp:tls", layers)
