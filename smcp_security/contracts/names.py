"""What the name of an argument tells of its kind, together with the name of its tool. Data and its look-up. Pure.

Conservative: a wrong kind lets an attack pass as content, or refuses an honest value. So a word that has two meanings
(`query`, `code`, `content`, `command`) counts only beside another that says which one it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from smcp_security.contracts.words import any_of, vocabulary

_NONE: Final[frozenset[str]] = frozenset()

_SQL: Final = vocabulary(
    "sql postgres postgre postgresql pg psql mysql mariadb sqlite duckdb bigquery bq snowflake redshift clickhouse "
    "mssql tsql trino presto athena databricks supabase cockroachdb singlestore"
)
_DATABASE: Final = vocabulary("database db table select warehouse")
_SEARCH: Final = vocabulary("search find lookup notion airtable list vector semantic")
_NOSQL: Final = vocabulary("mongo mongodb dynamo dynamodb cosmos cosmosdb firestore couch couchdb couchbase documentdb")
_QUERY_TOOLS: Final = vocabulary(
    "graphql prometheus promql loki logql jira jql confluence cql neo4j cypher elastic elasticsearch opensearch kusto "
    "kql splunk spl salesforce soql influx influxdb sparql gremlin xpath jsonpath jmespath jq logscale datadog"
)
_QUERY_LANGUAGES: Final = vocabulary(
    "graphql promql logql jql cql cypher kql soql sosl sparql gremlin xpath jsonpath jmespath jq gaql aql lucene flux"
)
_SHELL: Final = vocabulary("shell bash sh zsh terminal powershell pwsh console ssh cmd tmux iterm")
_RUN: Final = vocabulary("run exec execute")
_RUN_COMMAND: Final = vocabulary(
    "runcommand executecommand execcommand runcmd executecmd commandexecute commandrun runprocess startprocess exec"
)
_NO_SHELL: Final = vocabulary(
    "aws kubectl k8s kubernetes helm git gcloud az azure docker npm redis discord slack telegram bot voice robot sql "
    "terraform gh device light vehicle airflow"
)
_CODE: Final = vocabulary(
    "code python py js javascript typescript ts node java script eval evaluate interpreter notebook jupyter repl "
    "sandbox lint linter compile compiler program rust golang ruby php kernel cell lua e2b deno snippet refactor"
)
_BROWSER: Final = vocabulary("browser page puppeteer playwright chrome evaluate javascript js script devtool tab dom")
_GIT: Final = vocabulary(
    "git github gitlab gitea bitbucket repo repository branch commit checkout merge rebase diff pull"
)
_KUBERNETES: Final = vocabulary("kubectl k8s kubernetes helm kube pod")
_FILES: Final = vocabulary("file directory folder dir path fs filesystem")
_DOCUMENTS: Final = vocabulary(
    "file page doc document wiki issue pull pr discussion gist blog article post readme markdown md email mail comment "
    "review release block notebook write edit append canvas ticket draft publish confluence notion note obsidian gmail "
    "story bug insert replace str patch editor merge message_board"
)
_ISSUES: Final = vocabulary("issue ticket pull pr merge story epic bug release jira linear discussion review page")
_REQUESTS: Final = vocabulary("http httprequest curl rest fetch api webhook sms tweet whatsapp")
_MAIL: Final = vocabulary("email mail gmail outlook smtp imap sendgrid")


class Reading(msgspec.Struct, frozen=True):
    """One way to understand a name. `heads` are last words; the rest are conditions on the words beside it.

    `qualified`: another word of the name is one of these. `alone`: there is no other. `about`: the tool's name, or that
    of an object around, has one of these. `described`: or the description has. The two `no_*` rule the reading out.
    """

    kind: str
    why: str
    heads: frozenset[str]
    qualified: frozenset[str] = _NONE
    alone: bool = False
    about: frozenset[str] = _NONE
    described: frozenset[str] = _NONE
    no_qualifier: frozenset[str] = _NONE
    no_about: frozenset[str] = _NONE

    def fits(self, name: tuple[str, ...], tool: frozenset[str], description: frozenset[str]) -> bool:
        """Whether a name (its words) in a tool (the words around it) is to be understood like this."""
        others = name[:-1]
        if name[-1] not in self.heads or (self.alone and others) or any_of(others, self.no_qualifier):
            return False
        if any_of(tool, self.no_about) or (self.qualified and not any_of(others, self.qualified)):
            return False
        return not self.about or any_of(tool, self.about) or any_of(description, self.described)


READINGS: Final = (
    Reading("sql", "its name says SQL", vocabulary("sql"), no_qualifier=vocabulary("no non")),
    Reading("sql", "its name says SQL", vocabulary("query statement text string command script code"),
            qualified=_SQL),
    Reading("nosql", "a filter of a document database", vocabulary("filter query pipeline update projection selector"),
            about=_NOSQL),
    Reading("ldap", "a filter of a directory", vocabulary("filter query"), about=vocabulary("ldap activedirectory")),
    Reading("query", "its name is that of a query language", _QUERY_LANGUAGES),
    Reading("query", "its name is that of a query language", vocabulary("path"),
            qualified=vocabulary("json x jmes"), no_qualifier=vocabulary("file output input config")),
    Reading("query", "a query in a tool for a query language", vocabulary("query q expression"), about=_QUERY_TOOLS,
            no_about=_SQL, no_qualifier=vocabulary("search")),
    Reading("sql", "a query in a tool for SQL", vocabulary("query statement q"), about=_SQL,
            described=vocabulary("sql"), no_about=vocabulary("search doc documentation"),
            no_qualifier=vocabulary("search natural nl name id")),
    Reading("sql", "a query in a tool for databases", vocabulary("query statement q"), about=_DATABASE,
            no_about=_SEARCH | _NOSQL, no_qualifier=vocabulary("search natural nl name id")),
    Reading("sql", "a query in a tool that runs queries", vocabulary("query"), alone=True,
            about=vocabulary("readquery writequery executequery runquery execquery")),
    Reading("command", "a command in a tool for shells", vocabulary("command cmd commandline line script input"),
            about=_SHELL, no_about=vocabulary("discord slack telegram"), no_qualifier=vocabulary("sub name id")),
    Reading("command", "its name says shell", vocabulary("command cmd script line"),
            qualified=vocabulary("shell bash sh terminal powershell")),
    Reading("command", "a command in a tool that runs commands", vocabulary("command cmd commandline"),
            about=_RUN_COMMAND, described=_SHELL, no_about=_NO_SHELL, no_qualifier=vocabulary("sub name id voice")),
    Reading("html", "its name says HTML", vocabulary("html xhtml"), no_qualifier=vocabulary("is as use")),
    Reading("html", "its name says HTML", vocabulary("body content text source string part"),
            qualified=vocabulary("html")),
    Reading("template", "a template in a tool that renders it", vocabulary("template tmpl"), alone=True,
            about=vocabulary("render jinja handlebar mustache liquid")),
    Reading("template", "its name says the text of a template", vocabulary("body content text source string"),
            qualified=vocabulary("template tmpl")),
    Reading("code", "its name says source code", vocabulary("code content text body string edit"),
            qualified=vocabulary("source python py javascript js typescript java css cpp rust golang ruby php lua"),
            no_qualifier=vocabulary("data")),
    Reading("code", "code in a tool that takes code", vocabulary("code"), alone=True, about=_CODE,
            no_about=vocabulary("country currency airport zip postal language promo auth oauth error verify")),
    Reading("code", "a script in a tool that runs it", vocabulary("script"), about=_RUN | _CODE | _BROWSER,
            no_qualifier=vocabulary("name id")),
    Reading("code", "a function in a tool that evaluates it", vocabulary("function expression"), alone=True,
            about=vocabulary("browser page puppeteer playwright chrome javascript js devtool evaluatescript")),
    Reading("code", "its name says source code",
            vocabulary("snippet javascript dockerfile diff patch manifest sourcecode"),
            no_about=vocabulary("get list read"), no_qualifier=vocabulary("name id show is")),
    Reading("code", "the source of a cell", vocabulary("source"), about=vocabulary("notebook jupyter cell")),
    Reading("code", "source code in a tool that runs it", vocabulary("source"), alone=True,
            about=vocabulary("code python javascript interpreter sandbox repl eval")),
    Reading("document", "the text of a file that is written", vocabulary("text"), alone=True,
            about=vocabulary("createfile writefile savefile newfile appendfile")),
    Reading("document", "its name says Markdown", vocabulary("markdown md readme"),
            no_qualifier=vocabulary("is as use")),
    Reading("document", "the text of a file that is edited", vocabulary("text str string content line"),
            qualified=vocabulary("old new file insert replacement"),
            about=_FILES | vocabulary("edit replace str editor"), no_about=_SEARCH),
    Reading("document", "the content of a document", vocabulary("content body filecontent"), about=_DOCUMENTS,
            no_about=_REQUESTS | _SHELL | _SQL),
    Reading("document", "the content of a document", vocabulary("content body"),
            qualified=vocabulary("file page doc document wiki issue pr email mail comment review readme cell block")),
    Reading("document", "a description or comment with formatting", vocabulary("description comment"), about=_ISSUES,
            no_qualifier=vocabulary("short meta")),
    Reading("regex", "its name says regular expression", vocabulary("regex regexp")),
    Reading("regex", "a pattern in a tool that searches by it", vocabulary("pattern"),
            about=vocabulary("grep ripgrep rg regex regexp"), described=vocabulary("regex regexp grep"),
            no_qualifier=vocabulary("glob file path exclude include")),
    Reading("url", "its name says URL", vocabulary("url uri href website webpage homepage webhook"),
            no_qualifier=vocabulary("is has no data")),
    Reading("hostname", "its name says host", vocabulary("hostname host fqdn"), no_qualifier=vocabulary("is show")),
    Reading("path", "its name says path",
            vocabulary("path pathname filepath filename dirname dir directory cwd workdir"),
            no_qualifier=vocabulary("json x xml css jq dot key property field object svg career learning yaml is")),
    Reading("path", "a file or folder by name", vocabulary("file folder"),
            no_qualifier=vocabulary("is mail label chat include use per")),
    Reading("path", "a file or folder by name", vocabulary("name"), qualified=vocabulary("file dir directory folder"),
            no_qualifier=vocabulary("mail label chat")),
    Reading("path", "an end of a move or copy of files", vocabulary("source destination src dst dest from to target"),
            alone=True, about=_FILES | vocabulary("cp mv")),
    Reading("argv_token", "a revision, as git takes it",
            vocabulary("branch ref refspec revision rev commitish treeish"), no_qualifier=vocabulary("is bank")),
    Reading("argv_token", "a revision, as git takes it", vocabulary("target commit tag base head remote start end sha"),
            about=_GIT, no_qualifier=vocabulary("is")),
    Reading("argv_token", "a name that kubectl takes",
            vocabulary("resource namespace pod container deployment chart context kind release"), about=_KUBERNETES),
    Reading("email", "its name says mail address", vocabulary("email mail recipient"),
            no_qualifier=vocabulary("is has send html about per")),
    Reading("email", "an address in a tool for mail", vocabulary("to cc bcc from recipient"), alone=True, about=_MAIL),
    Reading("uuid", "its name says UUID", vocabulary("uuid guid")),
    Reading("identifier", "its name says identifier", vocabulary("id identifier slug username"),
            no_qualifier=vocabulary("is dna")),
    Reading("identifier", "a key of a record", vocabulary("key"),
            qualified=vocabulary("file issue project item space page board team task record")),
    Reading("identifier", "a part of a repository's name", vocabulary("owner repo"), alone=True,
            about=_GIT | vocabulary("issue pull")),
    Reading("identifier", "a name in a database", vocabulary("table column schema database"), alone=True,
            about=_SQL | _DATABASE),
    Reading("identifier", "a name in a database", vocabulary("name"),
            qualified=vocabulary("table column schema database")),
    Reading("json", "its name says JSON", vocabulary("json"), no_qualifier=vocabulary("is as use")),
)  # fmt: skip
"""In their order: the first that fits counts."""

_NUMBERED: Final = frozenset({"path", "url", "hostname", "email", "identifier", "uuid", "argv_token"})

_BY_HEAD: Final[Mapping[str, tuple[Reading, ...]]] = {
    head: tuple(each for each in READINGS if head in each.heads)
    for head in frozenset().union(*(r.heads for r in READINGS))
}
"""The same by last word: callers may send thousands of names, and most of them say nothing."""


def kind_of_name(
    name: tuple[str, ...], tool: frozenset[str], description: frozenset[str] = _NONE
) -> tuple[str, str] | None:
    """(kind, why) of an argument by its words, those of its tool and of the descriptions; None if they tell none."""
    if not name:
        return None
    reading = next((each for each in _BY_HEAD.get(name[-1], ()) if each.fits(name, tool, description)), None)
    if reading is not None:
        return reading.kind, reading.why
    if len(name) == 1 or not name[-1].isdecimal():
        return None
    # `file1`, `url_2`. What `md5` and `base64` hold is not told by the word before, so no language is content for it.
    numbered = kind_of_name(name[:-1], tool, description)
    return numbered if numbered is not None and numbered[0] in _NUMBERED else None
