"""What the shop can rely on when it hands a letter to a mail server."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.smtp.email import BounceAddress, MailServer, SmtpCarrier
from domain.contact.channels import (
    DeliveryFault,
    DeliveryUnknown,
    MessageAccepted,
    MessageChannel,
    MessageRejected,
    OutgoingMessage,
)
from domain.kernel.ids import MessageId
from tests.support.fakes import Postmaster, doorman, mail_server

NOW = datetime(2026, 11, 23, 15, 4, tzinfo=UTC)
READY = OutgoingMessage(
    id=MessageId("msg_01jd0000000000000000000000"),
    channel=MessageChannel.EMAIL,
    address="reader@example.com",
    locale="nb",
    kind="pickup_ready",
    purpose="service",
    subject="Klar til henting på Grünerløkka",
    text="Koden er 123 456. Åpent til 20.",
    html="<p>Koden er <b>123 456</b>.</p>",
)


def to(who: str) -> OutgoingMessage:
    return OutgoingMessage(
        id=READY.id,
        channel=READY.channel,
        address=f"{who}@example.com",
        locale="en",
        kind="pickup_ready",
        purpose="service",
        text="It is ready.",
    )


def post(port: int, **options) -> SmtpCarrier:
    url = options.pop("url", "smtp://127.0.0.1:{port}").format(port=port)
    return SmtpCarrier(
        MailServer.from_url(url), sender="Harbour <shop@example.com>", clock=lambda: NOW, **options
    )


async def test_a_letter_arrives_whole():
    postmaster = Postmaster()
    async with mail_server(postmaster) as port:
        outcome = await post(port, reply_to="help@example.com").send(READY)

    [envelope], [letter] = postmaster.letters, postmaster.texts
    assert outcome == MessageAccepted("<msg_01jd0000000000000000000000@example.com>")
    assert envelope.mail_from == "shop@example.com"
    assert letter["Message-ID"] == "<msg_01jd0000000000000000000000@example.com>"
    assert letter["Subject"] == "Klar til henting på Grünerløkka"
    assert letter["From"] == "Harbour <shop@example.com>"
    assert letter["Reply-To"] == "help@example.com"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe"] is None
    assert letter["Content-Language"] == "nb"
    assert letter["Date"].datetime == NOW
    bodies = {part.get_content_subtype(): part.get_content() for part in letter.iter_parts()}
    assert {name: body.strip() for name, body in bodies.items()} == {
        "plain": READY.text,
        "html": READY.html,
    }


async def test_a_second_try_is_recognised_as_the_same_letter():
    postmaster = Postmaster()
    async with mail_server(postmaster) as port:
        first = await post(port).send(to("greylist"))
        second = await post(port).send(to("greylist"))

    [letter] = postmaster.texts
    assert first == MessageRejected(DeliveryFault.TRANSIENT, "4.7.1")
    assert second == MessageAccepted(letter["Message-ID"])


async def test_an_advertisement_can_be_stopped_with_one_click():
    postmaster = Postmaster()
    offer = OutgoingMessage(
        id=READY.id,
        channel=MessageChannel.EMAIL,
        address="reader@example.com",
        locale="en",
        kind="thank_you",
        purpose="marketing",
        subject="Thank you",
        text="Thank you.",
        unsubscribe_url="https://shop.example.com/u/" + "t" * 120,
    )
    async with mail_server(postmaster) as port:
        await post(port).send(offer)

    [letter] = postmaster.texts
    assert letter["List-Unsubscribe"] == f"<{offer.unsubscribe_url}>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter["List-Id"] == "<thank_you.example.com>"
    assert letter["Auto-Submitted"] is None


@pytest.mark.parametrize(
    ("who", "outcome"),
    [
        ("bounce", MessageRejected(DeliveryFault.PERMANENT_ADDRESS, "5.1.1")),
        ("disabled", MessageRejected(DeliveryFault.PERMANENT_ADDRESS, "5.2.1")),
        ("plain-bounce", MessageRejected(DeliveryFault.PERMANENT_ADDRESS, "550")),
        ("full", MessageRejected(DeliveryFault.TRANSIENT, "4.2.2")),
        ("policy", MessageRejected(DeliveryFault.PERMANENT_CONTENT, "5.7.1")),
        ("spam", MessageRejected(DeliveryFault.PERMANENT_CONTENT, "5.7.1")),
        ("slow", DeliveryUnknown("SMTPReadTimeoutError")),
        ("accept-then-drop", DeliveryUnknown("SMTPServerDisconnected")),
    ],
)
async def test_every_answer_has_its_meaning(who, outcome):
    async with mail_server(Postmaster()) as port:
        assert await post(port, timeout_s=0.5).send(to(who)) == outcome


async def test_what_was_dropped_after_the_text_may_have_arrived():
    postmaster = Postmaster()
    async with mail_server(postmaster) as port:
        await post(port).send(to("accept-then-drop"))

    assert len(postmaster.letters) == 1


async def test_a_dead_mail_server_is_asked_again_later():
    async with mail_server(Postmaster()) as port:
        pass

    assert await post(port).send(READY) == MessageRejected(
        DeliveryFault.TRANSIENT, "SMTPConnectError"
    )


async def test_an_address_that_is_none_never_reaches_the_server():
    postmaster = Postmaster()
    async with mail_server(postmaster) as port:
        outcome = await post(port).send(to("two words"))

    assert outcome == MessageRejected(DeliveryFault.PERMANENT_ADDRESS, "5.1.3")
    assert postmaster.tries == {}


async def test_a_name_with_letters_of_its_own_is_served_where_the_server_can():
    able, unable = Postmaster(), Postmaster()
    async with mail_server(able, enable_SMTPUTF8=True) as port:
        reached = await post(port).send(to("bjørn"))
    async with mail_server(unable) as port:
        refused = await post(port).send(to("bjørn"))

    assert isinstance(reached, MessageAccepted)
    assert able.letters[0].rcpt_tos == ["bjørn@example.com"]
    assert refused == MessageRejected(DeliveryFault.PERMANENT_ADDRESS, "5.6.7")


async def test_a_bounce_can_name_the_letter_it_is_about():
    postmaster = Postmaster()
    bounces = BounceAddress("bounce.example.com", b"a secret of the shop")
    async with mail_server(postmaster) as port:
        await post(port, bounces=bounces).send(READY)

    assert postmaster.letters[0].mail_from == bounces.address_for(READY.id)
    assert bounces.address_for(READY.id).startswith(f"b+{READY.id}.")
    assert bounces.address_for(READY.id) != BounceAddress(
        "bounce.example.com", b"another"
    ).address_for(READY.id)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A key and a certificate for `localhost`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.parametrize(
    ("password", "outcome"),
    [
        ("open%20sesame", MessageAccepted("<msg_01jd0000000000000000000000@example.com>")),
        ("wrong", MessageRejected(DeliveryFault.AUTH, "5.7.8")),
    ],
)
async def test_a_password_travels_only_inside_tls(certificate, password, outcome):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    options = {
        "tls_context": context,
        "require_starttls": True,
        "authenticator": doorman("shop", "open sesame"),
        "auth_required": True,
    }
    url = f"smtp://shop:{password}@localhost:{{port}}"
    async with mail_server(Postmaster(), **options) as port:
        assert await post(port, url=url, tls=trusting).send(READY) == outcome


async def test_a_password_is_kept_from_a_server_without_tls():
    postmaster = Postmaster()
    async with mail_server(postmaster) as port:
        outcome = await post(port, url="smtp://shop:secret@127.0.0.1:{port}").send(READY)

    assert outcome == MessageRejected(DeliveryFault.CONFIG, "not_supported")
    assert postmaster.letters == []


async def test_a_certificate_of_a_stranger_is_not_believed(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with mail_server(Postmaster(), tls_context=context) as port:
        outcome = await post(port, url="smtp+starttls://localhost:{port}").send(READY)

    assert outcome == MessageRejected(DeliveryFault.CONFIG, "tls")


@pytest.mark.parametrize("url", ["", "mail.example.com", "http://mail.example.com", "smtp://"])
def test_a_wrong_address_of_the_mail_server_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError, match="must look like smtp://host"):
        MailServer.from_url(url)
