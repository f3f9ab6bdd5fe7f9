import hashlib
from collections.abc import Callable, Mapping

import pytest

from adapters.connections import Reply
from adapters.uploads import RefusedError, Uploads, code_in
from loopwright.errors import DeniedError, InvalidInputError, LoopwrightError, NotFoundError, UnavailableError
from loopwright.ports.blobs import Part

PARTS = [Part(1, hashlib.md5(b"1", usedforsecurity=False).hexdigest()), Part(2, "0" * 32)]
WHOLE = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in PARTS), usedforsecurity=False).hexdigest() + "-2"
DENIED = DeniedError("no")


def answering(answer: Callable[[], Reply], *, there: str = "") -> Uploads:
    def send(_method: str, _key: str, _query: Mapping[str, str], _body: bytes) -> Reply:
        return answer()

    return Uploads(send, lambda _: there)


def refusing(code: str, *, repeated: bool = False, there: str = "") -> Uploads:
    def refuse() -> Reply:
        raise RefusedError(code, DENIED, repeated=repeated)

    return answering(refuse, there=there)


def test_an_end_whose_answer_was_lost_knows_its_object_again() -> None:
    refusing("NoSuchUpload", repeated=True, there=WHOLE).end("a", "upload", PARTS)
    for repeated, there in ((False, WHOLE), (True, ""), (True, "another")):
        with pytest.raises(NotFoundError, match="no such upload"):
            refusing("NoSuchUpload", repeated=repeated, there=there).end("a", "upload", PARTS)


def test_parts_whose_tags_are_no_digests_are_of_no_known_object() -> None:
    with pytest.raises(NotFoundError):
        refusing("NoSuchUpload", repeated=True, there="-").end("a", "upload", [Part(1, "no digest")])


@pytest.mark.parametrize(
    ("code", "meant"),
    [("InvalidPart", InvalidInputError), ("EntityTooSmall", InvalidInputError), ("AccessDenied", DeniedError)],
)
def test_an_end_is_refused_by_name(code: str, meant: type[LoopwrightError]) -> None:
    with pytest.raises(meant):
        refusing(code).end("a", "upload", PARTS)


@pytest.mark.parametrize(("code", "meant"), [("InvalidPart", InvalidInputError), ("InternalError", UnavailableError)])
def test_an_end_that_begins_like_a_success_may_be_an_error(code: str, meant: type[LoopwrightError]) -> None:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    with pytest.raises(meant):
        answering(lambda: Reply(200, {}, body)).end("a", "upload", PARTS)


def test_to_abort_what_is_gone_is_done() -> None:
    refusing("NoSuchUpload").abort("a", "upload")
    with pytest.raises(DeniedError):
        refusing("AccessDenied").abort("a", "upload")


def test_a_refusal_tells_its_code_in_xml() -> None:
    assert code_in(b"<Error><Code>InvalidPart</Code></Error>") == "InvalidPart"
    assert code_in(b"no XML") == ""
