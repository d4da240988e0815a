"""Settings of the post's electronic seal, and of the delivery certificates that bear it."""

from pydantic import Field, model_validator

from server.config_long_term import LongTermSettings
from server.config_values import ExistingPath, Section


class SealKeySettings(Section):
    """Where the seal's key is: all that a ceremony needs before there is a certificate."""

    module: ExistingPath | None = None
    """The PKCS#11 module. Without one the post has no seal."""
    token: str = ""
    """The token's label."""
    label: str = "namak-seal"
    """The key's label in the token."""
    pin_file: ExistingPath | None = None
    """File that holds the token's PIN."""
    softhsm_config: ExistingPath | None = None
    """SoftHSM only: its configuration file (given to the module as SOFTHSM2_CONF)."""

    @model_validator(mode="after")
    def _names_a_token(self) -> "SealKeySettings":
        if self.module is not None and not (self.token and self.pin_file):
            raise ValueError("`token` and `pin_file` are needed with `module`")
        return self


class SealSettings(SealKeySettings):
    """The post's electronic seal: a key of its own (EC P-256 or P-384, or RSA) in a PKCS#11 token."""

    certificate: ExistingPath | None = None
    """PEM file: the key's certificate, and those above it, without the root. Its key usage must permit
    signing content (contentCommitment).
    """
    long_term: LongTermSettings | None = None
    """What the sealed files carry so that the seal verifies for decades (PAdES B-LT)."""

    @model_validator(mode="after")
    def _is_whole(self) -> "SealSettings":
        if self.module is not None and self.certificate is None:
            raise ValueError(
                "`certificate` is needed with `module`; `namak-server hsm init --seal` requests one"
            )
        return self


class CertificateSettings(Section):
    """Delivery certificates. They are made where the post has a seal."""

    site: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")
    """Where the post tells how certificates are verified, as it is printed on them; none by default."""
    processes: int = Field(default=1, ge=1, le=64)
    """Processes that set certificates side by side; they start with the first ones."""
