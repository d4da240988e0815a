"""``namak token sign`` and ``namak token sign-in``: a file, or a portal's challenge, signed with the card."""

import sys
from pathlib import Path

from namak.cards.contents import Purpose
from namak.cards.outcomes import card_error
from namak.certificate_names import full_name
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.card_listing import chain_document, described
from namak.cli.cards import CardOptions, ChosenKey, card_in_use, chosen_key
from namak.cli.codes import ExitCode
from namak.cli.texts import _
from namak.cli.verifying import read_file
from namak.errors import FileProblem, WrongUsage
from namak.evidence.errors import EvidenceError
from namak.evidence.sign_in import CHALLENGE_LIMIT, FORMAT
from namak.evidence.statement import Statement

MOST_BYTES = 256 * 1024 * 1024
"""What is signed must fit into memory."""


def token_sign(
    run: Run, options: CardOptions, file: Path, output: Path | None, *, pdf: bool, force: bool
) -> ExitCode:
    """Signs a file: saves a detached signature beside it, or a PDF with the signature in it."""
    content = _content(file)
    _refuse_what_has_its_own_command(content)
    key = chosen_key(run, card_in_use(run, options, Purpose.SIGNING))
    signed = _signed(key, content, pdf=pdf)
    name = f"{file.stem}-signed{file.suffix}" if pdf else f"{file.name}.p7s"
    path = _saved(output or file.with_name(name), signed, force=force)
    run.screen.result({"signature": str(path), **_signer(key)})
    _say_who(run, key)
    run.screen.line(str(path))
    return ExitCode.OK


def token_sign_in(
    run: Run, options: CardOptions, file: Path, output: Path | None, *, yes: bool, force: bool
) -> ExitCode:
    """Signs a portal's challenge once its text was shown and agreed to."""
    from namak.client.identity import check_challenge, sign_challenge
    from namak.client.signers import KeySigner

    challenge = _read_challenge(file)
    parsed = check_challenge(challenge)
    run.screen.warning(_("You are about to sign this, to sign in:"))
    run.screen.shown_in_full(challenge.decode("utf-8"))
    if not agreed(run, _("Sign in there?"), yes=yes):
        return ExitCode.REFUSED
    key = chosen_key(run, card_in_use(run, options, Purpose.AUTHENTICATION))
    check_challenge(challenge, certificate=key.certificate_der)
    with key.opened() as card:
        signature = sign_challenge(challenge, KeySigner(card, key.certificate_der, key.issuers_der))
    target = output or (file.with_name(f"{file.name}.p7s") if str(file) != "-" else Path("challenge.p7s"))
    path = _saved(target, signature, force=force)
    run.screen.result(
        {
            "signature": str(path),
            "sign_in_id": str(parsed.sign_in_id),
            "portal": parsed.portal,
            **_signer(key),
        }
    )
    _say_who(run, key)
    run.screen.line(str(path))
    return ExitCode.OK


def _signed(key: ChosenKey, content: bytes, *, pdf: bool) -> bytes:
    """Returns the detached CMS (CAdES baseline B), or the signed PDF (PAdES baseline B-B)."""
    from namak.client.signing import KeySigner, PdfNotSignable, sign_cms, sign_pdf

    with key.opened() as card:
        signer = KeySigner(card, key.certificate_der, key.issuers_der)
        try:
            return sign_pdf(content, signer) if pdf else sign_cms(content, signer)
        except PdfNotSignable as problem:
            raise FileProblem(
                _("the file can't be signed as a PDF: {problem}").format(problem=problem)
            ) from problem
        except EvidenceError as problem:
            raise card_error("CERTIFICATE_MISFIT", problem.detail) from problem


def _content(file: Path) -> bytes:
    content = read_file(file, MOST_BYTES)
    if len(content) > MOST_BYTES:
        raise FileProblem(_("{file} is too large to be signed").format(file=file))
    return content


def _refuse_what_has_its_own_command(content: bytes) -> None:
    """Whoever is handed a file to sign must not find that they signed in, or confirmed a reading."""
    if content.startswith(FORMAT.partition("/")[0].encode()):
        raise WrongUsage(_("this is a portal's challenge: namak token sign-in signs it"))
    try:
        Statement.parse(content)
    except EvidenceError:
        return
    raise WrongUsage(_("this is a statement that a letter was read: namak confirm signs it"))


def _read_challenge(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read(CHALLENGE_LIMIT + 1)
    return read_file(file, CHALLENGE_LIMIT)


def _saved(path: Path, content: bytes, *, force: bool) -> Path:
    from namak.client.files import write_new_file  # not before: the client brings gRPC along

    return write_new_file(path, content, force=force)


def _signer(key: ChosenKey) -> dict[str, object]:
    return {"signer": described(key.certificate), "chain": chain_document(key.chain)}


def _say_who(run: Run, key: ChosenKey) -> None:
    run.screen.note(_("Signed by {name}.").format(name=full_name(key.certificate.subject)))
    if key.chain.missing is not None:
        text = _("Warning: the signature lacks the certificate of {issuer}; name its file by --certificates.")
        run.screen.note(text.format(issuer=key.chain.missing))
