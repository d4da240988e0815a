"""Names in certificates, as people see them."""

from cryptography import x509
from cryptography.x509.oid import NameOID

from namak.certificate_names import full_name


def test_usual_attributes_have_their_names_and_others_their_numbers() -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "ANI SARGSYAN"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "PNOAM-5001950015"),
            x509.NameAttribute(NameOID.SURNAME, "SARGSYAN"),
            x509.NameAttribute(NameOID.GIVEN_NAME, "ANI"),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, "NTRAM-264.110"),
            x509.NameAttribute(x509.ObjectIdentifier("1.2.3.4"), "what is this"),
        ]
    )

    assert full_name(name) == (
        "1.2.3.4=what is this,organizationIdentifier=NTRAM-264.110,GN=ANI,SN=SARGSYAN,"
        "serialNumber=PNOAM-5001950015,CN=ANI SARGSYAN"
    )


def test_what_would_steer_a_terminal_is_marked() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ANI \x1b[2J")])

    assert "\x1b" not in full_name(name)
