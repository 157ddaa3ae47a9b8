"""Texts that hold what is masked. Secrets are put together from a form, so that no scanner takes them for real ones.

In a form `<a36>` stands for 36 letters and digits, `<h>` hex, `<u>` capitals and 2 to 7, `<c>` capitals and digits,
`<l>` letters, `<d>` digits, `<s>` small letters and digits, `<w>` letters, digits, `-` and `_`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import Final

_LOWER: Final = "abcdefghijkmnpqrstuvwxyz"
_UPPER: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS: Final = "0123456789"
_SIGNS: Final = {
    "a": _LOWER + _UPPER + _DIGITS,
    "h": "0123456789abcdef",
    "u": _UPPER + "234567",
    "c": _UPPER + _DIGITS,
    "l": _LOWER + _UPPER,
    "d": _DIGITS,
    "s": _LOWER + _DIGITS,
    "w": _LOWER + _UPPER + _DIGITS,
}
_PLACE: Final = re.compile(r"<([ahuclds w])(\d+)>")


def made(form: str, seed: int = 0) -> str:
    """The form with random signs, the same ones each time."""
    random = Random(f"{form} {seed}")
    return _PLACE.sub(lambda found: _run(random, found.group(1), int(found.group(2))), form)


def _run(random: Random, kind: str, size: int) -> str:
    signs = random.choices(_SIGNS[kind], k=size)
    # One of each kind, so that no sample is a word or a number by chance.
    for place, chosen in enumerate(sorted({sign for sign in (_SIGNS[kind][0], _SIGNS[kind][-1])})):
        if size > 8:
            signs[2 + place] = chosen
    return "".join(signs)


def filled(form: str) -> str:
    """The form with one sign in place of random ones, as documentation has it."""
    return _PLACE.sub(lambda found: "x" * int(found.group(2)), form)


TOKENS: Final[Mapping[str, tuple[str, ...]]] = {
    "age-key": ("AGE-SECRET-KEY-1<c58>",),
    "aws-access-key": ("AKIA<u16>", "ASIA<u16>", "ABIA<u16>", "ACCA<u16>"),
    "aws-bedrock-key": ("ABSK<a110>", "bedrock-api-key-<a80>"),
    "google-api-key": ("AIza<w35>",),
    "google-oauth-token": ("ya29.<w60>", "GOCSPX-<w28>"),
    "azure-secret": ("<a3>8Q~<w33>", "<a3>7Q~<w31>"),
    "alibaba-key": ("LTAI<a20>",),
    "digitalocean-token": ("dop_v1_<h64>", "doo_v1_<h64>", "dor_v1_<h64>"),
    "github-token": ("ghp_<a36>", "gho_<a36>", "ghu_<a36>", "ghs_<a36>", "ghr_<a36>", "github_pat_<a22>_<a59>"),
    "gitlab-token": ("glpat-<w20>", "gldt-<w20>", "glrt-<w20>", "glptt-<h40>", "GR1348941<w20>"),
    "atlassian-token": ("ATATT3<w186>", "ATCTT3<w186>"),
    "npm-token": ("npm_<a36>",),
    "pypi-token": ("pypi-AgE<w80>",),
    "rubygems-token": ("rubygems_<h48>", "CLOJARS_<s60>"),
    "docker-token": ("dckr_pat_<w27>", "dckr_oat_<w32>"),
    "slack-token": (
        "xoxb-<d12>-<d12>-<a24>",
        "xoxp-<d12>-<d12>-<d12>-<h32>",
        "xoxe.xoxp-1-<a160>",
        "xoxe-1-<a147>",
        "xapp-1-A<c10>-<d13>-<h64>",
        "xoxs-<d10>-<d10>-<d10>-<h10>",
    ),
    "stripe-key": ("sk_live_<a24>", "rk_test_<a24>", "whsec_<a32>"),
    "square-token": ("sq0atp-<w22>", "sq0csp-<w43>", "EAAA<a60>"),
    "shopify-token": ("shpat_<h32>", "shpss_<h32>"),
    "payment-token": (
        "access_token$production$<s16>$<h32>",
        "EZAK<a54>",
        "shippo_live_<h40>",
        "duffel_test_<a43>",
        "FLWSECK_TEST-<s32>",
        "access-sandbox-<h8>-<h4>-<h4>-<h4>-<h12>",
    ),
    "openai-key": ("sk-proj-<a74>T3BlbkFJ<a74>", "sk-<a20>T3BlbkFJ<a20>", "sk-svcacct-<w60>"),
    "anthropic-key": ("sk-ant-api03-<w93>AA", "sk-ant-oat01-<w93>"),
    "huggingface-token": ("hf_<l34>", "api_org_<l34>"),
    "model-key": ("gsk_<a52>", "xai-<a80>", "r8_<a37>", "pplx-<a48>", "sk-or-v1-<h64>", "nvapi-<a64>", "tvly-<a32>"),
    "twilio-key": ("SK<h32>",),
    "mail-key": ("SG.<w22>.<w43>", "key-<h32>", "xkeysib-<h64>-<a16>", "<h32>-us14"),
    "discord-token": ("MTA1<a21>.<a6>.<a30>",),
    "telegram-token": ("<d10>:AA<a33>",),
    "vault-token": ("hvs.<a95>", "hvb.<a140>", "<a14>.atlasv1.<a67>"),
    "databricks-token": ("dapi<h32>",),
    "grafana-token": ("glsa_<a32>_<h8>", "glc_<a60>"),
    "doppler-token": ("dp.pt.<a43>", "dp.st.dev.<a43>"),
    "heroku-key": ("HRKU-<w50>",),
    "cloudflare-key": ("v1.0-<h24>-<h146>",),
    "fly-token": ("fo1_<w43>", "fm2_<a120>"),
    "newrelic-key": ("NRAK-<c27>", "NRII-<a32>"),
    "linear-key": ("lin_api_<a40>",),
    "notion-token": ("ntn_<d11><a35>", "secret_<a43>"),
    "postman-key": ("PMAK-<h24>-<h34>",),
    "pulumi-token": ("pul-<h40>",),
    "sentry-token": ("sntrys_<a80>", "sntryu_<h64>"),
    "planetscale-token": ("pscale_tkn_<w43>", "pscale_pw_<w43>"),
    "onepassword-token": ("A3-<c6>-<c11>-<c5>-<c5>-<c5>",),
    "airtable-token": ("pat<a14>.<h64>",),
    "figma-token": ("figd_<w43>",),
    "hubspot-token": ("pat-na1-<h8>-<h4>-<h4>-<h4>-<h12>",),
    "facebook-token": ("EAAC<a160>", "<d15>|<w27>"),
    "sourcegraph-token": ("sgp_<h40>", "sgp_<h16>_<h40>"),
    "platform-token": ("sbp_<h40>", "nfp_<a36>", "rdme_<s70>", "CFPAT-<w43>", "dt0c01.<c24>.<c64>", "sha256~<w43>"),
}
"""What a vendor's token looks like, by the mask it gets."""

AROUND: Final = (
    "{}",
    "see {} there",
    '{{"value": "{}"}}',
    "first\\n{}\\nlast",
    "- it is ({}), they said",
    "https://example.com/?q={}&page=2",
    "Grüße aus Köln: {}!",
)
"""Where a token may stand: in prose, in JSON, behind a line break that is written out, in a query."""
